//! What one side of a call has said, seen and heard, gathered from the events of a peer's protocol.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// A picture that was delivered.
#[derive(Clone, Copy, Debug)]
pub struct Delivered {
    /// When, in milliseconds since the epoch.
    pub at: f64,
    /// When it was made, by its stamp; none if the stamp is not readable.
    pub made: Option<f64>,
    /// Width and height in pixels.
    pub size: (u64, u64),
}

/// A change of state.
#[derive(Clone, Debug)]
pub struct State {
    /// When, in milliseconds since the epoch.
    pub at: f64,
    /// W3C `RTCIceConnectionState`.
    pub ice: String,
    /// W3C `RTCPeerConnectionState`.
    pub connection: String,
}

/// What one side has seen and heard of the other.
#[derive(Clone, Debug, Default)]
pub struct FarSide {
    /// Its states, oldest first.
    pub states: Vec<State>,
    /// The ICE user fragment of its last description: another one after a restart.
    pub fragment: Option<String>,
    /// When the first picture of the other side was delivered, in milliseconds since the epoch.
    pub first_picture: Option<f64>,
    /// Pictures of the other side, oldest first.
    pub pictures: Vec<Delivered>,
    /// When beeps of the other side began.
    pub beeps: Vec<f64>,
    /// What it said for people.
    pub notes: Vec<String>,
}

/// A message that belongs to the other side: the command's name and its arguments.
pub type Message = (&'static str, Value);

impl FarSide {
    /// Notes an event; what the other side is to be told, if anything.
    pub fn note(&mut self, event: &Value) -> Option<Message> {
        match event["ev"].as_str().unwrap_or_default() {
            "description" => {
                self.fragment = event["sdp"].as_str().and_then(fragment).or(self.fragment.take());
                let message = json!({ "type": event["type"], "sdp": event["sdp"] });
                return Some(("description", message));
            }
            "candidate" => {
                return Some(("candidate", json!({ "candidate": event["candidate"] })));
            }
            "state" => self.states.push(State {
                at: event["t"].as_f64().unwrap_or_default(),
                ice: event["ice"].as_str().unwrap_or_default().into(),
                connection: event["conn"].as_str().unwrap_or_default().into(),
            }),
            "first-frame" => self.first_picture = event["t"].as_f64(),
            "frames" => {
                let frames = event["f"].as_array().map(Vec::as_slice).unwrap_or_default();
                self.pictures.extend(frames.iter().filter_map(|frame| {
                    let made = frame[1].as_f64().filter(|made| *made >= 0.0);
                    let size = (frame[2].as_u64()?, frame[3].as_u64()?);
                    Some(Delivered { at: frame[0].as_f64()?, made, size })
                }));
            }
            "beep" => self.beeps.extend(event["t"].as_f64()),
            "note" => self.notes.push(event["text"].as_str().unwrap_or_default().into()),
            _ => {}
        }
        None
    }

    /// Whether it is connected now.
    pub fn is_connected(&self) -> bool {
        self.states.last().is_some_and(|state| state.connection == "connected")
    }

    /// When ICE was first connected, in milliseconds since the epoch.
    pub fn ice_connected(&self) -> Option<f64> {
        let connected = |state: &&State| matches!(state.ice.as_str(), "connected" | "completed");
        self.states.iter().find(connected).map(|state| state.at)
    }

    /// When it was first connected, in milliseconds since the epoch.
    pub fn connected(&self) -> Option<f64> {
        self.states.iter().find(|state| state.connection == "connected").map(|state| state.at)
    }

    /// Pictures whose stamp is readable.
    pub fn readable(&self) -> usize {
        self.pictures.iter().filter(|picture| picture.made.is_some()).count()
    }

    /// The first delivered picture that was made after a moment (milliseconds since the epoch).
    pub fn first_made_after(&self, moment: f64) -> Option<&Delivered> {
        self.pictures.iter().find(|picture| picture.made.is_some_and(|made| made > moment))
    }

    /// An error unless the pictures are whole, recent and in order.
    pub fn check_pictures(&self) -> Result<()> {
        let made: Vec<f64> = self.pictures.iter().filter_map(|picture| picture.made).collect();
        let share = made.len() as f64 / self.pictures.len().max(1) as f64;
        ensure!(share > 0.9, "only {share:.2} of {} stamps are readable", self.pictures.len());
        let back = made.windows(2).position(|pair| pair[0] > pair[1]);
        if let Some(at) = back {
            let around = &made[at.saturating_sub(3)..(at + 5).min(made.len())];
            bail!("picture {} of {} is older than the one before: {around:?}", at + 1, made.len());
        }
        let latest = self.pictures.iter().rev().find_map(|picture| Some((picture, picture.made?)));
        let (picture, made) = latest.context("there are pictures")?;
        let age = picture.at - made;
        ensure!((-50.0..3_000.0).contains(&age), "the last picture is {age} ms old");
        Ok(())
    }

    /// What it went through, for an error's text.
    pub fn told(&self) -> String {
        let states = self.states.iter().map(|state| format!("{}/{}", state.ice, state.connection));
        format!(
            "states {:?}, {} pictures ({} readable), {} beeps, notes {:?}",
            states.collect::<Vec<_>>(),
            self.pictures.len(),
            self.readable(),
            self.beeps.len(),
            self.notes
        )
    }
}

fn fragment(sdp: &str) -> Option<String> {
    let line = sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"))?;
    Some(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\na=ice-ufrag:F7gI\r\n";

    #[test]
    fn signalling_is_for_the_other_side_and_all_else_is_kept() {
        let mut side = FarSide::default();
        let (name, argument) = side
            .note(&json!({ "ev": "description", "type": "offer", "sdp": SDP, "t": 1.0 }))
            .expect("a message");
        assert_eq!((name, argument), ("description", json!({ "type": "offer", "sdp": SDP })));
        assert_eq!(side.fragment.as_deref(), Some("F7gI"));
        for event in [
            json!({ "ev": "state", "ice": "connected", "conn": "connecting", "t": 2.0 }),
            json!({ "ev": "state", "ice": "connected", "conn": "connected", "t": 3.0 }),
            json!({ "ev": "frames", "f": [[5.0, 4.0, 320, 240], [6.0, -1.0, 320, 240]] }),
        ] {
            assert_eq!(side.note(&event), None);
        }
        assert_eq!((side.ice_connected(), side.connected()), (Some(2.0), Some(3.0)));
        assert!(side.is_connected());
        assert_eq!((side.pictures.len(), side.readable()), (2, 1));
        assert_eq!(side.first_made_after(3.5).map(|picture| picture.at), Some(5.0));
        assert!(side.first_made_after(4.0).is_none());
    }
}
