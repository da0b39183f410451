//! Declares the app's own commands, so that each window may call only what its capability
//! lists; and writes down what the app is made of, for its about page.

#[path = "build/licences.rs"]
mod licences;

fn main() {
    let commands = tauri_build::AppManifest::new().commands(&[
        "snapshot",
        "dispatch",
        "video_endpoint",
        "decoder_chosen",
        "open_main",
        "open_pip",
        "close_pip",
        "close_incoming",
        "about",
        "recording",
        "save_recording",
    ]);
    let attributes = tauri_build::Attributes::new().app_manifest(commands);
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:warning={error:#}");
        std::process::exit(1);
    }
    if let Err(error) = licences::write() {
        println!("cargo:warning=the about page will not say what the app is made of: {error:#}");
    }
}
