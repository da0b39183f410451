//! Which desktop this process runs in, by what its environment says.

/// How the screens can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Desktop {
    /// By the X server.
    #[cfg(target_os = "linux")]
    X11,
    /// By the portal: Wayland shows no program what others draw.
    #[cfg(target_os = "linux")]
    Wayland,
    /// There is none.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "asked on Linux alone"))]
    None,
    /// A system whose screens we do not read.
    #[cfg_attr(target_os = "linux", expect(dead_code, reason = "other systems alone"))]
    Unknown,
}

/// The variables that tell.
#[derive(Clone, Debug, Default)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "asked on Linux alone"))]
pub(super) struct Surroundings {
    session_type: Option<String>,
    wayland: bool,
    x11: bool,
}

impl Surroundings {
    /// Those of this process.
    pub(super) fn of_this_process() -> Self {
        let there = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        Self {
            session_type: std::env::var("XDG_SESSION_TYPE").ok(),
            wayland: there("WAYLAND_DISPLAY"),
            x11: there("DISPLAY"),
        }
    }
}

impl Desktop {
    /// A Wayland session has an X server too, which sees none of its windows: so Wayland comes
    /// first, unless the session says that it is one of X11 (a compositor that runs in a window).
    #[cfg(target_os = "linux")]
    pub(super) fn of(around: &Surroundings) -> Self {
        match around.session_type.as_deref() {
            Some("x11") if around.x11 => Self::X11,
            Some("wayland") => Self::Wayland,
            _ if around.wayland => Self::Wayland,
            _ if around.x11 => Self::X11,
            _ => Self::None,
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn of(_: &Surroundings) -> Self {
        Self::Unknown
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_wayland_session_is_not_taken_for_its_x_server() {
        for (session_type, wayland, x11, expected) in [
            (None, false, false, Desktop::None),
            (Some("tty"), false, false, Desktop::None),
            (None, false, true, Desktop::X11),
            (Some("x11"), false, true, Desktop::X11),
            (Some("x11"), true, true, Desktop::X11),
            (None, true, true, Desktop::Wayland),
            (Some("tty"), true, true, Desktop::Wayland),
            (Some("wayland"), true, true, Desktop::Wayland),
            (Some("wayland"), false, true, Desktop::Wayland),
        ] {
            let session_type = session_type.map(str::to_owned);
            let around = Surroundings { session_type, wayland, x11 };
            assert_eq!(Desktop::of(&around), expected, "{around:?}");
        }
    }
}
