//! What two participants of a call tell each other: by way of the server before they are
//! connected (signed, so that it cannot be altered there) and over the data channel after.

use crate::health::Health;
use crate::identity::{Domain, IdentityError, IdentityKey, PublicIdentity, SignatureBytes};
use crate::ids::{CallId, ParticipantId};
use crate::viewing::Viewing;
use serde::{Deserialize, Serialize};

/// Most bytes of a session description that is taken.
pub const MAX_SDP_BYTES: usize = 32 * 1024;
/// Most bytes of one candidate line that is taken.
pub const MAX_CANDIDATE_BYTES: usize = 1024;
/// Most bytes of a [`SignedMessage`]'s body.
pub const MAX_BODY_BYTES: usize = MAX_SDP_BYTES * 2;

/// Offer or answer (RFC 3264).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DescriptionKind {
    /// Proposes a session.
    Offer,
    /// Accepts one.
    Answer,
}

/// A session description.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Offer or answer.
    pub kind: DescriptionKind,
    /// The SDP text (RFC 8866), at most [`MAX_SDP_BYTES`].
    pub sdp: String,
}

impl std::fmt::Debug for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Description({:?}, {} bytes)", self.kind, self.sdp.len())
    }
}

/// One ICE candidate (RFC 8839), in W3C `RTCIceCandidateInit` form.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The candidate line, at most [`MAX_CANDIDATE_BYTES`]; empty: no more will follow.
    pub candidate: String,
    /// The media section it belongs to.
    #[serde(default)]
    pub sdp_mid: Option<String>,
    /// The index of that section.
    #[serde(default)]
    pub sdp_m_line_index: Option<u16>,
    /// The ICE user name fragment of the generation it belongs to.
    #[serde(default)]
    pub username_fragment: Option<String>,
}

impl std::fmt::Debug for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Candidate({} bytes)", self.candidate.len())
    }
}

/// Counts the connections that two devices make one after the other in one call. The impolite
/// side begins a new one; what belongs to an older one counts no more.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Generation(pub u32);

impl Generation {
    /// The connection after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A negotiation message and the connection that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    /// The connection.
    pub generation: Generation,
    /// The message.
    #[serde(flatten)]
    pub message: PeerMessage,
}

/// A negotiation message between two participants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum PeerMessage {
    /// A session description.
    Description(Description),
    /// A trickled candidate (RFC 8838).
    Candidate(Candidate),
    /// The polite side asks for a new connection in place of this one.
    Renew,
}

/// A [`PeerMessage`] as it passes through the server: the sender's identity key signs
/// call, sender, receiver and body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedMessage {
    /// The JSON text of a [`Numbered`] message, exactly as signed.
    pub body: String,
    /// The signature over it.
    pub signature: SignatureBytes,
}

/// Why a [`SignedMessage`] was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not signed by the key that we know for this person.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Rightly signed, but not a message that we understand, or too large.
    #[error("not a message that this version understands")]
    Malformed,
}

impl SignedMessage {
    /// Signs `message` for one receiver in one call.
    pub fn seal(
        key: &IdentityKey,
        call: CallId,
        from: &ParticipantId,
        to: &ParticipantId,
        message: &Numbered,
    ) -> Self {
        let body = serde_json::to_string(message).expect("peer messages have string keys only");
        let signature = key.sign(
            Domain::PeerMessage,
            &[
                &call.to_bytes(),
                from.to_string().as_bytes(),
                to.to_string().as_bytes(),
                body.as_bytes(),
            ],
        );
        Self { body, signature }
    }

    /// Checks the signature with the sender's key, then reads the body.
    ///
    /// # Errors
    /// [`OpenError`] tells a wrong signature from an unreadable body.
    pub fn open(
        &self,
        key: &PublicIdentity,
        call: CallId,
        from: &ParticipantId,
        to: &ParticipantId,
    ) -> Result<Numbered, OpenError> {
        if self.body.len() > MAX_BODY_BYTES {
            return Err(OpenError::Malformed);
        }
        key.verify(
            Domain::PeerMessage,
            &[
                &call.to_bytes(),
                from.to_string().as_bytes(),
                to.to_string().as_bytes(),
                self.body.as_bytes(),
            ],
            &self.signature,
        )?;
        self.read_unverified()
    }

    /// Reads the body without looking at the signature: for who trusts the way it came.
    ///
    /// # Errors
    /// [`OpenError::Malformed`] if it cannot be read or is too large.
    pub fn read_unverified(&self) -> Result<Numbered, OpenError> {
        if self.body.len() > MAX_BODY_BYTES {
            return Err(OpenError::Malformed);
        }
        let message: Numbered =
            serde_json::from_str(&self.body).map_err(|_| OpenError::Malformed)?;
        let within_bounds = match &message.message {
            PeerMessage::Description(d) => d.sdp.len() <= MAX_SDP_BYTES,
            PeerMessage::Candidate(c) => c.candidate.len() <= MAX_CANDIDATE_BYTES,
            PeerMessage::Renew => true,
        };
        within_bounds.then_some(message).ok_or(OpenError::Malformed)
    }
}

/// Most bytes of a control message on the data channel.
pub const MAX_CONTROL_BYTES: usize = 16 * 1024;

