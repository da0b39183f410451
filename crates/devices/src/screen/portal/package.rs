//! Which Debian package brings the portal for screens of a desktop.

/// The package for a desktop, by what `XDG_CURRENT_DESKTOP` says (names separated by colons).
pub(super) fn missing_package(desktop: &str) -> &'static str {
    let known = desktop.split(':').find_map(|name| match name.to_ascii_lowercase().as_str() {
        "gnome" | "ubuntu" | "unity" => Some("xdg-desktop-portal-gnome"),
        "kde" => Some("xdg-desktop-portal-kde"),
        "hyprland" => Some("xdg-desktop-portal-hyprland"),
        "sway" | "wlroots" | "labwc" | "wayfire" | "river" => Some("xdg-desktop-portal-wlr"),
        _ => None,
    });
    known.unwrap_or("xdg-desktop-portal")
}

#[cfg(test)]
mod tests {
    use super::missing_package;

    #[test]
    fn each_desktop_has_a_portal_of_its_own() {
        for (desktop, package) in [
            ("ubuntu:GNOME", "xdg-desktop-portal-gnome"),
            ("KDE", "xdg-desktop-portal-kde"),
            ("sway", "xdg-desktop-portal-wlr"),
            ("labwc:wlroots", "xdg-desktop-portal-wlr"),
            ("", "xdg-desktop-portal"),
            ("something", "xdg-desktop-portal"),
        ] {
            assert_eq!(missing_package(desktop), package, "{desktop}");
        }
    }
}
