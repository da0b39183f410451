//! What the echo contact says of the path: shown, and of no other consequence.

use super::Controller;
use crate::view::{EchoReportView, EchoView};
use tincan_call::PeerKey;
use tincan_proto::ControlMessage;

impl Controller {
    /// Notes what a participant said, if it is the echo contact.
    pub(super) fn note_echo(&mut self, peer: &PeerKey, message: ControlMessage) {
        if !self.people.is_echo(&peer.participant.account) {
            return;
        }
        let (_, echo) = match &mut self.calls.echo {
            Some(noted) if noted.0 == peer.call => noted,
            others => others.insert((peer.call, EchoView::default())),
        };
        match message {
            ControlMessage::EchoPhase { relayed } => echo.relayed = Some(relayed),
            ControlMessage::EchoReport { relayed, round_trip_ms, loss_percent } => {
                echo.reports.retain(|report| report.relayed != relayed);
                echo.reports.push(EchoReportView { relayed, round_trip_ms, loss_percent });
            }
            ControlMessage::Media { .. }
            | ControlMessage::PictureMissing { .. }
            | ControlMessage::Echoing { .. }
            | ControlMessage::Viewing(_)
            | ControlMessage::Bye
            | ControlMessage::Health(_)
            | ControlMessage::ClockQuestion { .. }
            | ControlMessage::ClockAnswer { .. }
            | ControlMessage::Rebuilds
            | ControlMessage::Unknown => return,
        }
        self.changed = true;
    }
}
