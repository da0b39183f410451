use super::*;
use bytes::Bytes;
use std::sync::mpsc::channel;

const SSRC: u32 = 5;
const SOUND: u32 = 6;
const FRAME: Duration = Duration::from_millis(20);
const TICKS: u32 = 1800;
const PICTURES: u32 = 60;
/// Sound is played so long after it was taken.
const BEHIND: Duration = Duration::from_millis(150);

/// A key frame in one packet, as far as the assembler looks: parameter sets and a slice.
fn picture(n: u32, arrived: Instant) -> RtpPayload {
    let payload = Bytes::from_static(&[24, 0, 2, 0x67, 1, 0, 2, 0x68, 1, 0, 2, 0x65, 1]);
    let timestamp = n * TICKS;
    RtpPayload {
        sequence: n as u16,
        timestamp,
        marker: true,
        ssrc: SSRC,
        payload,
        arrived,
        sound: Default::default(),
    }
}

/// How long pictures waited on average with this way of telling the sender's clocks.
fn waited(tell: impl Fn(&VideoReceivePipeline, &SoundClock)) -> Duration {
    let (out, shown) = channel();
    let sinks =
        VideoReceiveSinks { coded: Box::new(move |_| _ = out.send(())), ..Default::default() };
    let pipeline = VideoReceivePipeline::start(Delivery::Coded, sinks).unwrap();
    let sound = SoundClock::default();
    pipeline.follow(sound.clone());
    tell(&pipeline, &sound);
    let start = Instant::now();
    for n in 0..PICTURES {
        let taken = start + FRAME * n;
        std::thread::sleep(taken.saturating_duration_since(Instant::now()));
        sound.play(SOUND, n * 960, taken + BEHIND);
        pipeline.push(picture(n, Instant::now()));
    }
    for _ in 0..PICTURES {
        shown.recv_timeout(Duration::from_secs(20)).expect("every picture is shown");
    }
    let VideoReceiveStatistics { emitted, jitter_buffer_delay, .. } = pipeline.statistics();
    jitter_buffer_delay / u32::try_from(emitted.max(1)).unwrap()
}

#[test]
fn pictures_wait_for_their_sound_once_both_clocks_are_known() {
    let wall = Duration::from_secs(100);
    let alone = waited(|_, _| {});
    let together = waited(|pipeline, sound| {
        let report = |ssrc| SenderReport { ssrc, timestamp: 0, wall };
        pipeline.report(report(SSRC));
        sound.report(report(SOUND));
    });
    // In step would be 105 ms in the end; a busy machine makes both later.
    assert!(together > alone + Duration::from_millis(30), "{together:?} against {alone:?}");
}
