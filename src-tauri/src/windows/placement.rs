//! Where a window stood, kept for the next time; and where it may stand among the screens that
//! there are now.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tauri::{Monitor, PhysicalPosition, PhysicalSize, WebviewWindow};
use tincan_client::profile::Profile;

/// So much of a window must be on a screen, in pixels each way: enough to take hold of it.
const VISIBLE: i32 = 64;

/// A rectangle on the desktop, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Area {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// Where a window stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Its place and size when it is not maximised.
    pub area: Area,
    /// It filled its screen.
    #[serde(default)]
    pub maximised: bool,
}

impl Area {
    /// Moved and shrunk as little as it takes to fit the screen that shows most of it; none if no
    /// screen shows enough of it to take hold of.
    pub fn fitted(self, screens: &[Area]) -> Option<Self> {
        let shown = |screen: &Area| {
            let across = self.right().min(screen.right()) - self.x.max(screen.x);
            let down = self.bottom().min(screen.bottom()) - self.y.max(screen.y);
            (across >= VISIBLE && down >= VISIBLE).then(|| i64::from(across) * i64::from(down))
        };
        let screen =
            screens.iter().filter(|one| shown(one).is_some()).max_by_key(|one| shown(one))?;
        let width = self.width.min(screen.width);
        let height = self.height.min(screen.height);
        Some(Self {
            x: self.x.clamp(screen.x, screen.right() - width as i32),
            y: self.y.clamp(screen.y, screen.bottom() - height as i32),
            width,
            height,
        })
    }

    fn right(self) -> i32 {
        self.x.saturating_add_unsigned(self.width)
    }

    fn bottom(self) -> i32 {
        self.y.saturating_add_unsigned(self.height)
    }
}

impl From<&Monitor> for Area {
    fn from(monitor: &Monitor) -> Self {
        let area = monitor.work_area();
        let (position, size) = (area.position, area.size);
        Self { x: position.x, y: position.y, width: size.width, height: size.height }
    }
}

/// The kept places of a profile's windows, by label.
pub struct Placements {
    file: PathBuf,
}

impl Placements {
    /// Those of `profile`.
    pub fn of(profile: &Profile) -> Self {
        Self { file: profile.path("windows.json") }
    }

    /// Puts a window where it stood last, if a screen still shows that place.
    pub fn restore(&self, window: &WebviewWindow) {
        let Some(kept) = read(&self.file).get(window.label()).copied() else { return };
        let screens: Vec<Area> =
            window.available_monitors().unwrap_or_default().iter().map(Area::from).collect();
        let Some(area) = kept.area.fitted(&screens) else { return };
        let moved = window
            .set_size(PhysicalSize::new(area.width, area.height))
            .and_then(|()| window.set_position(PhysicalPosition::new(area.x, area.y)))
            .and_then(|()| if kept.maximised { window.maximize() } else { Ok(()) });
        if let Err(error) = moved {
            tracing::debug!(%error, window = window.label(), "the window stays where it is");
        }
    }

    /// Keeps where a window stands now.
    pub fn keep(&self, window: &WebviewWindow) {
        if let Err(error) = self.write(window) {
            tracing::debug!(%error, window = window.label(), "the window's place is not kept");
        }
    }

    fn write(&self, window: &WebviewWindow) -> anyhow::Result<()> {
        let mut kept = read(&self.file);
        let maximised = window.is_maximized()?;
        let (position, size) = (window.outer_position()?, window.inner_size()?);
        let area = Area { x: position.x, y: position.y, width: size.width, height: size.height };
        let before = kept.get(window.label()).map(|placement| placement.area);
        // Back from either, a window is as large as it was before.
        let fills = maximised || window.is_fullscreen()?;
        let area = before.filter(|_| fills).unwrap_or(area);
        kept.insert(window.label().to_owned(), Placement { area, maximised });
        Ok(std::fs::write(&self.file, serde_json::to_vec(&kept)?)?)
    }
}

/// Empty when there is none or it cannot be read: then windows stand where the desktop puts them.
fn read(file: &Path) -> BTreeMap<String, Placement> {
    let text = std::fs::read(file).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: Area = Area { x: 0, y: 0, width: 1920, height: 1080 };
    const RIGHT: Area = Area { x: 1920, y: 0, width: 1280, height: 1024 };

    fn at(x: i32, y: i32) -> Area {
        Area { x, y, width: 320, height: 180 }
    }

    #[test]
    fn a_window_within_a_screen_stays_where_it_was() {
        for area in [at(0, 0), at(1600, 900), at(2000, 100)] {
            assert_eq!(area.fitted(&[LEFT, RIGHT]), Some(area));
        }
    }

    #[test]
    fn a_window_over_the_edge_is_moved_back() {
        assert_eq!(at(1700, 1000).fitted(&[LEFT]), Some(at(1600, 900)));
        assert_eq!(at(-100, -100).fitted(&[LEFT]), Some(at(0, 0)));
        // Most of it is on the right screen, whose lower edge is higher.
        assert_eq!(at(1850, 900).fitted(&[LEFT, RIGHT]), Some(at(1920, 844)));
    }

    #[test]
    fn a_window_on_a_screen_that_is_gone_has_no_place() {
        assert_eq!(at(2000, 100).fitted(&[LEFT]), None);
        assert_eq!(at(1900, 100).fitted(&[LEFT]), None, "too little to take hold of");
        assert_eq!(at(0, 0).fitted(&[]), None);
        let far = Area { x: i32::MAX, y: i32::MAX, width: u32::MAX, height: u32::MAX };
        assert_eq!(far.fitted(&[LEFT]), None, "a damaged file");
    }

    #[test]
    fn a_window_larger_than_the_screen_is_shrunk_to_it() {
        let huge = Area { x: -50, y: -50, width: 4000, height: 3000 };
        assert_eq!(huge.fitted(&[LEFT]), Some(LEFT));
    }
}
