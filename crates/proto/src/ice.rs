//! STUN and TURN servers, as the server hands them out and settings name them.

use crate::units::UnixMillis;
use serde::{Deserialize, Serialize};
use std::fmt;
use ts_rs::TS;

/// Most servers in one hand-out or in settings; more are ignored.
pub const MAX_ICE_SERVERS: usize = 8;

/// One STUN or TURN server (W3C `RTCIceServer`).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct IceServer {
    /// Such as `stun:host:port`, `turn:host:port?transport=tcp` or `turns:host:port` (RFC 7064,
    /// RFC 7065).
    pub urls: Vec<String>,
    /// For TURN; empty for STUN.
    #[serde(default)]
    pub username: String,
    /// For TURN; empty for STUN.
    #[serde(default)]
    pub credential: String,
    /// SHA-256 of the DER certificate that a `turns:` server shows, in lower-case hexadecimal;
    /// none: it must be issued by an authority that the system trusts.
    #[serde(default)]
    pub certificate_sha256: Option<String>,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IceServer({:?})", self.urls)
    }
}

/// What the server hands out: good until `expires`, to be asked for anew before that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IceServers {
    /// At most [`MAX_ICE_SERVERS`].
    pub servers: Vec<IceServer>,
    /// When the credentials end, by the server's clock; none if they do not.
    #[serde(default)]
    pub expires: Option<UnixMillis>,
}
