//! The echo contact's account: its reserved name, and the key that only this server has. Who
//! answers its calls signs in as everybody does, with what is here.

use tincan_proto::ids::ECHO;
use tincan_proto::{AccountName, DeviceId, IdentityKey};

/// What the echo contact signs in with.
#[derive(Clone)]
pub struct EchoIdentity {
    /// The reserved name.
    pub name: AccountName,
    /// The server's own key.
    pub key: std::sync::Arc<IdentityKey>,
    /// Its one device.
    pub device: DeviceId,
}

impl EchoIdentity {
    pub(crate) fn new(key: IdentityKey) -> Self {
        Self { name: echo_name(), key: key.into(), device: DeviceId::from(1) }
    }
}

impl std::fmt::Debug for EchoIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EchoIdentity({})", self.name)
    }
}

/// The reserved name.
pub fn echo_name() -> AccountName {
    ECHO.parse().expect("the reserved name is a name")
}
