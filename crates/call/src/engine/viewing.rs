//! What the others are told of how their pictures are shown here, and how much of them is taken.

use super::{Engine, Turn};
use crate::command::Command;
use std::collections::BTreeMap;
use tincan_proto::{ControlMessage, ParticipantId, View, Viewing};

impl Engine {
    /// The windows draw somebody's picture so from now on.
    pub(super) fn drawn(&mut self, t: &Turn, participant: ParticipantId, view: View) {
        let Some(ongoing) = &mut self.ongoing else { return };
        if ongoing.links.get(&participant.account).is_some_and(|l| l.participant == participant) {
            ongoing.drawings.entry(participant).or_default().draw(t.now, view);
        }
    }

    /// Tells everybody what has changed for them. What all may send together is shared among them.
    pub(super) fn tell_viewing(&mut self, t: &mut Turn) {
        let (Some(ongoing), Some(call)) = (&mut self.ongoing, &mut self.state.current) else {
            return;
        };
        let all = u32::try_from(ongoing.links.len().max(1)).unwrap_or(u32::MAX);
        let most_kbps = self.incoming_kbps.map(|kbps| kbps / all);
        let drawings: BTreeMap<_, _> =
            ongoing.drawings.iter_mut().map(|(who, drawing)| (who, drawing.told(t.now))).collect();
        for (account, link) in &mut ongoing.links {
            let drawn = drawings.get(&link.participant).copied();
            // Windows show a picture once one has come: before that they have nothing to say.
            let view = drawn.filter(|_| link.watch.has_begun()).unwrap_or_default();
            let viewing = Viewing { view, most_kbps };
            if link.control_open && link.told != viewing {
                link.told = viewing;
                let message = ControlMessage::Viewing(viewing);
                t.order(Command::SendControl { peer: link.key(call.id), message });
            }
            let shown = call.participants.iter_mut().find(|shown| shown.account == *account);
            shown.into_iter().for_each(|shown| shown.view = link.told.view);
        }
    }
}
