//! Names and random ids. All are validated where they are parsed, so that code
//! further in never meets a malformed one.

use rand::RngCore;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use ts_rs::TS;

/// Fewest characters of an account name.
pub const NAME_MIN_CHARS: usize = 2;
/// Most characters of an account name.
pub const NAME_MAX_CHARS: usize = 32;

/// The account name that every server keeps for its echo contact.
pub const ECHO: &str = "echo";

/// An account's name on its server: 2 to 32 characters of `a-z`, `0-9`, `.`, `_`
/// and `-`, beginning with a letter or digit. Upper case is folded when parsed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(try_from = "String", into = "String")]
#[ts(as = "String")]
pub struct AccountName(String);

/// Why a text is not an account name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Shorter than [`NAME_MIN_CHARS`] or longer than [`NAME_MAX_CHARS`].
    #[error("a name has {NAME_MIN_CHARS} to {NAME_MAX_CHARS} characters")]
    Length,
    /// A character outside the allowed set.
    #[error(
        "a name has only letters a-z, digits, '.', '_' and '-', and begins with a letter or digit"
    )]
    Character,
}

impl AccountName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = text.trim().to_lowercase();
        if !(NAME_MIN_CHARS..=NAME_MAX_CHARS).contains(&name.chars().count()) {
            return Err(NameError::Length);
        }
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if !name.starts_with(word) || !name.chars().all(|c| word(c) || matches!(c, '.' | '_' | '-'))
        {
            return Err(NameError::Character);
        }
        Ok(Self(name))
    }
}

impl TryFrom<String> for AccountName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 32 hexadecimal digits")]
pub struct IdError;

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
        #[serde(try_from = "String", into = "String")]
        #[ts(as = "String")]
        pub struct $name(u128);

        impl $name {
            /// Draws a fresh id from `random`.
            pub fn random(random: &mut impl RngCore) -> Self {
                let mut bytes = [0; 16];
                random.fill_bytes(&mut bytes);
                Self(u128::from_be_bytes(bytes))
            }

            /// The id's 16 bytes, most significant first.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }
        }

        impl From<u128> for $name {
            fn from(value: u128) -> Self {
                Self(value)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(IdError);
                }
                u128::from_str_radix(text, 16).map(Self).map_err(|_| IdError)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:08x}..)", stringify!($name), self.0 >> 96)
            }
        }
    };
}

random_id!(
    /// One call, from invitation to end.
    CallId
);
random_id!(
    /// One installation of the app under an account. An account has any number of devices.
    DeviceId
);

random_id!(
    /// What one run of an app and the server have said to each other, over any number of
    /// connections. The server draws it.
    SessionId
);

/// One device of one account: what a call connects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
pub struct ParticipantId {
    /// The account.
    pub account: AccountName,
    /// The account's device.
    pub device: DeviceId,
}

impl fmt::Display for ParticipantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_bounded() {
        assert_eq!(" Alice ".parse::<AccountName>().map(String::from), Ok("alice".into()));
        assert_eq!("a".parse::<AccountName>(), Err(NameError::Length));
        assert_eq!("a".repeat(33).parse::<AccountName>(), Err(NameError::Length));
        for bad in ["-bob", "bob!", "b b", "bób"] {
            assert_eq!(bad.parse::<AccountName>(), Err(NameError::Character), "{bad}");
        }
    }

    #[test]
    fn ids_survive_text_and_reject_anything_else() {
        let id = CallId::random(&mut rand::rng());
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "12", "+0000000000000000000000000000000", &"g".repeat(32)] {
            assert_eq!(bad.parse::<CallId>(), Err(IdError), "{bad}");
        }
    }
}
