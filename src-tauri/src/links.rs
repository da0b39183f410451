//! `tincan://` links: what they say. What becomes of it is decided in the window, by a person.

use serde::Serialize;
use tincan_proto::AccountName;
use url::{Host, Url};

/// The scheme of the links.
pub const SCHEME: &str = "tincan";
/// No link is longer than this.
const MAX_LENGTH: usize = 512;

/// What a link asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Link {
    /// `tincan://call/NAME[@SERVER]`: call this person.
    Call {
        /// Whom.
        name: AccountName,
        /// Where they are; absent: on the server in use.
        server: Option<String>,
    },
    /// `tincan://invite/NAME[?server=SERVER]`: ask this person to become a contact.
    Invite {
        /// Whom.
        name: AccountName,
        /// Where they are; absent: on the server in use.
        server: Option<String>,
    },
}

/// Why a text is no link of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Too long, another scheme, or not a URL.
    #[error("not a tincan:// link")]
    NotALink,
    /// Neither `call` nor `invite`.
    #[error("the link asks for something unknown")]
    UnknownKind,
    /// The person's name is none.
    #[error("the link names nobody")]
    BadName,
    /// The server is not `host` or `host:port`.
    #[error("the link's server has no proper address")]
    BadServer,
}

impl Link {
    /// Reads a link as another program handed it over.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = Some(text.trim()).filter(|text| text.len() <= MAX_LENGTH);
        let url = text.and_then(|text| Url::parse(text).ok()).ok_or(LinkError::NotALink)?;
        if url.scheme() != SCHEME {
            return Err(LinkError::NotALink);
        }
        let who = url.path().trim_matches('/');
        match url.host_str() {
            Some("call") => {
                let (name, server) = match who.split_once('@') {
                    Some((name, server)) => (name, Some(server)),
                    None => (who, None),
                };
                Ok(Self::Call { name: account(name)?, server: address(server)? })
            }
            Some("invite") => {
                let server = url.query_pairs().find(|(key, _)| key == "server");
                let server = server.map(|(_, value)| value.into_owned());
                Ok(Self::Invite { name: account(who)?, server: address(server.as_deref())? })
            }
            _ => Err(LinkError::UnknownKind),
        }
    }

    /// The first link among a program's arguments.
    pub fn among<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        arguments.into_iter().find_map(|argument| Self::parse(argument).ok())
    }
}

fn account(name: &str) -> Result<AccountName, LinkError> {
    name.parse().map_err(|_| LinkError::BadName)
}

fn address(server: Option<&str>) -> Result<Option<String>, LinkError> {
    let Some(server) = server else { return Ok(None) };
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (server, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if !port_fits || Host::parse(host).is_err() {
        return Err(LinkError::BadServer);
    }
    Ok(Some(server.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> AccountName {
        text.parse().expect("a name")
    }

    #[test]
    fn a_call_names_a_person_and_perhaps_a_server() {
        for (text, server) in [
            ("tincan://call/bob", None),
            ("TINCAN://call/Bob/", None),
            (" tincan://call/bob@example.org \n", Some("example.org")),
            ("tincan://call/bob@example.org:4780", Some("example.org:4780")),
            ("tincan://call/bob@[::1]:4780", Some("[::1]:4780")),
        ] {
            let link = Link::Call { name: name("bob"), server: server.map(str::to_owned) };
            assert_eq!(Link::parse(text), Ok(link), "{text}");
        }
    }

    #[test]
    fn an_invitation_names_its_server_in_the_query() {
        for (text, server) in [
            ("tincan://invite/bob", None),
            ("tincan://invite/bob?server=192.0.2.1:4780", Some("192.0.2.1:4780")),
            ("tincan://invite/bob/?x=1&server=example.org", Some("example.org")),
        ] {
            let link = Link::Invite { name: name("bob"), server: server.map(str::to_owned) };
            assert_eq!(Link::parse(text), Ok(link), "{text}");
        }
    }

    #[test]
    fn what_is_no_link_is_refused_with_its_reason() {
        for (text, error) in [
            ("", LinkError::NotALink),
            ("bob", LinkError::NotALink),
            ("https://call/bob", LinkError::NotALink),
            (&format!("tincan://call/{}", "b".repeat(600)), LinkError::NotALink),
            ("tincan:call/bob", LinkError::UnknownKind),
            ("tincan://hangup/bob", LinkError::UnknownKind),
            ("tincan://call", LinkError::BadName),
            ("tincan://call/b", LinkError::BadName),
            ("tincan://call/bob/carol", LinkError::BadName),
            ("tincan://call/b%6fb%00", LinkError::BadName),
            ("tincan://invite/@example.org", LinkError::BadName),
            ("tincan://call/bob@", LinkError::BadServer),
            ("tincan://call/bob@host:0", LinkError::BadServer),
            ("tincan://call/bob@host:99999", LinkError::BadServer),
            ("tincan://invite/bob?server=ho st", LinkError::BadServer),
            ("tincan://invite/bob?server=-e%20sh", LinkError::BadServer),
        ] {
            assert_eq!(Link::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn the_first_link_among_the_arguments_counts() {
        let arguments = ["tincan", "--hidden", "tincan://call/bob", "tincan://call/carol"];
        let link = Link::Call { name: name("bob"), server: None };
        assert_eq!(Link::among(arguments), Some(link));
        assert_eq!(Link::among(["tincan", "--profile", "call"]), None);
    }
}
