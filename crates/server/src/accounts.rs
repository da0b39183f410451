//! Who may sign in: the pure checks between opening a socket and the welcome. Does not know
//! which accounts exist before it is told.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use rand::RngCore;
use tincan_proto::identity::check_sign_in_proof;
use tincan_proto::signalling::{PROTOCOL_VERSION, Refusal, Resume};
use tincan_proto::{AccountName, ClientMessage, DeviceId, PublicIdentity, SessionId};

/// Random bytes of a challenge.
const NONCE_BYTES: usize = 32;

/// Somebody who has proved to hold a key, and the name they want with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The account.
    pub name: AccountName,
    /// The device.
    pub device: DeviceId,
    /// The key that was proved.
    pub key: PublicIdentity,
    /// Whether a new account may be made.
    pub register: bool,
    /// The session that is to go on.
    pub resume: Option<Resume>,
    /// The id of the session that begins if none goes on.
    pub fresh: SessionId,
}

/// How far a connection has come with signing in.
#[derive(Debug)]
pub enum SignIn {
    /// Waits for the hello.
    Greeting,
    /// Waits for the proof of the key.
    Challenged {
        /// What the hello claims.
        claim: Proven,
        /// What is to be signed.
        nonce: String,
    },
}

/// What comes of one message during sign-in.
#[derive(Debug)]
pub enum SignInStep {
    /// Send this challenge and go on.
    Challenge(SignIn, String),
    /// The key is proved.
    Proven(Proven),
    /// Refuse and close.
    Refuse(Refusal, &'static str),
}

impl SignIn {
    /// Takes the next message of a connection that is not signed in.
    pub fn step(self, message: ClientMessage, random: &mut impl RngCore) -> SignInStep {
        match (self, message) {
            (
                Self::Greeting,
                ClientMessage::Hello { version, name, device, key, register, resume },
            ) => {
                if version != PROTOCOL_VERSION {
                    return SignInStep::Refuse(
                        Refusal::UnsupportedVersion,
                        "the server does not speak this version",
                    );
                }
                let mut bytes = [0; NONCE_BYTES];
                random.fill_bytes(&mut bytes);
                let nonce = BASE64.encode(bytes);
                let fresh = SessionId::random(random);
                let claim = Proven { name, device, key, register, resume, fresh };
                SignInStep::Challenge(Self::Challenged { claim, nonce: nonce.clone() }, nonce)
            }
            (Self::Challenged { claim, nonce }, ClientMessage::Prove { signature }) => {
                match check_sign_in_proof(&claim.key, &nonce, &claim.name, claim.device, &signature)
                {
                    Ok(()) => SignInStep::Proven(claim),
                    Err(_) => SignInStep::Refuse(Refusal::BadProof, "the key was not proved"),
                }
            }
            (Self::Greeting | Self::Challenged { .. }, _) => {
                SignInStep::Refuse(Refusal::Malformed, "not the message that sign-in expects")
            }
        }
    }
}

/// Whether a proven key may use a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The account exists and is theirs.
    Known,
    /// The account is to be made.
    New,
}

/// Decides from the key that a name is `bound` to, if it is.
///
/// # Errors
/// The refusal to send.
pub fn admit(
    bound: Option<&PublicIdentity>,
    key: &PublicIdentity,
    register: bool,
) -> Result<Admission, Refusal> {
    match (bound, register) {
        (Some(bound), _) if bound == key => Ok(Admission::Known),
        (Some(_), true) => Err(Refusal::NameTaken),
        (Some(_), false) => Err(Refusal::WrongKey),
        (None, true) => Ok(Admission::New),
        (None, false) => Err(Refusal::UnknownAccount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use tincan_proto::IdentityKey;
    use tincan_proto::identity::sign_in_proof;

    fn hello(key: &IdentityKey, version: u32) -> ClientMessage {
        ClientMessage::Hello {
            version,
            name: "alice".parse().expect("valid"),
            device: DeviceId::from(1),
            key: key.public(),
            register: true,
            resume: None,
        }
    }

    fn challenged(key: &IdentityKey, random: &mut StdRng) -> (SignIn, String) {
        match SignIn::Greeting.step(hello(key, PROTOCOL_VERSION), random) {
            SignInStep::Challenge(next, nonce) => (next, nonce),
            other => panic!("expected a challenge, got {other:?}"),
        }
    }

    #[test]
    fn a_right_signature_proves_the_key_and_another_does_not() {
        let mut random = StdRng::seed_from_u64(1);
        let (key, thief) = (IdentityKey::from_bytes(&[1; 32]), IdentityKey::from_bytes(&[2; 32]));
        let name: AccountName = "alice".parse().expect("valid");
        for (signer, right) in [(&key, true), (&thief, false)] {
            let (state, nonce) = challenged(&key, &mut random);
            let signature = sign_in_proof(signer, &nonce, &name, DeviceId::from(1));
            match state.step(ClientMessage::Prove { signature }, &mut random) {
                SignInStep::Proven(proven) => assert!(right && proven.key == key.public()),
                SignInStep::Refuse(code, _) => assert!(!right && code == Refusal::BadProof),
                SignInStep::Challenge(..) => panic!("challenged twice"),
            }
        }
    }

    #[test]
    fn every_challenge_is_another() {
        let mut random = StdRng::seed_from_u64(1);
        let key = IdentityKey::from_bytes(&[1; 32]);
        assert_ne!(challenged(&key, &mut random).1, challenged(&key, &mut random).1);
    }

    #[test]
    fn another_version_and_an_untimely_message_are_refused() {
        let mut random = StdRng::seed_from_u64(1);
        let key = IdentityKey::from_bytes(&[1; 32]);
        let refusal = |step| match step {
            SignInStep::Refuse(code, _) => Some(code),
            SignInStep::Challenge(..) | SignInStep::Proven(_) => None,
        };
        let old = SignIn::Greeting.step(hello(&key, PROTOCOL_VERSION + 1), &mut random);
        assert_eq!(refusal(old), Some(Refusal::UnsupportedVersion));
        let early = ClientMessage::ListHistory { before: None, limit: 1 };
        let early = SignIn::Greeting.step(early, &mut random);
        assert_eq!(refusal(early), Some(Refusal::Malformed));
        let (state, _) = challenged(&key, &mut random);
        let again = state.step(hello(&key, PROTOCOL_VERSION), &mut random);
        assert_eq!(refusal(again), Some(Refusal::Malformed));
    }

    #[test]
    fn a_name_belongs_to_the_key_that_claimed_it_first() {
        let (key, other) = (
            IdentityKey::from_bytes(&[1; 32]).public(),
            IdentityKey::from_bytes(&[2; 32]).public(),
        );
        assert_eq!(admit(None, &key, true), Ok(Admission::New));
        assert_eq!(admit(None, &key, false), Err(Refusal::UnknownAccount));
        assert_eq!(admit(Some(&key), &key, true), Ok(Admission::Known));
        assert_eq!(admit(Some(&key), &key, false), Ok(Admission::Known));
        assert_eq!(admit(Some(&other), &key, true), Err(Refusal::NameTaken));
        assert_eq!(admit(Some(&other), &key, false), Err(Refusal::WrongKey));
    }
}
