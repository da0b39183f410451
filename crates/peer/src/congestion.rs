//! Congestion control in the crate's chain: our estimator behind its seam, our pacer in its slot. Both
//! decide in `tincan_media::congestion`; what they share is here.

mod told;

use crate::protection::Protecting;
use rtc::interceptor::{
    Attribute, BandwidthEstimator, Interceptor, Packet, PacketReport, Slot, StreamInfo,
    TaggedPacket,
};
use rtc::sansio::Protocol;
use rtc::shared::marshal::MarshalSize;
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tincan_media::codec::opus::Content;
use tincan_media::codec::redundancy::Redundancy;
use tincan_media::congestion::{
    Estimator, Fate, Limits, Pacer, Priority, Protection, SendBudget, VoiceForm,
};
use tincan_proto::units::Bitrate;
pub use told::{Listening, Told};

/// What IP, UDP and SRTP add to a packet, in bytes.
const AROUND: usize = 28 + 16;
/// With more than this waiting to go, pictures are not made: they would only wait, too.
const BEHIND: Duration = Duration::from_millis(60);

/// What a connection knows of its way.
#[derive(Debug)]
pub struct Congestion {
    estimator: Mutex<Estimator>,
    /// Nanoseconds until all that waits here has gone.
    backlog: AtomicU64,
    /// The source of our sound; 0 if there is none.
    sound: AtomicU32,
    /// In what form it is sent, and what decides on copies.
    voice: Mutex<(VoiceForm, Redundancy)>,
}

impl Congestion {
    /// Of a connection that has sent nothing.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            estimator: Mutex::new(Estimator::new(Limits::default())),
            backlog: AtomicU64::new(0),
            sound: AtomicU32::new(0),
            voice: Mutex::default(),
        })
    }

    /// Packets of this source never wait.
    pub fn set_sound(&self, ssrc: u32) {
        self.sound.store(ssrc, Ordering::Relaxed);
    }

    /// What may be sent.
    pub fn budget(&self) -> SendBudget {
        self.estimator().budget(Instant::now())
    }

    /// What the way carries, whatever may be sent of that.
    pub fn carried(&self) -> Bitrate {
        self.estimator().carried()
    }

    /// All together takes no more than this, whatever the way carries.
    pub fn set_most(&self, most: Option<Bitrate>) {
        self.estimator().set_most(most);
    }

    /// The other side rebuilds pictures from what we send along with them.
    pub fn protect(&self) {
        self.estimator().protect();
    }

    /// The other side said that it does.
    pub fn protects(&self) -> bool {
        self.estimator().protects()
    }

    /// What was made waits, here or in the network: more would come too late.
    pub fn is_behind(&self) -> bool {
        let backlog = Duration::from_nanos(self.backlog.load(Ordering::Relaxed));
        backlog > BEHIND || self.budget().is_full()
    }

    /// In what form our sound is sent.
    pub fn voice(&self) -> VoiceForm {
        self.voice_and_redundancy().0
    }

    /// Sound is sent in this form from now on.
    pub fn set_voice(&self, form: VoiceForm) {
        let before = std::mem::replace(&mut self.voice_and_redundancy().0, form);
        if before != form {
            tracing::debug!(copies = form.copies, packet = ?form.packet, "sound");
            self.estimator().set_voice(form);
        }
    }

    /// Decides how many copies go along with a packet of this form.
    pub fn decide_copies(
        &self,
        now: Instant,
        reported: f32,
        form: VoiceForm,
        content: Content,
    ) -> u8 {
        let available = self.budget().available;
        let copies = {
            let redundancy = &mut self.voice_and_redundancy().1;
            redundancy.step(now, reported, available, form, content)
        };
        self.set_voice(VoiceForm { copies, ..form });
        copies
    }

    fn voice_and_redundancy(&self) -> MutexGuard<'_, (VoiceForm, Redundancy)> {
        self.voice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn estimator(&self) -> MutexGuard<'_, Estimator> {
        self.estimator.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Protecting for Arc<Congestion> {
    fn protection(&self) -> Option<Protection> {
        self.estimator().protection()
    }

    fn protected(&self, pictures: usize, repairs: usize) {
        self.estimator().protected(pictures, repairs);
    }
}

