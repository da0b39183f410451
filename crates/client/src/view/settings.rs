//! What the person has set.

use serde::{Deserialize, Deserializer, Serialize};
use tincan_connectivity::{Role, ServerUrl};
use tincan_media::ladder::PictureQuality;
use tincan_media::process::chain::NoiseSuppression;
use tincan_proto::IceServer;
use tincan_proto::ice::MAX_ICE_SERVERS;
use ts_rs::TS;

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// When the microphone of a call is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum TalkMode {
    /// Until it is muted; a key that is held mutes it for so long.
    #[default]
    Open,
    /// Only while a key is held.
    WhileHeld,
}

/// Before there were levels it was on or off.
fn noise_suppression<'de, D: Deserializer<'de>>(from: D) -> Result<NoiseSuppression, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Switch(bool),
        Level(NoiseSuppression),
    }
    Ok(match Stored::deserialize(from)? {
        Stored::Switch(true) => NoiseSuppression::default(),
        Stored::Switch(false) => NoiseSuppression::Off,
        Stored::Level(level) => level,
    })
}

/// What the person has set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Light or dark.
    pub theme: Theme,
    /// Take the loudspeaker's sound out of the microphone's.
    pub echo_cancellation: bool,
    /// How much of steady noise to take out.
    #[serde(deserialize_with = "noise_suppression")]
    pub noise_suppression: NoiseSuppression,
    /// Level the voice. Never touches the system's mixer.
    pub auto_gain: bool,
    /// Take rumble below the voice out.
    pub high_pass: bool,
    /// Bend loud sound down in place of cutting it off.
    pub limiter: bool,
    /// Send both sides of the microphone as they are, for music.
    pub original_sound: bool,
    /// When the microphone of a call is on.
    pub talk: TalkMode,
    /// Tell somebody who speaks while muted. The microphone stays open for that.
    pub muted_hint: bool,
    /// What the camera's pictures are sent in, at most.
    pub picture_quality: PictureQuality,
    /// Show the own picture as a mirror does.
    pub mirror_self: bool,
    /// A shared screen brings its sound along.
    pub share_sound: bool,
    /// Connect through relays alone, so that nobody learns this machine's addresses.
    pub hide_address: bool,
    /// STUN and TURN servers beside those of the server.
    pub ice_servers: Vec<IceServer>,
    /// Calls are heard to ring.
    pub ringtone: bool,
    /// Calling, connecting and ending are heard.
    pub call_sounds: bool,
    /// Calls ring silently, in the list alone.
    pub do_not_disturb: bool,
    /// Tell of calls by the desktop's notifications.
    pub notifications: bool,
    /// Start with the desktop's session.
    pub start_at_login: bool,
    /// Show no window when started so.
    pub start_hidden: bool,
    /// Go over to picture-in-picture when the window is minimised or closed in a call.
    pub pip_on_minimise: bool,
    /// Closing the window leaves the app in the tray.
    pub close_to_tray: bool,
    /// Keys that work everywhere.
    pub shortcuts: Shortcuts,
}

/// Keys that work in every window of the desktop, as accelerators such as `Control+Shift+M`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct Shortcuts {
    /// They are taken.
    pub enabled: bool,
    /// Microphone on or off.
    pub mute: String,
    /// Turns the microphone round while it is held.
    pub talk: String,
    /// Hang up.
    pub hang_up: String,
    /// Share a screen, or stop sharing.
    pub share: String,
}

impl Shortcuts {
    /// Whether a held key turns the microphone round.
    pub fn talks(&self) -> bool {
        self.enabled && !self.talk.is_empty()
    }
}

