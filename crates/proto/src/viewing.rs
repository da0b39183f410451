//! What one side of a call shows of the other's picture and takes of it, so that no more is sent
//! than is seen.

use crate::units::{Bitrate, Resolution};
use serde::{Deserialize, Serialize};

/// Who asks for less gets so much: below this there are no pictures.
const LEAST: Bitrate = Bitrate::from_kbps(40);

/// How large a picture is drawn, where it is drawn largest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum View {
    /// Nobody looks.
    Hidden,
    /// Over so many pixels of a display.
    Drawn(Resolution),
    /// Nothing is known of it: it may be as large as it goes.
    #[default]
    Any,
}

impl View {
    /// Whoever has both views sees it so large.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => Self::Any,
            (Self::Hidden, other) => other,
            (view, Self::Hidden) => view,
            (Self::Drawn(one), Self::Drawn(two)) => {
                Self::Drawn(Resolution::new(one.width.max(two.width), one.height.max(two.height)))
            }
        }
    }
}

/// What one side asks the other to keep to. Who says nothing takes everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Viewing {
    /// How it shows the picture.
    pub view: View,
    /// Pictures are to take so many kbit/s at most.
    pub most_kbps: Option<u32>,
}

impl Viewing {
    /// Pictures are to take so much at most.
    pub fn most(self) -> Option<Bitrate> {
        self.most_kbps.map(|kbps| Bitrate::from_bps(kbps.saturating_mul(1000)).max(LEAST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: u32, height: u32) -> View {
        View::Drawn(Resolution::new(width, height))
    }

    #[test]
    fn of_several_views_the_largest_counts() {
        assert_eq!(View::Hidden.or(View::Hidden), View::Hidden);
        assert_eq!(drawn(320, 180).or(View::Hidden), drawn(320, 180));
        assert_eq!(drawn(320, 180).or(drawn(200, 400)), drawn(320, 400));
        assert_eq!(drawn(320, 180).or(View::Any), View::Any);
    }

    #[test]
    fn no_rate_overflows() {
        let asked = Viewing { most_kbps: Some(u32::MAX), ..Viewing::default() };
        assert_eq!(asked.most(), Some(Bitrate::from_bps(u32::MAX)));
        let asked = Viewing { most_kbps: Some(0), ..Viewing::default() };
        assert_eq!(asked.most(), Some(LEAST), "no encoder aims at nothing");
    }

    #[test]
    fn what_is_said_is_short_and_what_is_left_out_is_no_limit() {
        let text = serde_json::to_string(&Viewing { view: drawn(320, 180), most_kbps: None });
        let said = r#"{"view":{"drawn":{"width":320,"height":180}},"mostKbps":null}"#;
        assert_eq!(text.ok().as_deref(), Some(said));
        assert_eq!(serde_json::from_str::<Viewing>("{}").ok(), Some(Viewing::default()));
    }
}
