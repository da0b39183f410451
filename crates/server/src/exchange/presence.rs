//! What contacts see of each other.

use super::{Exchange, Step};
use tincan_proto::signalling::{Contact, ContactBook, Presence};
use tincan_proto::{AccountName, ServerMessage};

impl Exchange {
    /// An account's contacts and requests as they are now.
    pub(super) fn book(&self, of: &AccountName) -> ContactBook {
        let contact = |name: &AccountName| {
            let key = *self.directory.key(name)?;
            Some(Contact {
                name: name.clone(),
                key,
                presence: self.presence(name),
                echo: self.directory.is_echo(name),
            })
        };
        ContactBook {
            contacts: self.directory.contacts(of).filter_map(contact).collect(),
            requests: self.directory.requests(of).collect(),
        }
    }

    /// Works out the presence of an account that was in a call when the server stopped. Nobody
    /// is connected to be told.
    pub(super) fn restore_presence(&mut self, account: AccountName) {
        match self.work_out_presence(&account) {
            Presence::Offline => {}
            presence => {
                self.presence.insert(account, presence);
            }
        }
    }

    /// Tells contacts of every touched account whose presence is not what they were told.
    pub(super) fn announce_presence(&mut self, step: &mut Step) {
        for account in std::mem::take(&mut step.touched) {
            let presence = self.work_out_presence(&account);
            if presence == self.presence(&account) {
                continue;
            }
            match presence {
                Presence::Offline => self.presence.remove(&account),
                Presence::Online | Presence::InCall => {
                    self.presence.insert(account.clone(), presence)
                }
            };
            let changed = ServerMessage::PresenceChanged { name: account.clone(), presence };
            for contact in self.directory.watchers(&account) {
                self.sessions.tell_account(contact, &changed, step);
            }
        }
    }

    /// A caller whose call only rings is not in a call yet; a participant whose connection to
    /// the server is away for a moment still is.
    fn work_out_presence(&self, account: &AccountName) -> Presence {
        let is_talking = self.calls.iter().any(|call| {
            call.answered.is_some() && call.joined.keys().any(|who| who.account == *account)
        });
        // The echo contact takes several calls at once.
        if is_talking && !self.directory.is_echo(account) {
            Presence::InCall
        } else if self.sessions.devices(account).next().is_some() {
            Presence::Online
        } else {
            Presence::Offline
        }
    }
}