impl Default for Shortcuts {
    fn default() -> Self {
        Self {
            enabled: false,
            mute: "Control+Shift+M".to_owned(),
            talk: String::new(),
            hang_up: "Control+Shift+H".to_owned(),
            share: "Control+Shift+S".to_owned(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            echo_cancellation: true,
            noise_suppression: NoiseSuppression::High,
            auto_gain: true,
            high_pass: true,
            limiter: true,
            original_sound: false,
            talk: TalkMode::Open,
            muted_hint: true,
            picture_quality: PictureQuality::Auto,
            mirror_self: true,
            share_sound: false,
            hide_address: false,
            ice_servers: Vec::new(),
            ringtone: true,
            call_sounds: true,
            do_not_disturb: false,
            notifications: true,
            start_at_login: false,
            start_hidden: true,
            pip_on_minimise: true,
            close_to_tray: true,
            shortcuts: Shortcuts::default(),
        }
    }
}

/// Most addresses of one STUN or TURN server.
const MAX_URLS: usize = 8;
/// Most characters of an address, a user name or a credential.
const MAX_FIELD: usize = 512;

/// Why a STUN or TURN server was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IceServerError {
    /// More than [`MAX_ICE_SERVERS`].
    #[error("at most {MAX_ICE_SERVERS} servers")]
    TooMany,
    /// Not an address by RFC 7064 or RFC 7065.
    #[error("not the address of a STUN or TURN server: {0}")]
    BadUrl(String),
    /// TURN asks for a user name and a credential.
    #[error("a relay needs a user name and a credential: {0}")]
    NoCredential(String),
}

impl Settings {
    /// Checks the servers that were typed in.
    ///
    /// # Errors
    /// [`IceServerError`] names the first that cannot be used.
    pub fn check_ice_servers(&self) -> Result<(), IceServerError> {
        if self.ice_servers.len() > MAX_ICE_SERVERS {
            return Err(IceServerError::TooMany);
        }
        for server in &self.ice_servers {
            if server.urls.is_empty() || server.urls.len() > MAX_URLS {
                return Err(IceServerError::BadUrl(server.urls.join(" ")));
            }
            for url in &server.urls {
                let read: Option<ServerUrl> = url.parse().ok().filter(|_| url.len() <= MAX_FIELD);
                let read = read.ok_or_else(|| IceServerError::BadUrl(url.clone()))?;
                let filled = |text: &str| !text.is_empty() && text.len() <= MAX_FIELD;
                let known = filled(&server.username) && filled(&server.credential);
                if read.role == Role::Turn && !known {
                    return Err(IceServerError::NoCredential(url.clone()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(url: &str, username: &str) -> Settings {
        let server = IceServer {
            urls: vec![url.into()],
            username: username.into(),
            credential: username.into(),
            certificate_sha256: None,
        };
        Settings { ice_servers: vec![server], ..Settings::default() }
    }

    #[test]
    fn a_switch_of_older_settings_is_read_as_a_level() {
        let read = |json: &str| serde_json::from_str::<Settings>(json).unwrap().noise_suppression;
        assert_eq!(read(r#"{"noiseSuppression": true}"#), NoiseSuppression::High);
        assert_eq!(read(r#"{"noiseSuppression": false}"#), NoiseSuppression::Off);
        assert_eq!(read(r#"{"noiseSuppression": "veryHigh"}"#), NoiseSuppression::VeryHigh);
        assert_eq!(read("{}"), NoiseSuppression::High);
    }

    #[test]
    fn addresses_of_stun_and_turn_servers_are_told_from_others() {
        for good in [
            "stun:example.org",
            "stun:192.0.2.1:3478",
            "turn:example.org:3478?transport=tcp",
            "turns:[2001:db8::1]:5349",
            "turn:a-b.example",
        ] {
            assert_eq!(with(good, "name").check_ice_servers(), Ok(()), "{good}");
        }
        for bad in [
            "",
            "example.org",
            "http:example.org",
            "stun:",
            "stun:host:0",
            "stun:host:99999",
            "stun:host?transport=udp",
            "turn:host?transport=sctp",
            "turns:host?transport=udp",
            "turn:[::1",
            "turn:ho st",
            "stun://host",
        ] {
            let refused = Err(IceServerError::BadUrl(bad.into()));
            assert_eq!(with(bad, "name").check_ice_servers(), refused, "{bad}");
        }
    }

    #[test]
    fn a_relay_needs_credentials_and_a_list_has_an_end() {
        let url = "turn:example.org".to_owned();
        let refused = Err(IceServerError::NoCredential(url.clone()));
        assert_eq!(with(&url, "").check_ice_servers(), refused);
        assert_eq!(with("stun:example.org", "").check_ice_servers(), Ok(()));
        let mut many = with(&url, "name");
        many.ice_servers = vec![many.ice_servers[0].clone(); MAX_ICE_SERVERS + 1];
        assert_eq!(many.check_ice_servers(), Err(IceServerError::TooMany));
    }
}
