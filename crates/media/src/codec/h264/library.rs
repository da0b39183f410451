//! Where OpenH264 comes from: it is compiled in, or it is the binary that Cisco builds and pays the
//! patent pool for, which then was installed on this computer (openh264.org/faq.html).

use openh264::OpenH264API;

/// OpenH264, or why it is not there.
#[cfg(not(feature = "openh264-binary"))]
pub fn library() -> Result<OpenH264API, String> {
    #[cfg(feature = "openh264-source")]
    return Ok(OpenH264API::from_source());
    #[cfg(not(feature = "openh264-source"))]
    return Err("this program was built without an H.264 codec".into());
}

/// OpenH264, or why it is not there.
#[cfg(feature = "openh264-binary")]
pub fn library() -> Result<OpenH264API, String> {
    let path = std::env::var_os("TINCAN_OPENH264").unwrap_or_else(|| INSTALLED.into());
    load(std::path::Path::new(&path))
}

/// Where the binary is expected unless `TINCAN_OPENH264` names another place.
#[cfg(all(feature = "openh264-binary", target_os = "linux"))]
const INSTALLED: &str = "/usr/lib/tincan/libopenh264.so";
#[cfg(all(feature = "openh264-binary", target_os = "macos"))]
const INSTALLED: &str = "/Library/Application Support/Tincan/libopenh264.dylib";
#[cfg(all(feature = "openh264-binary", target_os = "windows"))]
const INSTALLED: &str = "openh264.dll";

/// Loads one of the binaries that Cisco has published for this version, and no other.
#[cfg(feature = "openh264-binary")]
fn load(path: &std::path::Path) -> Result<OpenH264API, String> {
    OpenH264API::from_blob_path(path)
        .map_err(|error| format!("OpenH264 cannot be loaded from {}: {error}", path.display()))
}

#[cfg(all(test, feature = "openh264-binary"))]
mod tests {
    use super::*;

    #[test]
    fn only_what_cisco_has_published_is_loaded() {
        let program = std::env::current_exe().unwrap();
        let refused = load(&program).err().unwrap();
        assert!(refused.contains(&program.display().to_string()), "{refused}");
        assert!(load(std::path::Path::new("/nowhere/libopenh264.so")).is_err());
    }
}
