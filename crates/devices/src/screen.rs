//! The screens of this machine: X11 by its own protocol, Wayland by the desktop's portal.
//! Decides which of them there is.

#[cfg(target_os = "linux")]
mod delivery;
mod desktop;
#[cfg(target_os = "linux")]
mod pace;
#[cfg(target_os = "linux")]
mod portal;
#[cfg(target_os = "linux")]
mod x11;

use desktop::{Desktop, Surroundings};
use std::sync::Arc;
use tincan_media::screen::{NoScreens, ScreenUnavailable, Screens};

/// The screens of the desktop that this process runs in.
pub fn system_screens() -> Arc<dyn Screens> {
    match Desktop::of(&Surroundings::of_this_process()) {
        #[cfg(target_os = "linux")]
        Desktop::X11 => x11_screens(None),
        #[cfg(target_os = "linux")]
        Desktop::Wayland => portal_screens(None),
        Desktop::None => Arc::new(NoScreens(ScreenUnavailable::NoDisplay)),
        Desktop::Unknown => Arc::new(NoScreens(ScreenUnavailable::Unsupported)),
    }
}

/// The screens of an X server (`None`: that of the environment).
#[cfg(target_os = "linux")]
pub fn x11_screens(display: Option<String>) -> Arc<dyn Screens> {
    Arc::new(x11::X11Screens::new(display))
}

/// The screens behind the portal of a session bus (`None`: that of the environment).
#[cfg(target_os = "linux")]
pub fn portal_screens(bus: Option<String>) -> Arc<dyn Screens> {
    Arc::new(portal::PortalScreens::new(bus))
}
