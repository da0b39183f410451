//! Which cameras there are.

use nokhwa::utils::CameraIndex;
use tincan_media::device::CameraFormat;

/// A camera that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CameraNode {
    /// Stable where the system allows it.
    pub(crate) id: String,
    /// For people.
    pub(crate) name: String,
    /// What it offers; empty where it has to be opened to tell.
    pub(crate) formats: Vec<CameraFormat>,
    /// What nokhwa calls it, until it is unplugged.
    pub(super) index: CameraIndex,
}

/// The cameras in the system's order. nokhwa's own list has the metadata nodes of USB cameras
/// in it and panics at a node without a number, so on Linux we read `sysfs`.
#[cfg(target_os = "linux")]
pub(crate) fn nodes() -> Vec<CameraNode> {
    super::v4l2::nodes()
}

/// The cameras in the system's order.
#[cfg(not(target_os = "linux"))]
pub(crate) fn nodes() -> Vec<CameraNode> {
    let Some(api) = nokhwa::native_api_backend() else { return Vec::new() };
    let infos = nokhwa::query(api)
        .inspect_err(|error| tracing::warn!(%error, "cameras could not be listed"))
        .unwrap_or_default();
    let node = |info: nokhwa::utils::CameraInfo| {
        // `misc` has the system's own id on macOS and the symbolic link on Windows.
        let misc = info.misc();
        let id = if misc.is_empty() { info.index().as_string() } else { misc };
        CameraNode {
            id: format!("camera:{id}"),
            name: info.human_name(),
            formats: Vec::new(),
            index: info.index().clone(),
        }
    };
    infos.into_iter().map(node).collect()
}
