//! Sound over connections that lose packets.

use crate::proxy::Proxy;
use crate::sides::{Side, run_with};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tincan_call::{NegotiationInput, Role};
use tincan_media::audio::{BLOCK, StereoBlock};
use tincan_media::codec::opus::{Content, FRAME_SAMPLES, OpusEncoder, OpusSettings};
use tincan_media::codec::voice_rate::VoiceRate;
use tincan_media::encoded::{EncodedAudio, RtpPayload, SoundLevel};
use tincan_media::jitter::{JitterStatistics, Playout};
use tincan_peer_connection::{MediaSender, PeerOptions};
use tincan_proto::PeerMessage;

/// How long is spoken, in packets of 20 ms.
const SPOKEN: u32 = 400;
/// By then the sender knows what is lost.
const KNOWN: Duration = Duration::from_secs(3);

/// Loses this share of A's sound, and nothing else.
fn losing(share: f64) -> crate::proxy::Loss {
    let mut random = StdRng::seed_from_u64(5);
    Box::new(move |from_a, datagram| {
        // RFC 7983, section 7; RFC 5761, section 4.
        let is_rtp =
            matches!(datagram, [128..=191, kind, ..] if !(64..96).contains(&(kind & 0x7f)));
        from_a && is_rtp && random.random_bool(share)
    })
}

#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<RtpPayload>>>);

impl Ear {
    async fn side(&self, role: Role) -> Side {
        let heard = self.0.clone();
        let options = PeerOptions { video: false, ..PeerOptions::default() };
        let ear = move |packet| heard.lock().unwrap_or_else(PoisonError::into_inner).push(packet);
        Side::hearing(role, options, ear).await
    }

    fn heard(&self) -> Vec<RtpPayload> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn speak(to: [MediaSender; 2]) {
    let mut encoder = OpusEncoder::new(OpusSettings::default()).expect("an encoder");
    let mut ticks = tokio::time::interval(2 * BLOCK);
    for n in 0..SPOKEN as usize {
        ticks.tick().await;
        let at = n * FRAME_SAMPLES;
        let pcm: [f32; FRAME_SAMPLES] =
            std::array::from_fn(|i| 0.3 * ((at + i) as f32 * 0.0575).sin());
        let payload = encoder.encode(&pcm).expect("encoded").expect("no silence");
        let packet = EncodedAudio {
            payload,
            duration: 2 * BLOCK,
            level: SoundLevel { below_full: 13, voice: true },
            at: 2 * BLOCK * n as u32,
            fresh: n == 0,
            captured: Instant::now(),
        };
        for sender in &to {
            sender.send_audio(&packet);
        }
    }
}

/// Plays what came, from when the sender knows what is lost on: the counts since then.
fn played(heard: Vec<RtpPayload>) -> (JitterStatistics, JitterStatistics) {
    let start = heard.first().expect("something came").arrived;
    let end = heard.last().expect("something came").arrived;
    let mut playout = Playout::new(start).expect("a decoder");
    let mut packets = heard.into_iter().peekable();
    let (mut now, mut known) = (start, JitterStatistics::default());
    while now < end {
        while let Some(packet) = packets.next_if(|packet| packet.arrived <= now) {
            playout.push(packet);
        }
        playout.pull(now, &mut StereoBlock::SILENCE.clone());
        now += BLOCK;
        if now <= start + KNOWN {
            known = playout.statistics();
        }
    }
    (known, playout.statistics())
}

/// A call in which a fifth of A's sound is lost; messages pass through `change`.
async fn call(change: impl Fn(PeerMessage) -> PeerMessage) -> ([Side; 2], [Vec<RtpPayload>; 2]) {
    let mut proxy = Proxy::start(losing(0.2)).await;
    let ears = [Ear::default(), Ear::default()];
    let (mut a, mut b) = (ears[0].side(Role::Impolite).await, ears[1].side(Role::Polite).await);
    assert!(a.step(NegotiationInput::Needed { ice_restart: false }).is_empty());
    let pass = |from_a, message| proxy.redirect(from_a, change(message));
    run_with(pass, &mut a, &mut b, |a, b| a.connected > 0 && b.connected > 0).await;
    speak([a.peer.media(), b.peer.media()]).await;
    let heard = ears.map(|ear| ear.heard());
    ([a, b], heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_that_is_lost_comes_with_the_next_packets() {
    let ([a, b], [heard_by_a, heard_by_b]) = call(|message| message).await;
    assert!(
        heard_by_b.iter().all(|packet| {
            packet.sound.level == Some(SoundLevel { below_full: 13, voice: true })
        })
    );
    let (known, all) = played(heard_by_b);
    let (lost, came) = (all.lost - known.lost, all.packets - known.packets);
    let share = lost as f64 / (lost + came) as f64;
    assert!((0.1..0.3).contains(&share), "{lost} lost, {came} came");
    let concealed = (all.concealed_samples - known.concealed_samples) as f64;
    let concealed = concealed / (all.samples - known.samples) as f64;
    assert!(concealed < 0.04, "{concealed} made up, {share} lost: {all:?}");
    assert!(all.restored - known.restored > lost * 7 / 10, "{all:?}");

    // The other way, nothing is lost and nothing is sent twice.
    assert!(heard_by_a.iter().all(|packet| packet.sound.earlier.is_empty()));
    assert_eq!(b.peer.media().voice_way().map(|way| way.copies), Some(0));
    assert_eq!(b.peer.stats().await.audio_redundant_sent, 0);

    let way = a.peer.media().voice_way().expect("it is not cut");
    assert!(way.copies == 2 && way.loss > 0.05, "{way:?}");
    assert!(a.peer.stats().await.audio_redundant_sent > u64::from(SPOKEN) / 2);
    let mut rate = VoiceRate::default();
    let settings = rate.step(Instant::now(), &[way], false, Content::Voice);
    assert!(settings.bitrate.bps() <= 32_000, "{settings:?}");
}

/// As a version describes itself that knows nothing of copies.
fn without_copies(message: PeerMessage) -> PeerMessage {
    let PeerMessage::Description(mut description) = message else { return message };
    let lines = description.sdp.lines().filter(|line| {
        !["rtpmap", "fmtp", "rtcp-fb"].iter().any(|name| line.starts_with(&format!("a={name}:63 ")))
    });
    let lines = lines.map(|line| match line.strip_prefix("m=audio ") {
        Some(rest) => format!("m=audio {}\r\n", rest.replacen(" 63", "", 1)),
        None => format!("{line}\r\n"),
    });
    description.sdp = lines.collect();
    PeerMessage::Description(description)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_knows_nothing_of_copies_gets_none() {
    let ([a, _b], [_, heard_by_b]) = call(without_copies).await;
    assert!(heard_by_b.len() > SPOKEN as usize / 2);
    assert!(heard_by_b.iter().all(|packet| packet.sound.earlier.is_empty()));
    let way = a.peer.media().voice_way().expect("it is not cut");
    assert!(way.copies == 0 && way.loss > 0.05, "{way:?}");
    let mut rate = VoiceRate::default();
    let settings = rate.step(Instant::now(), &[way], false, Content::Voice);
    assert!(settings.expected_loss >= 10, "the codec's own copies: {settings:?}");
}
