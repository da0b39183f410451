//! The lines of the headless peer.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt;
use std::path::PathBuf;
use tincan_proto::peer_message::{Candidate, Description, DescriptionKind};

/// One line out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line(Map<String, Value>);

impl Line {
    /// From a JSON object; anything else is empty.
    pub fn new(value: Value) -> Self {
        match value {
            Value::Object(fields) => Self(fields),
            _ => Self::default(),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Value::Object(self.0.clone()).to_string())
    }
}

/// One line in.
#[derive(Debug, Deserialize)]
pub struct Request {
    /// Brought back by the answer.
    #[serde(default)]
    pub id: Option<u64>,
    /// What to do.
    #[serde(flatten)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "cmd", rename_all = "camelCase")]
pub enum Command {
    /// Make a connection and start its sources.
    Init(Box<Init>),
    /// The user presses call.
    Offer,
    /// The other side's description.
    Description(DescriptionLine),
    /// The other side's candidate; null: no more.
    Candidate {
        /// The candidate.
        candidate: Option<Candidate>,
    },
    /// ICE restart.
    Restart,
    /// Send a page of text in the place of the picture, as a screen.
    Share(ShareLine),
    /// Send the picture again.
    StopSharing,
    /// Speak what is in a file, once; the sound source is `clip`.
    Say(SoundFile),
    /// Write what was heard in the call so far into a file, and tell when that and what was said began.
    Heard(SoundFile),
    /// Figures.
    Stats,
    /// End the call.
    Close,
    /// End the process.
    Quit,
}

/// A session description in W3C form.
#[derive(Debug, PartialEq, Deserialize)]
pub struct DescriptionLine {
    /// Offer or answer.
    #[serde(rename = "type")]
    pub kind: DescriptionKind,
    /// The SDP text.
    pub sdp: String,
}

impl From<DescriptionLine> for Description {
    fn from(line: DescriptionLine) -> Self {
        Self { kind: line.kind, sdp: line.sdp }
    }
}

/// The arguments of `init`.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Init {
    /// W3C form.
    #[serde(default)]
    pub ice_servers: Vec<IceServerLine>,
    /// Relayed candidates alone.
    #[serde(default)]
    pub relay_only: bool,
    /// The picture; absent: none.
    #[serde(default)]
    pub video: Option<VideoLine>,
    /// `"beep"`, `"clip"` or false.
    #[serde(default)]
    pub audio: Option<AudioLine>,
    /// False: receive pictures only.
    #[serde(default = "yes")]
    pub send_video: bool,
    /// Gives way when offers collide.
    #[serde(default)]
    pub polite: bool,
}

fn yes() -> bool {
    true
}

/// One server.
#[derive(Debug, PartialEq, Deserialize)]
pub struct IceServerLine {
    /// One address or several.
    pub urls: OneOrMany,
    /// For TURN.
    #[serde(default)]
    pub username: String,
    /// For TURN.
    #[serde(default)]
    pub credential: String,
    /// For TURN over TLS: what the certificate must be.
    #[serde(default)]
    pub certificate_sha256: Option<String>,
}

/// W3C allows both.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// As a list.
    pub fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

/// The picture to send.
#[derive(Debug, PartialEq, Deserialize)]
pub struct VideoLine {
    /// Width in pixels.
    pub w: u32,
    /// Height in pixels.
    pub h: u32,
    /// Pictures a second.
    pub fps: u32,
    /// Only `H264`.
    #[serde(default)]
    pub codec: Option<String>,
    /// Upper bound of the rate.
    #[serde(default)]
    pub max_kbps: Option<u32>,
}

/// The page to share.
#[derive(Debug, PartialEq, Deserialize)]
pub struct ShareLine {
    /// Width in pixels.
    pub w: u32,
    /// Height in pixels.
    pub h: u32,
    /// Pictures a second while it scrolls.
    pub fps: u32,
    /// It scrolls, or stands still.
    #[serde(default)]
    pub scrolls: bool,
}

/// Sound without a header: one channel at 48 kHz, `f32` with the lowest byte first.
#[derive(Debug, PartialEq, Deserialize)]
pub struct SoundFile {
    /// Where it is.
    pub file: PathBuf,
}

/// The sound to send.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum AudioLine {
    /// By name.
    Named(String),
    /// `false`: none.
    Switch(bool),
}

/// The first line.
pub fn ready() -> Line {
    Line::new(json!({
        "ev": "ready",
        "name": "tincan",
        "version": env!("CARGO_PKG_VERSION"),
        "measure_pids": [std::process::id()],
    }))
}

/// The answer to a command.
pub fn answer(id: Option<u64>, result: Result<Line, String>) -> Line {
    let mut fields = match &result {
        Ok(line) => line.0.clone(),
        Err(_) => Map::new(),
    };
    fields.insert("re".into(), json!(id));
    fields.insert("ok".into(), json!(result.is_ok()));
    if let Err(error) = result {
        fields.insert("error".into(), json!(error));
    }
    Line(fields)
}

/// The id of a line that is no command, so that even then the answer finds its way.
pub fn id_of(text: &str) -> Option<u64> {
    serde_json::from_str::<Value>(text).ok()?.get("id")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_read_as_the_protocol_writes_them() {
        let read = |text| serde_json::from_str::<Request>(text).expect("a command");
        let init = read(
            r#"{"cmd":"init","id":1,"ice_servers":[{"urls":"stun:10.0.0.1:3478"}],
            "video":{"w":640,"h":480,"fps":30,"codec":"H264"},"audio":"beep","sink":"frames",
            "source":"frames","polite":true}"#,
        );
        let Command::Init(init) = init.command else { panic!("an init") };
        assert!(init.polite && init.send_video && !init.relay_only);
        assert_eq!(init.video.map(|v| (v.w, v.fps)), Some((640, 30)));
        assert_eq!(init.audio, Some(AudioLine::Named("beep".into())));
        let silent = read(r#"{"cmd":"init","id":2,"audio":false}"#);
        let Command::Init(silent) = silent.command else { panic!("an init") };
        assert_eq!(silent.audio, Some(AudioLine::Switch(false)));
        let share = read(r#"{"cmd":"share","id":2,"w":1920,"h":1080,"fps":30,"scrolls":true}"#);
        let page = ShareLine { w: 1920, h: 1080, fps: 30, scrolls: true };
        assert_eq!(share.command, Command::Share(page));
        assert_eq!(read(r#"{"cmd":"stopSharing","id":2}"#).command, Command::StopSharing);
        let say = read(r#"{"cmd":"say","id":2,"file":"/tmp/clip.f32"}"#);
        assert_eq!(say.command, Command::Say(SoundFile { file: "/tmp/clip.f32".into() }));
        let end = read(r#"{"cmd":"candidate","id":3,"candidate":null}"#);
        assert_eq!(end.command, Command::Candidate { candidate: None });
        let line = r#"{"cmd":"candidate","candidate":{"candidate":"candidate:1","sdpMid":"0","sdpMLineIndex":0}}"#;
        let Command::Candidate { candidate: Some(candidate) } = read(line).command else {
            panic!("a candidate")
        };
        assert_eq!(candidate.sdp_m_line_index, Some(0));
    }

    #[test]
    fn answers_bring_the_id_back() {
        assert_eq!(answer(Some(4), Ok(Line::default())).to_string(), r#"{"ok":true,"re":4}"#);
        assert_eq!(id_of(r#"{"cmd":"nonsense","id":9}"#), Some(9));
    }
}
