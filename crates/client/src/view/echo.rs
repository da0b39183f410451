//! What the echo contact says during its call.

use serde::Serialize;
use ts_rs::TS;

/// What the echo contact has said so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EchoView {
    /// One hears oneself through a relay; none until it is known.
    pub relayed: Option<bool>,
    /// What it measured, one for each path.
    pub reports: Vec<EchoReportView>,
}

/// What the echo contact measured on one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EchoReportView {
    /// Of the path through a relay.
    pub relayed: bool,
    /// There and back; none if it was not measured.
    pub round_trip_ms: Option<u32>,
    /// Share of its packets that were lost, 0 to 100.
    pub loss_percent: u8,
}
