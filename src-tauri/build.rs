//! Declares the app's own commands, so that each window may call only what its capability
//! lists.

fn main() {
    let commands = tauri_build::AppManifest::new().commands(&[
        "snapshot",
        "dispatch",
        "video_endpoint",
        "decoder_chosen",
    ]);
    let attributes = tauri_build::Attributes::new().app_manifest(commands);
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:warning={error:#}");
        std::process::exit(1);
    }
}
