//! Which sound of a call is heard when. Pure: from what the engine knows.

use tincan_call::{Call, CallState, EndReason, Stage};
use tincan_media::tones::Tone;

/// What is heard for as long as things stand so. `quiet`: calls ring in silence.
pub fn lasting(state: &CallState, quiet: bool) -> Option<Tone> {
    match (&state.current, state.incoming.is_empty()) {
        (Some(_), false) if !quiet => Some(Tone::Knock),
        (None, false) if !quiet => Some(Tone::Ring),
        (Some(call), _) if rings_there(call) => Some(Tone::RingBack),
        _ => None,
    }
}

/// What is heard once, when a call ends for this reason.
pub const fn at_end(reason: EndReason) -> Option<Tone> {
    match reason {
        EndReason::HungUp | EndReason::RemoteHungUp | EndReason::ConnectionLost => {
            Some(Tone::Ended)
        }
        EndReason::RemoteDeclined
        | EndReason::RemoteBusy
        | EndReason::NoAnswer
        | EndReason::RemoteOffline
        | EndReason::UnknownAccount
        | EndReason::NotAContact
        | EndReason::ConnectionFailed
        | EndReason::Untrusted
        | EndReason::RemoteUntrusted
        | EndReason::ServerUnreachable
        | EndReason::Internal => Some(Tone::Busy),
        // The person's own doing, or a ring that stops.
        EndReason::Cancelled
        | EndReason::RemoteCancelled
        | EndReason::Declined
        | EndReason::Missed
        | EndReason::AnsweredElsewhere
        | EndReason::DeclinedElsewhere => None,
    }
}

/// It rings at somebody and nobody has answered.
fn rings_there(call: &Call) -> bool {
    let mut stages = call.participants.iter().map(|participant| participant.stage);
    call.outgoing
        && stages.clone().any(|stage| stage == Stage::Ringing)
        && stages.all(|stage| stage.device().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tincan_call::{IncomingCall, Participant, Sharing};
    use tincan_proto::signalling::CallMedia;
    use tincan_proto::{CallId, DeviceId, ParticipantId};

    fn call(outgoing: bool, stages: &[Stage]) -> CallState {
        let participants = stages.iter().map(|&stage| Participant {
            stage,
            ..Participant::invited("bob".parse().expect("a name"), CallMedia::Audio)
        });
        let current = Call {
            id: CallId::random(&mut rand::rng()),
            media: CallMedia::Audio,
            outgoing,
            participants: participants.collect(),
            microphone: true,
            echoing: false,
            camera: false,
            paused: false,
            camera_fails: false,
            sharing: Sharing::default(),
            connected_at: None,
        };
        CallState { current: Some(current), ..CallState::default() }
    }

    fn ringing(mut state: CallState) -> CallState {
        let device = DeviceId::random(&mut rand::rng());
        state.incoming.push(IncomingCall {
            id: CallId::random(&mut rand::rng()),
            from: ParticipantId { account: "carol".parse().expect("a name"), device },
            to: vec![],
            media: CallMedia::Audio,
            hide_address: false,
            expires: Instant::now(),
        });
        state
    }

    #[test]
    fn it_rings_here_softly_in_a_call_and_not_at_all_when_quiet() {
        let idle = ringing(CallState::default());
        assert_eq!(lasting(&idle, false), Some(Tone::Ring));
        assert_eq!(lasting(&idle, true), None);
        let device = DeviceId::random(&mut rand::rng());
        let talking = ringing(call(false, &[Stage::Connected { device }]));
        assert_eq!(lasting(&talking, false), Some(Tone::Knock));
        assert_eq!(lasting(&talking, true), None);
        assert_eq!(lasting(&CallState::default(), false), None);
    }

    #[test]
    fn it_rings_back_until_somebody_has_answered() {
        assert_eq!(lasting(&call(true, &[Stage::Invited]), false), None);
        assert_eq!(lasting(&call(true, &[Stage::Ringing]), true), Some(Tone::RingBack));
        let device = DeviceId::random(&mut rand::rng());
        let answered = call(true, &[Stage::Ringing, Stage::Connecting { device }]);
        assert_eq!(lasting(&answered, false), None);
        assert_eq!(lasting(&call(false, &[Stage::Ringing]), false), None, "somebody else's ring");
    }

    #[test]
    fn a_call_that_was_talked_in_ends_unlike_one_that_nobody_takes() {
        assert_eq!(at_end(EndReason::RemoteHungUp), Some(Tone::Ended));
        assert_eq!(at_end(EndReason::RemoteBusy), Some(Tone::Busy));
        assert_eq!(at_end(EndReason::Cancelled), None);
        assert_eq!(at_end(EndReason::AnsweredElsewhere), None);
    }
}
