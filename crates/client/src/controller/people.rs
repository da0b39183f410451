//! Contacts, requests, the keys that people had when first seen, and past calls.

use super::Controller;
use crate::profile::PinnedKeys;
use crate::view::{ContactView, NoticeKind};
use tincan_proto::identity::PublicIdentity;
use tincan_proto::signalling::{
    Contact, ContactBook, ContactRequest, Direction, HistoryEntry, MAX_HISTORY, Presence,
};
use tincan_proto::{AccountName, ClientMessage};

/// Everyone this person knows.
pub struct People {
    book: ContactBook,
    pins: PinnedKeys,
    history: Vec<HistoryEntry>,
    to_greet: Vec<AccountName>,
    /// Greetings that the server has not taken in yet.
    greetings: usize,
}

impl People {
    pub fn new(pins: PinnedKeys, to_greet: Vec<AccountName>) -> Self {
        Self { book: ContactBook::default(), pins, history: Vec::new(), to_greet, greetings: 0 }
    }

    pub fn clear(&mut self) {
        self.book = ContactBook::default();
        self.history.clear();
    }

    pub fn requests(&self) -> &[ContactRequest] {
        &self.book.requests
    }

    pub fn history(&self) -> &[HistoryEntry] {
        &self.history
    }

    pub fn set_history(&mut self, entries: Vec<HistoryEntry>) {
        self.history = entries;
    }

    pub fn set_presence(&mut self, name: &AccountName, presence: Presence) {
        if let Some(contact) = self.book.contacts.iter_mut().find(|c| c.name == *name) {
            contact.presence = presence;
        }
    }

    /// Whether a failure answers a greeting: who was named at the start may come later, and asks
    /// then.
    pub fn greeting_failed(&mut self) -> bool {
        let greeted = self.greetings > 0;
        self.greetings = self.greetings.saturating_sub(1);
        greeted
    }

    pub fn everyone_offline(&mut self) {
        self.book.contacts.iter_mut().for_each(|c| c.presence = Presence::Offline);
    }

    /// The key that a person's messages must be signed with: the one seen first.
    pub fn key_of(&self, name: &AccountName) -> Option<&PublicIdentity> {
        self.pins.get(name)
    }

    pub fn contacts(&self, own: Option<&PublicIdentity>) -> Vec<ContactView> {
        let (echo, people): (Vec<_>, Vec<_>) = self.book.contacts.iter().partition(|c| c.echo);
        echo.into_iter().chain(people).map(|contact| self.view(contact, own)).collect()
    }

    fn view(&self, contact: &Contact, own: Option<&PublicIdentity>) -> ContactView {
        ContactView {
            name: contact.name.clone(),
            presence: contact.presence,
            safety_number: own.map_or_else(String::new, |own| own.safety_number(&contact.key)),
            key_changed: self.pins.get(&contact.name).is_some_and(|pin| *pin != contact.key),
        }
    }

    pub fn is_echo(&self, name: &AccountName) -> bool {
        self.book.contacts.iter().any(|contact| contact.echo && contact.name == *name)
    }
}

impl Controller {
    /// Takes the server's list. A key that differs from the one seen first is not believed:
    /// calls with that person end with a warning until the contact is removed and made anew.
    pub(super) fn take_book(&mut self, mut book: ContactBook) {
        book.contacts.sort_by(|a, b| a.name.cmp(&b.name));
        let mut pinned = false;
        for contact in &book.contacts {
            match self.people.pins.get(&contact.name) {
                Some(pin) if *pin != contact.key => {
                    self.notices.add(NoticeKind::KeyChanged { name: contact.name.clone() });
                }
                Some(_) => {}
                None => {
                    self.people.pins.insert(contact.name.clone(), contact.key);
                    pinned = true;
                }
            }
        }
        self.people.book = book;
        self.people.greetings = 0;
        if pinned && let Err(error) = self.profile.keep_pinned_keys(&self.people.pins) {
            self.not_saved(&error);
        }
        self.accept_greeted();
        self.changed = true;
    }

    pub(super) fn remove_contact(&mut self, name: AccountName) -> bool {
        self.people.pins.remove(&name);
        if let Err(error) = self.profile.keep_pinned_keys(&self.people.pins) {
            self.not_saved(&error);
        }
        self.session.send(ClientMessage::RemoveContact { name })
    }

    /// Asks everyone named at the start who is not known yet.
    pub(super) fn greet_contacts(&mut self) {
        for name in self.people.to_greet.clone() {
            let known = self.people.book.contacts.iter().any(|c| c.name == name)
                || self.people.book.requests.iter().any(|r| r.name == name);
            if !known {
                self.people.greetings +=
                    usize::from(self.session.send(ClientMessage::AddContact { name }));
            }
        }
    }

    fn accept_greeted(&mut self) {
        let requests = self.people.book.requests.iter();
        let expected: Vec<_> = requests
            .filter(|r| r.direction == Direction::Incoming)
            .filter(|r| self.people.to_greet.contains(&r.name))
            .map(|r| r.name.clone())
            .collect();
        for name in expected {
            self.session.send(ClientMessage::AnswerRequest { name, accept: true });
        }
    }

    pub(super) fn ask_for_history(&self) {
        self.session.send(ClientMessage::ListHistory { before: None, limit: MAX_HISTORY });
    }
}