/// What connected participants tell each other over the data channel (JSON text).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum ControlMessage {
    /// What the sender sends now; repeated at each change and once after connecting.
    #[serde(rename_all = "camelCase")]
    Media {
        /// Sound is being sent.
        microphone: bool,
        /// A picture is being sent.
        camera: bool,
        /// That picture is a screen. Who does not say so sends none.
        #[serde(default)]
        screen: bool,
        /// No picture is sent although the camera is on: it is held back for now. Who does not say
        /// so holds none back.
        #[serde(default)]
        paused: bool,
    },
    /// No picture of the receiver's reaches the sender although one should, or one does again.
    PictureMissing {
        /// None does.
        missing: bool,
    },
    /// The receiver may hear themselves from the sender, whose microphone hears the speaker; or no
    /// longer. The sender's person has been told what to do.
    Echoing {
        /// It is so.
        strong: bool,
    },
    /// The sender leaves the call.
    Bye,
    /// How the sender shows the receiver's picture, and how much of it they take: at each change.
    Viewing(Viewing),
    /// How the sender is doing, once a second.
    Health(Health),
    /// The sender wants to know what the receiver's clock shows.
    ClockQuestion {
        /// The sender's clock, in microseconds since the Unix epoch.
        asked: u64,
    },
    /// The answer, in microseconds since the Unix epoch.
    ClockAnswer {
        /// As it was asked.
        asked: u64,
        /// The answerer's clock when the question came.
        heard: u64,
        /// The same when the answer left.
        answered: u64,
    },
    /// The sender rebuilds lost packets of pictures from what goes along in the stream for error
    /// correction, which is a Reed-Solomon code. Told once after connecting.
    Rebuilds,
    /// The echo contact says by which path the receiver hears themselves from now on.
    EchoPhase {
        /// Through a relay.
        relayed: bool,
    },
    /// The echo contact says what it measured on one path.
    #[serde(rename_all = "camelCase")]
    EchoReport {
        /// Of the path through a relay.
        relayed: bool,
        /// There and back, if it was measured.
        round_trip_ms: Option<u32>,
        /// Share of its packets that were lost, 0 to 100.
        loss_percent: u8,
    },
    /// A kind that this version does not know; ignored.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::DeviceId;

    fn participant(name: &str, device: u128) -> ParticipantId {
        ParticipantId { account: name.parse().expect("valid"), device: DeviceId::from(device) }
    }

    fn numbered(message: PeerMessage) -> Numbered {
        Numbered { generation: Generation(3), message }
    }

    #[test]
    fn the_number_stands_beside_the_message() {
        let text = serde_json::to_string(&numbered(PeerMessage::Renew)).expect("string keys");
        assert_eq!(text, r#"{"generation":3,"type":"renew"}"#);
        assert_eq!(serde_json::from_str(&text).ok(), Some(numbered(PeerMessage::Renew)));
    }

    #[test]
    fn a_swapped_fingerprint_is_noticed() {
        let key = IdentityKey::generate(&mut rand::rng());
        let (call, a, b) = (CallId::from(7), participant("alice", 1), participant("bob", 2));
        let offer = numbered(PeerMessage::Description(Description {
            kind: DescriptionKind::Offer,
            sdp: "a=fingerprint:sha-256 AA".into(),
        }));
        let sealed = SignedMessage::seal(&key, call, &a, &b, &offer);
        assert_eq!(sealed.open(&key.public(), call, &a, &b), Ok(offer));

        let mut swapped = sealed.clone();
        swapped.body = swapped.body.replace("AA", "BB");
        let bad = Err(OpenError::Identity(IdentityError::BadSignature));
        assert_eq!(swapped.open(&key.public(), call, &a, &b), bad);
        assert_eq!(sealed.open(&key.public(), CallId::from(8), &a, &b), bad, "another call");
        assert_eq!(sealed.open(&key.public(), call, &b, &a), bad, "another direction");
    }

    #[test]
    fn an_oversized_body_is_refused_before_it_is_read() {
        let key = IdentityKey::generate(&mut rand::rng());
        let (call, a, b) = (CallId::from(7), participant("alice", 1), participant("bob", 2));
        let huge = numbered(PeerMessage::Candidate(Candidate {
            candidate: "x".repeat(MAX_CANDIDATE_BYTES + 1),
            sdp_mid: None,
            sdp_m_line_index: None,
            username_fragment: None,
        }));
        let sealed = SignedMessage::seal(&key, call, &a, &b, &huge);
        assert_eq!(sealed.open(&key.public(), call, &a, &b), Err(OpenError::Malformed));
    }

    #[test]
    fn an_unknown_control_message_is_not_an_error() {
        let read = |s| serde_json::from_str::<ControlMessage>(s).ok();
        assert_eq!(read(r#"{"type":"futureThing"}"#), Some(ControlMessage::Unknown));
        assert_eq!(read(r#"{"type":"bye"}"#), Some(ControlMessage::Bye));
        let older = read(r#"{"type":"media","microphone":true,"camera":true}"#);
        let said =
            ControlMessage::Media { microphone: true, camera: true, screen: false, paused: false };
        assert_eq!(older, Some(said), "screens came later, and pausing after them");
    }
}