/// The estimator, as the crate drives it.
pub struct Reports {
    /// What they are told to.
    pub congestion: Arc<Congestion>,
    /// What was reported.
    pub told: Arc<Told>,
}

impl BandwidthEstimator for Reports {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        let told = |report: &&PacketReport| {
            report.arrived || report.is_twcc && self.told.of(report.twcc_sequence_number)
        };
        let fates: Vec<Fate> = reports
            .iter()
            .filter(told)
            .map(|report| Fate {
                departed: report.departure,
                arrived: report.arrival.filter(|_| report.arrived),
                bytes: report.size + AROUND,
            })
            .collect();
        self.congestion.estimator().report(now, &fates);
        let sound = self.congestion.sound.load(Ordering::Relaxed);
        let redundancy = &mut self.congestion.voice_and_redundancy().1;
        for report in reports.iter().filter(told).filter(|report| report.ssrc == sound) {
            redundancy.note(!report.arrived);
        }
    }

    fn target_bitrate(&self) -> f64 {
        f64::from(self.congestion.estimator().target().bps())
    }
}

/// Lets packets go when it is their time.
pub struct Pacing {
    shared: Arc<Congestion>,
    pacer: Pacer<TaggedPacket>,
    /// Streams of what makes up for lost packets.
    protection: HashSet<u32>,
    now: Option<Instant>,
    read: VecDeque<TaggedPacket>,
    /// What does not wait.
    control: VecDeque<TaggedPacket>,
    key_frame_wanted: Box<dyn Fn() + Send + Sync>,
}

impl Pacing {
    /// Above what numbers and records what has left, below all that makes packets.
    pub fn slot() -> Slot {
        Slot::Pacer
    }

    /// Calls `key_frame_wanted` on the driver's task when pictures had to be dropped: it must return
    /// at once.
    pub fn new(
        shared: Arc<Congestion>,
        key_frame_wanted: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let pacer = {
            let estimator = shared.estimator();
            Pacer::new(estimator.target(), estimator.pace())
        };
        Self {
            shared,
            pacer,
            protection: HashSet::new(),
            now: None,
            read: VecDeque::new(),
            control: VecDeque::new(),
            key_frame_wanted: Box::new(key_frame_wanted),
        }
    }

    fn note_backlog(&mut self) {
        let nanos = self.pacer.backlog().as_nanos().min(u128::from(u64::MAX)) as u64;
        self.shared.backlog.store(nanos, Ordering::Relaxed);
        if self.pacer.take_stale() {
            (self.key_frame_wanted)();
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Pacing {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = rtc::shared::error::Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
        self.now = Some(packet.now);
        self.read.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
        self.now = Some(packet.now);
        let Packet::Rtp(rtp) = &packet.message.packet else {
            self.control.push_back(packet);
            return Ok(());
        };
        let bytes = rtp.marshal_size() + AROUND;
        let sent_again = packet.message.attributes.iter();
        let priority = if rtp.header.ssrc == self.shared.sound.load(Ordering::Relaxed) {
            Priority::Sound
        } else if sent_again.into_iter().any(|one| matches!(one, Attribute::Retransmission)) {
            Priority::Repair
        } else if self.protection.contains(&rtp.header.ssrc) {
            Priority::Protection
        } else {
            Priority::Picture
        };
        self.pacer.push(packet.now, priority, bytes, packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        if let Some(packet) = self.control.pop_front() {
            return Some(packet);
        }
        let now = self.now?;
        let packet = self.pacer.pop(now);
        self.note_backlog();
        let mut packet = packet?;
        // It leaves now, whenever it was made: what it waited here is not the network's delay.
        packet.now = now;
        if let Packet::Rtp(rtp) = &packet.message.packet {
            self.shared.estimator().send(now, rtp.marshal_size() + AROUND);
        }
        Some(packet)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Self::Error> {
        self.now = Some(now);
        let mut estimator = self.shared.estimator();
        estimator.wait(now);
        self.pacer.set_available(estimator.target(), estimator.pace());
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let silence = self.shared.estimator().next_wait();
        let packets = self.now.and_then(|now| self.pacer.next(now));
        silence.into_iter().chain(packets).min()
    }
}

impl Interceptor for Pacing {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        self.protection.extend(info.ssrc_fec);
    }

    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        if let Some(ssrc) = info.ssrc_fec {
            self.protection.remove(&ssrc);
        }
    }

    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
