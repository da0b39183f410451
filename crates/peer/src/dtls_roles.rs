//! Which side says hello first in DTLS.
//!
//! The answerer usually does (RFC 5763, section 5), since it may begin before its answer has
//! arrived. But it may only send on a path that the offerer has nominated, half a round trip
//! later than the offerer itself. So between two of ours the offerer says hello, right behind its
//! nomination. The crate takes the role from the offer and always answers "active"; both are
//! rewritten here.

/// What a side may do (RFC 4145, section 4), as lines of a description.
const EITHER: &str = "a=setup:actpass";
const ACTIVE: &str = "a=setup:active";
const PASSIVE: &str = "a=setup:passive";

/// Who was the answerer when the connection began; the roles stay (RFC 8842, section 5.3).
#[derive(Clone, Copy, Debug, Default)]
pub enum DtlsRoles {
    /// Nobody has answered yet.
    #[default]
    Open,
    /// This side waits for the far side's hello.
    Waits,
    /// The roles are as the crate has them.
    Crate,
}

impl DtlsRoles {
    /// The far side offers: what the crate is to read of it. `ours`: it does as this side does.
    pub fn offered(&mut self, offer: String, ours: bool) -> String {
        if let Self::Open = self {
            *self = if ours { Self::Waits } else { Self::Crate };
        }
        match self {
            Self::Waits => offer.replace(EITHER, ACTIVE),
            Self::Open | Self::Crate => offer,
        }
    }

    /// The crate answers: what the far side is to read of it.
    pub fn answering(&self, answer: String) -> String {
        match self {
            Self::Waits => answer.replace(ACTIVE, PASSIVE),
            Self::Open | Self::Crate => answer,
        }
    }

    /// The far side has answered.
    pub fn answered(&mut self) {
        if let Self::Open = self {
            *self = Self::Crate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\nm=audio\r\na=setup:actpass\r\nm=video\r\na=setup:actpass\r\n";
    const ANSWER: &str = "v=0\r\nm=audio\r\na=setup:active\r\nm=video\r\na=setup:active\r\n";

    #[test]
    fn an_offer_of_ours_is_answered_passively_each_time() {
        let mut roles = DtlsRoles::default();
        for _ in 0..2 {
            assert_eq!(roles.offered(OFFER.to_owned(), true), ANSWER);
            assert_eq!(roles.answering(ANSWER.to_owned()), ANSWER.replace("active", "passive"));
            roles.answered();
        }
    }

    #[test]
    fn an_offer_of_others_is_answered_actively() {
        let mut roles = DtlsRoles::default();
        assert_eq!(roles.offered(OFFER.to_owned(), false), OFFER);
        assert_eq!(roles.answering(ANSWER.to_owned()), ANSWER);
    }

    #[test]
    fn whoever_offered_first_stays_the_client() {
        let mut roles = DtlsRoles::default();
        roles.answered();
        assert_eq!(roles.offered(OFFER.to_owned(), true), OFFER);
        assert_eq!(roles.answering(ANSWER.to_owned()), ANSWER);
    }
}
