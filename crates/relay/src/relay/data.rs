//! The way of relayed packets.

use super::allocation::{AllocationId, Reach};
use super::counters::Drop;
use super::listeners::Transport;
use super::{Action, Client, Relay};
use crate::frame::Frame;
use crate::stun::channel::{CHANNEL_HEADER, channel_header, read_channel_data};
use crate::stun::write_data_indication_header;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Instant;

impl<S> Relay<S> {
    pub(super) fn channel_data(
        &mut self,
        now: Instant,
        client: Client,
        frame: &mut Frame<'_>,
    ) -> Action<'_, S> {
        let Some((number, length)) = read_channel_data(frame.bytes()) else {
            return self.dropped(Drop::Malformed);
        };
        let peer = self.by_client.get(&client).and_then(|&id| {
            let allocation = self.allocations.get(&id).filter(|it| it.expires > now)?;
            Some((id, allocation.peer_of(number, now)?))
        });
        let Some((id, peer)) = peer else {
            return self.dropped(Drop::Unknown);
        };
        frame.narrow(CHANNEL_HEADER..CHANNEL_HEADER + length);
        self.pass_to_peer(now, id, peer, frame)
    }

    pub(super) fn send_indication(
        &mut self,
        now: Instant,
        client: Client,
        data: Option<(SocketAddr, Range<usize>)>,
        frame: &mut Frame<'_>,
    ) -> Action<'_, S> {
        let Some((peer, payload)) = data else {
            return self.dropped(Drop::Malformed);
        };
        let Some(&id) = self.by_client.get(&client) else {
            return self.dropped(Drop::Unknown);
        };
        frame.narrow(payload);
        self.pass_to_peer(now, id, peer, frame)
    }

    /// Takes a peer's packet; the client to which what is then in the frame is to be sent.
    pub fn peer_sent(
        &mut self,
        now: Instant,
        id: AllocationId,
        peer: SocketAddr,
        frame: &mut Frame<'_>,
    ) -> Option<Client> {
        self.pass_to_client(now, id, peer, false, frame)
    }

    fn pass_to_peer(
        &mut self,
        now: Instant,
        id: AllocationId,
        peer: SocketAddr,
        frame: &mut Frame<'_>,
    ) -> Action<'_, S> {
        let allocation = self.allocations.get(&id).filter(|it| it.expires > now);
        let Some(allocation) = allocation else {
            return self.dropped(Drop::Unknown);
        };
        let Some(reach) = allocation.permission(peer.ip(), now) else {
            return self.dropped(Drop::NotPermitted);
        };
        let (user, from, length) = (allocation.user, allocation.relayed, frame.bytes().len());
        if !self.users.may_send(user, length, now) {
            return self.dropped(Drop::Budget);
        }
        // Another allocation of ours needs no socket: it is also reached where the network
        // would not lead a packet back (RFC 4787, section 6: hairpinning).
        let other = match reach {
            Reach::Network => None,
            Reach::NetworkAndRelays | Reach::RelaysOnly => self.by_relayed.get(&peer).copied(),
        };
        if let Some(other) = other {
            self.count_to_peer(length);
            return match self.pass_to_client(now, other, from, true, frame) {
                Some(client) => Action::ToClient(client),
                None => Action::Ignore,
            };
        }
        if reach == Reach::RelaysOnly {
            return self.dropped(Drop::NotPermitted);
        }
        self.count_to_peer(length);
        match self.allocations.get(&id) {
            Some(allocation) => Action::ToPeer { socket: &allocation.socket, peer },
            None => Action::Ignore,
        }
    }

    fn pass_to_client(
        &mut self,
        now: Instant,
        id: AllocationId,
        peer: SocketAddr,
        by_relay: bool,
        frame: &mut Frame<'_>,
    ) -> Option<Client> {
        let allocation = self.allocations.get(&id).filter(|it| it.expires > now)?;
        let permitted = match allocation.permission(peer.ip(), now) {
            Some(Reach::Network | Reach::NetworkAndRelays) => true,
            Some(Reach::RelaysOnly) => by_relay,
            None => false,
        };
        if !permitted {
            self.counters.drop(Drop::NotPermitted);
            return None;
        }
        let (client, length) = (allocation.client, frame.bytes().len());
        if !self.users.may_receive(allocation.user, length, now) {
            self.counters.drop(Drop::Budget);
            return None;
        }
        if let Some(number) = allocation.channel_of(peer, now) {
            frame.prepend(&channel_header(number, u16::try_from(length).ok()?));
            let transport = self.listeners.get(client.listener)?.transport;
            if transport != Transport::Udp {
                frame.pad();
            }
        } else {
            self.indications += 1;
            let mut transaction = self.transaction_prefix;
            transaction[4..].copy_from_slice(&self.indications.to_be_bytes());
            let head = write_data_indication_header(frame.room(), peer, length, transaction)?;
            frame.take_room(head);
            frame.pad();
        }
        self.counters.packets_to_clients += 1;
        self.counters.bytes_to_clients += length as u64;
        Some(client)
    }

    fn count_to_peer(&mut self, length: usize) {
        self.counters.packets_to_peers += 1;
        self.counters.bytes_to_peers += length as u64;
    }

    fn dropped(&mut self, reason: Drop) -> Action<'_, S> {
        self.counters.drop(reason);
        Action::Ignore
    }
}
