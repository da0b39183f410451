//! Which accounts exist and who knows whom. Every change is returned, to be stored.

use crate::limits::{MAX_ACCOUNTS, MAX_CONTACTS, MAX_REQUESTS};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tincan_proto::signalling::{ContactRequest, Direction, Failure};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, PublicIdentity};

/// A change of the directory that must be stored before anybody is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new account.
    AccountCreated {
        /// Its name.
        name: AccountName,
        /// The key that the name is bound to.
        key: PublicIdentity,
        /// When.
        created: UnixMillis,
    },
    /// A request that waits for its answer.
    RequestMade {
        /// Who asks.
        asker: AccountName,
        /// Who is asked.
        asked: AccountName,
    },
    /// A request that was answered or withdrawn.
    RequestClosed {
        /// Who asked.
        asker: AccountName,
        /// Who was asked.
        asked: AccountName,
    },
    /// Two accounts know each other now.
    ContactsMade(AccountName, AccountName),
    /// Two accounts know each other no longer.
    ContactsEnded(AccountName, AccountName),
}

/// Accounts, contacts and requests, whole and in memory.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    accounts: HashMap<AccountName, PublicIdentity>,
    contacts: HashMap<AccountName, BTreeSet<AccountName>>,
    requests: HashMap<AccountName, BTreeMap<AccountName, Direction>>,
    /// The echo contact, whom everybody knows.
    echo: Option<AccountName>,
}

