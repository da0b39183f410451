//! The forms of answers.

use super::counters::Refusal;
use super::{Action, Client, Now, Relay, Reply};
use crate::stun::{Class, Key, Message, TransactionId, Writer, attribute};

/// Unknown attributes that a refusal names: it is not to grow with the request.
const MAX_NAMED: usize = 8;

impl<S> Relay<S> {
    /// A request that proves nothing is refused, if its source may still be answered.
    pub(super) fn refuse_unproven(
        &mut self,
        now: Now,
        client: Client,
        request: &Message<'_>,
        refusal: Refusal,
    ) -> Action<'_, S> {
        if !self.may_answer(now, client) {
            return Action::Ignore;
        }
        self.counters.refuse(refusal);
        let mut writer = refusal_of(request, refusal);
        if matches!(
            refusal,
            Refusal::Unauthenticated | Refusal::StaleNonce | Refusal::Forged | Refusal::Expired
        ) {
            let nonce = self.nonces.make(client.address, now.unix);
            writer = writer
                .attribute(attribute::REALM, self.policy.realm.as_bytes())
                .attribute(attribute::NONCE, nonce.as_bytes());
        }
        reply(client, writer)
    }

    /// A request of somebody known is refused.
    pub(super) fn refuse(
        &mut self,
        client: Client,
        request: &Message<'_>,
        key: &Key,
        refusal: Refusal,
    ) -> Action<'_, S> {
        self.counters.refuse(refusal);
        reply(client, refusal_of(request, refusal).sign(key))
    }

    pub(super) fn may_answer(&mut self, now: Now, client: Client) -> bool {
        let may = self.unproven.take(client.address.ip(), now.instant);
        if !may {
            self.counters.refuse(Refusal::RateLimited);
        }
        may
    }
}

fn refusal_of(request: &Message<'_>, refusal: Refusal) -> Writer {
    let (_, method) = request.class_and_method();
    let (code, reason) = refusal.code();
    let writer = Writer::new(Class::Error, method, request.transaction()).error(code, reason);
    if refusal != Refusal::UnknownAttribute {
        return writer;
    }
    let unknown = unknown_attributes(request).take(MAX_NAMED).flat_map(u16::to_be_bytes);
    writer.attribute(attribute::UNKNOWN_ATTRIBUTES, &unknown.collect::<Vec<_>>())
}

/// What has to be understood and is not.
pub(super) fn unknown_attributes(request: &Message<'_>) -> impl Iterator<Item = u16> {
    request.attributes().map(|it| it.kind).filter(|&kind| {
        attribute::must_be_understood(kind)
            && !matches!(
                kind,
                attribute::USERNAME
                    | attribute::REALM
                    | attribute::NONCE
                    | attribute::CHANNEL_NUMBER
                    | attribute::LIFETIME
                    | attribute::XOR_PEER_ADDRESS
                    | attribute::REQUESTED_ADDRESS_FAMILY
                    | attribute::EVEN_PORT
                    | attribute::REQUESTED_TRANSPORT
                    | attribute::RESERVATION_TOKEN
                    | attribute::MESSAGE_INTEGRITY_SHA256
            )
    })
}

/// A success without attributes yet.
pub(super) fn success(method: u16, transaction: TransactionId) -> Writer {
    Writer::new(Class::Success, method, transaction)
}

pub(super) fn reply<'a, S>(client: Client, writer: Writer) -> Action<'a, S> {
    Action::Reply(answer(client, writer))
}

pub(super) fn answer(client: Client, writer: Writer) -> Reply {
    Reply { listener: client.listener, to: client.address, bytes: writer.finish() }
}
