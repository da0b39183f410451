//! Things that the person should know; they do not stop a call.

use super::devices::{DeviceKind, DeviceProblem};
use serde::Serialize;
use tincan_proto::AccountName;
use tincan_proto::signalling::Failure;
use ts_rs::TS;

/// Something to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// To dismiss it by.
    pub id: u32,
    /// What.
    pub kind: NoticeKind,
}

/// What there is to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum NoticeKind {
    /// A device does not deliver.
    Device {
        /// Which kind.
        device: DeviceKind,
        /// Why.
        problem: DeviceProblem,
    },
    /// The device that the person chose is gone, and another one of its kind is used meanwhile.
    DeviceReplaced {
        /// Which kind.
        device: DeviceKind,
        /// The one in use, for people.
        name: String,
    },
    /// There is no keyring: the key lies in a file that only this user can read.
    KeyInFile,
    /// Somebody's key has changed: compare safety numbers.
    KeyChanged {
        /// Whose.
        name: AccountName,
    },
    /// A call could not ring here because this device was busy.
    MissedWhileBusy {
        /// Who called.
        from: AccountName,
    },
    /// A request failed.
    Failed {
        /// Why.
        code: Failure,
    },
    /// Settings or keys could not be stored.
    NotSaved {
        /// What the system said.
        detail: String,
    },
}
