//! What a camera's error means. nokhwa gives only text; on Linux it ends in the system's
//! number, which is all that can be trusted.

use nokhwa::NokhwaError;
use tincan_media::device::DeviceError;

const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const ENXIO: i32 = 6;
const EACCES: i32 = 13;
const EBUSY: i32 = 16;
const ENODEV: i32 = 19;
/// What USB cameras answer when another one takes the bus's bandwidth.
const ENOSPC: i32 = 28;

/// Whether the camera is gone for good.
pub(super) fn is_gone(error: &NokhwaError) -> bool {
    matches!(errno(&error.to_string()), Some(ENODEV | ENXIO | ENOENT))
}

/// What an error means when it comes from opening or from the first picture.
pub(super) fn while_opening(error: &NokhwaError) -> DeviceError {
    meaning(error.to_string())
}

/// The same for an error of the system itself.
#[cfg(target_os = "linux")]
pub(super) fn of_system(error: &std::io::Error) -> DeviceError {
    meaning(error.to_string())
}

fn meaning(text: String) -> DeviceError {
    match errno(&text) {
        Some(EBUSY | ENOSPC) => DeviceError::Busy(text),
        Some(EACCES | EPERM) => DeviceError::Refused(text),
        Some(ENODEV | ENXIO | ENOENT) => DeviceError::Missing,
        Some(_) | None => DeviceError::Unsupported(text),
    }
}

/// The number in "... (os error 19)".
fn errno(text: &str) -> Option<i32> {
    let (_, after) = text.rsplit_once("(os error ")?;
    after.split_once(')')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(errno: i32) -> DeviceError {
        let system = std::io::Error::from_raw_os_error(errno);
        while_opening(&NokhwaError::OpenDeviceError("0".into(), format!("V4L2 Error: {system}")))
    }

    #[test]
    fn the_number_in_the_text_decides() {
        assert!(matches!(opening(EBUSY), DeviceError::Busy(_)));
        assert!(matches!(opening(EACCES), DeviceError::Refused(_)));
        assert_eq!(opening(ENODEV), DeviceError::Missing);
        assert!(matches!(opening(5), DeviceError::Unsupported(_)));
    }

    #[test]
    fn an_unplugged_camera_is_gone_and_a_hiccup_is_not() {
        let unplugged = std::io::Error::from_raw_os_error(ENODEV).to_string();
        assert!(is_gone(&NokhwaError::ReadFrameError(unplugged)));
        assert!(!is_gone(&NokhwaError::ReadFrameError("again".into())));
    }
}
