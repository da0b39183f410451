//! Requests: who may have what.

use super::allocation::{Allocation, AllocationId, BindError, Full, Reach};
use super::answers::{answer, reply, success, unknown_attributes};
use super::counters::Refusal;
use super::listeners::Transport;
use super::{Action, Client, Now, OpenRequest, Relay, Reply};
use crate::credentials::Claim;
use crate::stun::channel::CHANNEL_NUMBERS;
use crate::stun::{Class, Key, Message, Writer, attribute, method, read_xor_address};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// RFC 8656, section 3.2.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);
/// RFC 8656, section 7.2.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);
/// REQUESTED-TRANSPORT for UDP.
const UDP: u8 = 17;

/// Somebody whose password is right.
struct Proven<'a> {
    account: &'a str,
    key: Key,
    allocation: Option<AllocationId>,
}

impl<S> Relay<S> {
    pub(super) fn binding(
        &mut self,
        now: Now,
        client: Client,
        request: &Message<'_>,
    ) -> Action<'_, S> {
        let unknown = |kind| {
            attribute::must_be_understood(kind)
                && !matches!(
                    kind,
                    attribute::CHANGE_REQUEST
                        | attribute::USERNAME
                        | attribute::REALM
                        | attribute::NONCE
                )
        };
        if request.attributes().any(|it| unknown(it.kind)) {
            return self.refuse_unproven(now, client, request, Refusal::UnknownAttribute);
        }
        let Some(&listener) = self.listeners.get(client.listener) else {
            return Action::Ignore;
        };
        let change = request.number(attribute::CHANGE_REQUEST).unwrap_or(0);
        let (address, port) = (change & 4 != 0, change & 2 != 0);
        let from = if address || port {
            self.listeners.other(&listener, address, port)
        } else {
            Some(client.listener)
        };
        let Some(from) = from else {
            return self.refuse_unproven(now, client, request, Refusal::UnknownAttribute);
        };
        if !self.may_answer(now, client) {
            return Action::Ignore;
        }
        self.counters.bindings += 1;
        let mut writer = success(method::BINDING, request.transaction())
            .xor_address(attribute::XOR_MAPPED_ADDRESS, client.address);
        if listener.transport == Transport::Udp {
            let origin = self.listeners.get(from).unwrap_or(&listener).public();
            writer = writer.address(attribute::RESPONSE_ORIGIN, origin);
            if let Some(other) = self.listeners.other_address(&listener) {
                writer = writer.address(attribute::OTHER_ADDRESS, other);
            }
        }
        reply(Client { listener: from, ..client }, writer.fingerprint())
    }

    pub(super) fn request(
        &mut self,
        now: Now,
        client: Client,
        method: u16,
        request: &Message<'_>,
    ) -> Action<'_, S> {
        let known = matches!(
            method,
            method::ALLOCATE | method::REFRESH | method::CREATE_PERMISSION | method::CHANNEL_BIND
        );
        if !known {
            return self.refuse_unproven(now, client, request, Refusal::BadRequest);
        }
        let proven = match self.prove(now, client, request) {
            Ok(proven) => proven,
            Err(refusal) => return self.refuse_unproven(now, client, request, refusal),
        };
        let outcome = if unknown_attributes(request).next().is_some() {
            Err(Refusal::UnknownAttribute)
        } else {
            match method {
                method::ALLOCATE => match self.allocate(now, client, request, &proven) {
                    Ok(Allocate::Open(open)) => return Action::Open(open),
                    Ok(Allocate::Again(writer)) => Ok(writer),
                    Err(refusal) => Err(refusal),
                },
                method::REFRESH => self.refresh(now, request, &proven),
                method::CREATE_PERMISSION => self.create_permission(now, request, &proven),
                _ => self.channel_bind(now, request, &proven),
            }
        };
        match outcome {
            Ok(writer) => reply(client, writer.sign(&proven.key)),
            Err(refusal) => self.refuse(client, request, &proven.key, refusal),
        }
    }

    /// Long-term credentials (RFC 8489, section 9.2.4), minted with the shared secret.
    fn prove<'a>(
        &self,
        now: Now,
        client: Client,
        request: &Message<'a>,
    ) -> Result<Proven<'a>, Refusal> {
        if !request.is_signed() {
            return Err(Refusal::Unauthenticated);
        }
        let text = |kind| request.text(kind).ok_or(Refusal::BadRequest);
        let (username, _, nonce) =
            (text(attribute::USERNAME)?, text(attribute::REALM)?, text(attribute::NONCE)?);
        if !self.nonces.is_good(nonce, client.address, now.unix) {
            return Err(Refusal::StaleNonce);
        }
        let claim = Claim::read(username).ok_or(Refusal::Forged)?;
        let password = self.secret.password(username);
        let key = Key::long_term(username, &self.policy.realm, &password);
        if !request.is_signed_with(&key) {
            return Err(Refusal::Forged);
        }
        let living =
            |id: &AllocationId| self.allocations.get(id).is_some_and(|it| it.expires > now.instant);
        let allocation = self.by_client.get(&client).copied().filter(living);
        // A call may outlast the credential that it began with: its allocation stays its own.
        if allocation.is_none() && claim.expiry <= now.unix {
            return Err(Refusal::Expired);
        }
        Ok(Proven { account: claim.account, key, allocation })
    }

    /// The allocation of this client, if it is this account's (RFC 8656, section 5). A renewed
    /// credential of the same account is as good as the one that it was made with.
    fn own(&self, proven: &Proven<'_>) -> Result<AllocationId, Refusal> {
        let id = proven.allocation.ok_or(Refusal::Mismatch)?;
        let allocation = self.allocations.get(&id).ok_or(Refusal::Mismatch)?;
        if self.users.is(allocation.user, proven.account) { Ok(id) } else { Err(Refusal::Foreign) }
    }

    fn allocate(
        &mut self,
        now: Now,
        client: Client,
        request: &Message<'_>,
        proven: &Proven<'_>,
    ) -> Result<Allocate, Refusal> {
        if proven.allocation.is_some() {
            let id = self.own(proven)?;
            let allocation = self.allocations.get(&id).ok_or(Refusal::Mismatch)?;
            // its answer was lost
            if allocation.transaction != request.transaction() {
                return Err(Refusal::Mismatch);
            }
            let lifetime = allocation.expires - now.instant;
            return Ok(Allocate::Again(allocated(allocation, lifetime)));
        }
        // one that has expired and was not swept yet
        self.stream_ended(client, now.instant);
        let transport = request.find(attribute::REQUESTED_TRANSPORT);
        match transport {
            Some([UDP, ..]) => {}
            Some([_, ..]) => return Err(Refusal::TransportUnsupported),
            Some([]) | None => return Err(Refusal::BadRequest),
        }
        let even_port = request.find(attribute::EVEN_PORT);
        let family = request.find(attribute::REQUESTED_ADDRESS_FAMILY);
        let second = request.find(attribute::ADDITIONAL_ADDRESS_FAMILY).is_some();
        let token = request.find(attribute::RESERVATION_TOKEN).is_some();
        if (token && (even_port.is_some() || family.is_some())) || (second && family.is_some()) {
            return Err(Refusal::BadRequest);
        }
        // ports are not kept for later
        if token || even_port.is_some_and(|it| it.first().is_some_and(|flags| flags & 0x80 != 0)) {
            return Err(Refusal::Capacity);
        }
        let ipv6 = match family {
            None | Some([1, ..]) => false,
            Some([2, ..]) => true,
            Some(_) => return Err(Refusal::FamilyUnsupported),
        };
        let listener = self.listeners.get(client.listener).ok_or(Refusal::Capacity)?;
        // RFC 8656 asks for IPv4 where no family is named; a client that came by IPv6 to a
        // server that has nothing else is better served with that
        let ip = match (self.listeners.relay_ip(listener.address.ip(), ipv6), family) {
            (Some(ip), _) => ip,
            (None, None) => listener.address.ip(),
            (None, Some(_)) => return Err(Refusal::FamilyUnsupported),
        };
        if self.users.allocations(proven.account) >= self.policy.allocations_per_user {
            return Err(Refusal::Quota);
        }
        if self.allocations.len() >= self.policy.max_allocations {
            return Err(Refusal::Capacity);
        }
        Ok(Allocate::Open(Box::new(OpenRequest {
            ip,
            even_port: even_port.is_some(),
            client,
            transaction: request.transaction(),
            account: proven.account.to_owned(),
            key: proven.key.clone(),
            lifetime: lifetime(request),
            refuse_second: second,
        })))
    }

    /// The socket that [`Action::Open`] asked for: bound where, or none. The answer to send, and
    /// the new allocation.
    pub fn opened(
        &mut self,
        now: Now,
        request: OpenRequest,
        opened: Option<(S, SocketAddr)>,
    ) -> (Reply, Option<AllocationId>) {
        let OpenRequest { client, transaction, account, key, lifetime, refuse_second, .. } =
            request;
        let Some((socket, bound)) = opened else {
            let (code, reason) = Refusal::Capacity.code();
            self.counters.refuse(Refusal::Capacity);
            let writer = Writer::new(Class::Error, method::ALLOCATE, transaction);
            return (answer(client, writer.error(code, reason).sign(&key)), None);
        };
        let relayed = SocketAddr::new(self.listeners.public_ip(bound.ip()), bound.port());
        self.last_id += 1;
        let id = AllocationId(self.last_id);
        let user = self.users.came(&account, now.instant);
        let expires = now.instant + lifetime;
        let places = (bound, relayed);
        let allocation = Allocation::new(client, user, socket, places, transaction, expires);
        let mut writer = allocated(&allocation, lifetime);
        if refuse_second {
            // one relayed address each (RFC 8656, section 18.13)
            let (code, reason) = Refusal::FamilyUnsupported.code();
            let mut value = vec![2, 0, 4, u8::try_from(code % 100).unwrap_or(0)];
            value.extend(reason.as_bytes());
            writer = writer.attribute(attribute::ADDRESS_ERROR_CODE, &value);
        }
        self.by_client.insert(client, id);
        self.by_relayed.insert(bound, id);
        self.by_relayed.insert(relayed, id);
        self.allocations.insert(id, allocation);
        self.counters.allocations_made += 1;
        (answer(client, writer.sign(&key)), Some(id))
    }

    fn refresh(
        &mut self,
        now: Now,
        request: &Message<'_>,
        proven: &Proven<'_>,
    ) -> Result<Writer, Refusal> {
        let id = self.own(proven)?;
        let allocation = self.allocations.get_mut(&id).ok_or(Refusal::Mismatch)?;
        if let Some(&[family, ..]) = request.find(attribute::REQUESTED_ADDRESS_FAMILY)
            && (family == 2) != allocation.bound.is_ipv6()
        {
            return Err(Refusal::FamilyMismatch);
        }
        let ends = request.number(attribute::LIFETIME) == Some(0);
        let lifetime = if ends { Duration::ZERO } else { lifetime(request) };
        allocation.expires = now.instant + lifetime;
        if ends {
            self.remove(id, now.instant);
        }
        let seconds = seconds(lifetime);
        let writer = success(method::REFRESH, request.transaction());
        Ok(writer.number(attribute::LIFETIME, seconds))
    }

    fn create_permission(
        &mut self,
        now: Now,
        request: &Message<'_>,
        proven: &Proven<'_>,
    ) -> Result<Writer, Refusal> {
        let id = self.own(proven)?;
        let transaction = request.transaction();
        let peers = request.attributes().filter(|it| it.kind == attribute::XOR_PEER_ADDRESS);
        let mut permitted = Vec::new();
        for peer in peers {
            let peer = read_xor_address(peer.value, &transaction).ok_or(Refusal::BadRequest)?;
            permitted.push((peer.ip(), self.reach(id, peer.ip())?));
        }
        if permitted.is_empty() {
            return Err(Refusal::BadRequest);
        }
        let allocation = self.allocations.get_mut(&id).ok_or(Refusal::Mismatch)?;
        for (ip, reach) in permitted {
            allocation.permit(ip, reach, now.instant).map_err(|Full| Refusal::Capacity)?;
        }
        Ok(success(method::CREATE_PERMISSION, transaction))
    }

    fn channel_bind(
        &mut self,
        now: Now,
        request: &Message<'_>,
        proven: &Proven<'_>,
    ) -> Result<Writer, Refusal> {
        let id = self.own(proven)?;
        let number = match request.find(attribute::CHANNEL_NUMBER) {
            Some(&[high, low, _, _]) => u16::from_be_bytes([high, low]),
            Some(_) | None => return Err(Refusal::BadRequest),
        };
        let peer = request.xor_address(attribute::XOR_PEER_ADDRESS);
        let peer = peer.ok_or(Refusal::BadRequest)?;
        if !CHANNEL_NUMBERS.contains(&number) {
            return Err(Refusal::BadRequest);
        }
        let reach = self.reach(id, peer.ip())?;
        let allocation = self.allocations.get_mut(&id).ok_or(Refusal::Mismatch)?;
        allocation.bind(number, peer, now.instant).map_err(|error| match error {
            BindError::Conflict => Refusal::BadRequest,
            BindError::Full => Refusal::Capacity,
        })?;
        allocation.permit(peer.ip(), reach, now.instant).map_err(|Full| Refusal::Capacity)?;
        Ok(success(method::CHANNEL_BIND, request.transaction()))
    }

    /// Whether and why an allocation may reach an address.
    fn reach(&self, id: AllocationId, ip: IpAddr) -> Result<Reach, Refusal> {
        let allocation = self.allocations.get(&id).ok_or(Refusal::Mismatch)?;
        if allocation.bound.is_ipv6() != ip.is_ipv6() {
            return Err(Refusal::FamilyMismatch);
        }
        let peers = &self.policy.peers;
        match (peers.allow(ip), self.listeners.is_own(ip)) {
            (true, false) => Ok(Reach::Network),
            // A public address of ours, too: no firewall stands between this machine's own programs
            // and what it sends to itself.
            (true, true) if peers.names(ip) => Ok(Reach::NetworkAndRelays),
            (true | false, true) => Ok(Reach::RelaysOnly),
            (false, false) => Err(Refusal::ForbiddenPeer),
        }
    }
}

enum Allocate {
    Open(Box<OpenRequest>),
    Again(Writer),
}

fn allocated<S>(allocation: &Allocation<S>, lifetime: Duration) -> Writer {
    success(method::ALLOCATE, allocation.transaction)
        .xor_address(attribute::XOR_RELAYED_ADDRESS, allocation.relayed)
        .number(attribute::LIFETIME, seconds(lifetime))
        .xor_address(attribute::XOR_MAPPED_ADDRESS, allocation.client.address)
}

fn lifetime(request: &Message<'_>) -> Duration {
    let wanted = request.number(attribute::LIFETIME).map(|it| Duration::from_secs(it.into()));
    wanted.unwrap_or(DEFAULT_LIFETIME).clamp(DEFAULT_LIFETIME, MAX_LIFETIME)
}

fn seconds(lifetime: Duration) -> u32 {
    u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX)
}
