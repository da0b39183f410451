//! The tray's icon: the app's own with a dot that tells the state apart by its place and
//! colour, drawn here so that one picture is enough.

use crate::shell::State;
use tauri::image::Image;

/// What the icon says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Nothing.
    Idle,
    /// Somebody called in vain.
    Missed,
    /// It rings.
    Ringing,
    /// There is a call.
    InCall,
    /// There is a call, and the own microphone is off.
    Muted,
}

/// The sign for a state: what goes on now comes before what has been.
pub fn sign_for(state: &State) -> Sign {
    let Some(snapshot) = &state.snapshot else { return Sign::Idle };
    match &snapshot.call {
        _ if !snapshot.incoming.is_empty() => Sign::Ringing,
        Some(call) if !call.microphone.on => Sign::Muted,
        Some(_) => Sign::InCall,
        None if !state.missed.is_empty() => Sign::Missed,
        None => Sign::Idle,
    }
}

impl Sign {
    /// The icon with this sign on `plain`.
    pub fn on(self, plain: &Image<'_>) -> Image<'static> {
        let (width, height) = (plain.width(), plain.height());
        let mut pixels = plain.rgba().to_vec();
        if let Some(colour) = self.colour() {
            let side = f64::from(width.min(height));
            let dot = Dot {
                x: f64::from(width) - side * 0.25,
                y: f64::from(height) - side * 0.25,
                radius: side * 0.22,
            };
            for (index, pixel) in pixels.chunks_exact_mut(4).enumerate() {
                let (x, y) = (index as u32 % width, index as u32 / width);
                let near = dot.distance(f64::from(x) + 0.5, f64::from(y) + 0.5) - dot.radius;
                // A clear ring keeps the dot apart from the picture.
                if near < side * 0.06 {
                    pixel[3] = 0;
                }
                if near < 0.5 {
                    let cover = (0.5 - near).clamp(0.0, 1.0);
                    pixel[..3].copy_from_slice(&colour);
                    pixel[3] = (cover * 255.0).round() as u8;
                }
            }
            if self == Self::Muted {
                dot.bar(&mut pixels, width);
            }
        }
        Image::new_owned(pixels, width, height)
    }

    fn colour(self) -> Option<[u8; 3]> {
        match self {
            Self::Idle => None,
            Self::Missed => Some([0xe0, 0x8a, 0x00]),
            Self::Ringing => Some([0x2b, 0x7d, 0xe9]),
            Self::InCall => Some([0x1f, 0xa3, 0x4d]),
            Self::Muted => Some([0xd6, 0x30, 0x31]),
        }
    }
}

struct Dot {
    x: f64,
    y: f64,
    radius: f64,
}

impl Dot {
    fn distance(&self, x: f64, y: f64) -> f64 {
        (x - self.x).hypot(y - self.y)
    }

    /// A white bar across the dot: muted is told by its shape, too.
    fn bar(&self, pixels: &mut [u8], width: u32) {
        for (index, pixel) in pixels.chunks_exact_mut(4).enumerate() {
            let x = f64::from(index as u32 % width) + 0.5 - self.x;
            let y = f64::from(index as u32 / width) + 0.5 - self.y;
            if x.abs() < self.radius * 0.6 && y.abs() < self.radius * 0.2 {
                pixel.copy_from_slice(&[255; 4]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::MissedCall;
    use crate::states::{call_id, in_call, name, online, ringing};
    use tincan_proto::signalling::CallMedia;

    #[test]
    fn what_goes_on_now_comes_before_what_has_been() {
        let media = CallMedia::Audio;
        let missed = vec![MissedCall { call: call_id(), from: name("bob"), media }];
        assert_eq!(sign_for(&State::default()), Sign::Idle);
        assert_eq!(sign_for(&online()), Sign::Idle);
        assert_eq!(sign_for(&State { missed: missed.clone(), ..online() }), Sign::Missed);
        let ringing = ringing("bob", CallMedia::Audio);
        assert_eq!(sign_for(&State { missed: missed.clone(), ..ringing }), Sign::Ringing);
        assert_eq!(sign_for(&State { missed, ..in_call(|_| ()) }), Sign::InCall);
        assert_eq!(sign_for(&in_call(|call| call.microphone.on = false)), Sign::Muted);
    }

    #[test]
    fn every_sign_is_another_picture() {
        let plain = Image::new_owned([10, 20, 30, 255].repeat(32 * 32), 32, 32);
        let signs = [Sign::Idle, Sign::Missed, Sign::Ringing, Sign::InCall, Sign::Muted];
        let drawn = signs.map(|sign| sign.on(&plain).rgba().to_vec());
        assert_eq!(drawn[0], plain.rgba());
        for (index, one) in drawn.iter().enumerate() {
            assert!(!drawn[..index].contains(one), "{:?}", signs[index]);
            assert_eq!(one[..4], [10, 20, 30, 255], "the far corner stays");
        }
    }
}
