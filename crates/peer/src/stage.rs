//! A stage of the way between the network and the application: what the crate calls an interceptor,
//! without the queues that each of those has to keep.

use rtc::interceptor::{AttributedPacket, Interceptor, Slot, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use std::collections::VecDeque;
use std::time::Instant;

/// Looks at packets, adds some or keeps some back. What is not said otherwise passes.
pub trait Stage: Send + Sync {
    /// Where on the way it stands.
    fn slot() -> Slot
    where
        Self: Sized;

    /// Takes a packet from the network.
    fn read(&mut self, packet: TaggedPacket, ways: &mut Ways) {
        ways.up(packet);
    }

    /// Takes a packet to the network.
    fn write(&mut self, packet: TaggedPacket, ways: &mut Ways) {
        ways.down(packet);
    }

    /// It is `now`: what was to be done by then is done.
    fn wake(&mut self, _now: Instant, _ways: &mut Ways) {}

    /// When it wants to be woken.
    fn wakes(&self) -> Option<Instant> {
        None
    }

    /// A stream is sent from now on.
    fn bind_local(&mut self, _stream: &StreamInfo) {}

    /// And no more.
    fn unbind_local(&mut self, _stream: &StreamInfo) {}

    /// A stream is received from now on.
    fn bind_remote(&mut self, _stream: &StreamInfo) {}

    /// And no more.
    fn unbind_remote(&mut self, _stream: &StreamInfo) {}
}

/// What leaves a stage, in order.
#[derive(Default)]
pub struct Ways {
    up: VecDeque<TaggedPacket>,
    down: VecDeque<TaggedPacket>,
}

impl Ways {
    /// To the application.
    pub fn up(&mut self, packet: TaggedPacket) {
        self.up.push_back(packet);
    }

    /// To the network.
    pub fn down(&mut self, packet: TaggedPacket) {
        self.down.push_back(packet);
    }

    /// Something of the stage's own to the network.
    pub fn send(&mut self, now: Instant, message: AttributedPacket) {
        self.down(TaggedPacket { now, transport: Default::default(), message });
    }
}

/// A stage with its queues, for the crate.
pub struct Staged<S> {
    stage: S,
    ways: Ways,
    now: Option<Instant>,
}

impl<S: Stage> Staged<S> {
    /// Nothing waits.
    pub fn new(stage: S) -> Self {
        Self { stage, ways: Ways::default(), now: None }
    }
}

impl<S: Stage> Protocol<TaggedPacket, TaggedPacket, ()> for Staged<S> {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = rtc::shared::error::Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
        self.now = Some(packet.now);
        self.stage.read(packet, &mut self.ways);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.ways.up.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
        self.now = Some(packet.now);
        self.stage.write(packet, &mut self.ways);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.ways.down.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Self::Error> {
        self.now = Some(now);
        self.stage.wake(now, &mut self.ways);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        // What is ready leaves in the driver's next round, which is to begin at once.
        let ready = self.now.filter(|_| !self.ways.down.is_empty());
        self.stage.wakes().into_iter().chain(ready).min()
    }
}

impl<S: Stage> Interceptor for Staged<S> {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        self.stage.bind_local(info);
    }

    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        self.stage.unbind_local(info);
    }

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        self.stage.bind_remote(info);
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.stage.unbind_remote(info);
    }
}