impl Directory {
    /// Makes a change. What the store read back and what is decided here take the same way.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::AccountCreated { name, key, created: _ } => {
                self.accounts.insert(name.clone(), *key);
            }
            Change::RequestMade { asker, asked } => {
                let mut note = |of: &AccountName, with: &AccountName, direction| {
                    self.requests.entry(of.clone()).or_default().insert(with.clone(), direction);
                };
                note(asker, asked, Direction::Outgoing);
                note(asked, asker, Direction::Incoming);
            }
            Change::RequestClosed { asker, asked } => {
                remove(&mut self.requests, asker, |open| open.remove(asked).is_some());
                remove(&mut self.requests, asked, |open| open.remove(asker).is_some());
            }
            Change::ContactsMade(a, b) => {
                self.contacts.entry(a.clone()).or_default().insert(b.clone());
                self.contacts.entry(b.clone()).or_default().insert(a.clone());
            }
            Change::ContactsEnded(a, b) => {
                remove(&mut self.contacts, a, |known| known.remove(b));
                remove(&mut self.contacts, b, |known| known.remove(a));
            }
        }
    }

    /// Makes one account everybody's contact: it need not be asked and cannot be removed.
    pub fn set_echo(&mut self, echo: Option<AccountName>) {
        self.echo = echo;
    }

    /// Whether this is the echo contact.
    pub fn is_echo(&self, name: &AccountName) -> bool {
        self.echo.as_ref() == Some(name)
    }

    /// The key that a name is bound to.
    pub fn key(&self, name: &AccountName) -> Option<&PublicIdentity> {
        self.accounts.get(name)
    }

    /// Whether the server takes no more accounts.
    pub fn is_full(&self) -> bool {
        self.accounts.len() >= MAX_ACCOUNTS
    }

    /// An account's contacts, by name; the echo contact comes last and itself has none.
    pub fn contacts(&self, of: &AccountName) -> impl Iterator<Item = &AccountName> {
        let echo = self.echo.iter().filter(move |_| !self.is_echo(of));
        self.contacts.get(of).into_iter().flatten().chain(echo)
    }

    /// Who sees an account's presence: its contacts, and of the echo contact everybody.
    pub fn watchers(&self, of: &AccountName) -> impl Iterator<Item = &AccountName> {
        let everybody = self.accounts.keys().filter(move |_| self.is_echo(of));
        self.contacts.get(of).into_iter().flatten().chain(everybody)
    }

    /// Whether two accounts know each other.
    pub fn are_contacts(&self, a: &AccountName, b: &AccountName) -> bool {
        self.is_echo(a)
            || self.is_echo(b)
            || self.contacts.get(a).is_some_and(|known| known.contains(b))
    }

    /// An account's open requests, by name.
    pub fn requests(&self, of: &AccountName) -> impl Iterator<Item = ContactRequest> {
        let open = self.requests.get(of).into_iter().flatten();
        open.map(|(name, &direction)| ContactRequest { name: name.clone(), direction })
    }

    /// What it takes for `me` to ask `name`. Nothing if they know each other or it was asked.
    ///
    /// # Errors
    /// [`Failure`] if there is no such account, it is one's own, or a bound is reached.
    pub fn add(&self, me: &AccountName, name: &AccountName) -> Result<Vec<Change>, Failure> {
        self.check_other(me, name)?;
        if self.are_contacts(me, name) {
            return Ok(Vec::new());
        }
        match self.request(me, name) {
            Some(Direction::Outgoing) => Ok(Vec::new()),
            Some(Direction::Incoming) => self.accept(me, name),
            None => {
                let is_full = |of, direction| {
                    self.requests(of).filter(|r| r.direction == direction).count() >= MAX_REQUESTS
                };
                if is_full(me, Direction::Outgoing) || is_full(name, Direction::Incoming) {
                    return Err(Failure::TooMany);
                }
                Ok(vec![Change::RequestMade { asker: me.clone(), asked: name.clone() }])
            }
        }
    }

    /// What it takes for `me` to answer `name`'s request. Nothing if there is none.
    ///
    /// # Errors
    /// As [`Directory::add`].
    pub fn answer(
        &self,
        me: &AccountName,
        name: &AccountName,
        accept: bool,
    ) -> Result<Vec<Change>, Failure> {
        self.check_other(me, name)?;
        match self.request(me, name) {
            Some(Direction::Incoming) if accept => self.accept(me, name),
            Some(Direction::Incoming) => {
                Ok(vec![Change::RequestClosed { asker: name.clone(), asked: me.clone() }])
            }
            Some(Direction::Outgoing) | None => Ok(Vec::new()),
        }
    }

    /// What it takes to end an acquaintance or withdraw one's own request.
    ///
    /// # Errors
    /// As [`Directory::add`].
    pub fn remove(&self, me: &AccountName, name: &AccountName) -> Result<Vec<Change>, Failure> {
        self.check_other(me, name)?;
        if self.is_echo(me) || self.is_echo(name) {
            return Err(Failure::OutOfBounds);
        }
        if self.are_contacts(me, name) {
            return Ok(vec![Change::ContactsEnded(me.clone(), name.clone())]);
        }
        match self.request(me, name) {
            Some(Direction::Outgoing) => {
                Ok(vec![Change::RequestClosed { asker: me.clone(), asked: name.clone() }])
            }
            Some(Direction::Incoming) | None => Ok(Vec::new()),
        }
    }

    fn check_other(&self, me: &AccountName, name: &AccountName) -> Result<(), Failure> {
        if me == name {
            return Err(Failure::Oneself);
        }
        self.key(name).map(|_| ()).ok_or(Failure::UnknownAccount)
    }

    fn request(&self, me: &AccountName, name: &AccountName) -> Option<Direction> {
        self.requests.get(me)?.get(name).copied()
    }

    fn accept(&self, me: &AccountName, asker: &AccountName) -> Result<Vec<Change>, Failure> {
        let is_full = |of| self.contacts.get(of).map_or(0, BTreeSet::len) >= MAX_CONTACTS;
        if is_full(me) || is_full(asker) {
            return Err(Failure::TooMany);
        }
        Ok(vec![
            Change::RequestClosed { asker: asker.clone(), asked: me.clone() },
            Change::ContactsMade(me.clone(), asker.clone()),
        ])
    }
}

/// Takes something out of one account's collection, and the collection with its last item.
fn remove<C: Default + PartialEq>(
    of: &mut HashMap<AccountName, C>,
    name: &AccountName,
    take: impl FnOnce(&mut C) -> bool,
) {
    if let Some(all) = of.get_mut(name) {
        take(all);
        if *all == C::default() {
            of.remove(name);
        }
    }
}
