use super::super::numbered::numbered;
use super::*;
use crate::audio::BLOCK_SAMPLES;
use crate::codec::opus::{FRAME_SAMPLES, OpusDecoder, OpusSettings, PacketTime};
use crate::process::chain::ChainSettings;
use crate::process::testing::{Noise, Voice};
use std::sync::mpsc::{Receiver, channel};
use tincan_proto::units::Bitrate;

fn sending(settings: AudioSendSettings) -> (Sending, Receiver<EncodedAudio>) {
    let (packets, sent) = channel();
    let encoder = OpusEncoder::of(settings.content(), settings.opus).unwrap();
    let sink = Box::new(move |packet| _ = packets.send(packet));
    (Sending::new(Arc::default(), settings, encoder, sink), sent)
}

/// The loudest sample that somebody hears who hears nothing but these packets.
fn loudest(sent: &Receiver<EncodedAudio>) -> (usize, f32) {
    let mut decoder = OpusDecoder::new().unwrap();
    let (mut packets, mut loudest) = (0, 0f32);
    for packet in sent.try_iter() {
        let (mut pcm, mut before) = (Vec::new(), Vec::new());
        // What the packet carries of the one before it, in case that one is lost.
        let mut other = OpusDecoder::new().unwrap();
        other.recover(&packet.payload, &mut before, FRAME_SAMPLES).unwrap();
        decoder.decode(&packet.payload, &mut pcm).unwrap();
        loudest = pcm.iter().chain(&before).fold(loudest, |peak, x| peak.max(x.abs()));
        packets += 1;
    }
    (packets, loudest)
}

fn speak(sending: &mut Sending, voice: &mut Voice, blocks: usize) {
    let mut block = SILENCE;
    for _ in 0..blocks {
        voice.fill(&mut block);
        sending.take(0, &StereoBlock::both(block));
    }
}

#[test]
fn nothing_that_is_said_while_muted_is_in_any_packet() {
    for processing in [ChainSettings::NONE, ChainSettings::ALL] {
        // An odd number of blocks leaves a frame half full.
        for (before, during) in [(101, 80), (100, 81), (101, 81)] {
            let settings = AudioSendSettings { processing, ..Default::default() };
            let (mut sending, sent) = sending(settings);
            let mut voice = Voice::new(0.3);
            speak(&mut sending, &mut voice, before);
            assert!(loudest(&sent).1 > 0.1, "it was heard before");
            sending.set(AudioSendSettings { muted: true, ..settings });
            speak(&mut sending, &mut voice, during);
            assert_eq!(loudest(&sent).0, 0, "packets while muted");
            // Three blocks of the muted time still wait when the person speaks again.
            let (mut late, out) = numbered(8);
            let mut block = SILENCE;
            for _ in 0..3 {
                voice.fill(&mut block);
                late.push(StereoBlock::both(block));
            }
            sending.microphone = Some(out);
            sending.set(settings);
            while let Some((missing, block)) = sending.microphone.as_mut().unwrap().pop() {
                sending.take(missing, &block);
            }
            (0..60).for_each(|_| sending.take(0, &StereoBlock::SILENCE));
            let (packets, peak) = loudest(&sent);
            assert!(packets >= 30, "{packets} packets after unmuting");
            // The codec makes noise of its own.
            assert!(peak < 0.005, "a sample of {peak} ({before}, {during}, {processing:?})");
            speak(&mut sending, &mut voice, 100);
            assert!(loudest(&sent).1 > 0.1, "it is heard again");
        }
    }
}

#[test]
fn a_packet_that_was_in_the_making_is_not_sent_after_the_mute() {
    let settings = AudioSendSettings::default();
    let (mut sending, sent) = sending(settings);
    let mut voice = Voice::new(0.3);
    speak(&mut sending, &mut voice, 21);
    assert_eq!(sent.try_iter().count(), 10);
    // The order itself has not come to the thread yet.
    sending.shared.muted.store(true, Ordering::Release);
    speak(&mut sending, &mut voice, 1);
    assert_eq!(sent.try_iter().count(), 0);
}

#[test]
fn the_time_that_was_muted_is_part_of_the_gap() {
    let settings = AudioSendSettings::default();
    let (mut sending, sent) = sending(settings);
    let mut voice = Voice::new(0.3);
    speak(&mut sending, &mut voice, 5);
    sending.set(AudioSendSettings { muted: true, ..settings });
    speak(&mut sending, &mut voice, 7);
    sending.set(settings);
    speak(&mut sending, &mut voice, 2);
    let at: Vec<u128> = sent.try_iter().map(|packet| packet.at.as_millis()).collect();
    // Half a frame before, three and a half while muted.
    assert_eq!(at, [0, 20, 120]);
}

#[test]
fn blocks_that_are_lost_before_they_are_coded_keep_their_place() {
    let (mut sending, sent) = sending(AudioSendSettings::default());
    let mut voice = Voice::new(0.3);
    speak(&mut sending, &mut voice, 4);
    sending.take(7, &StereoBlock::SILENCE);
    speak(&mut sending, &mut voice, 1);
    let at: Vec<u128> = sent.try_iter().map(|packet| packet.at.as_millis()).collect();
    assert_eq!(at, [0, 20, 110]);
}

#[test]
fn original_sound_has_both_sides_and_no_processing() {
    let original = AudioSendSettings { original: true, ..Default::default() };
    let (mut sending, sent) = sending(AudioSendSettings::default());
    sending.take(0, &StereoBlock::SILENCE);
    sending.set(original);
    let tone = |n: usize, frequency: f32| -> AudioBlock {
        std::array::from_fn(|i| 0.3 * ((n * BLOCK_SAMPLES + i) as f32 * frequency).sin())
    };
    for n in 0..100 {
        sending.take(0, &StereoBlock { left: tone(n, 0.05), right: tone(n, 0.2) });
    }
    let mut decoder = opus::Decoder::new(48_000, opus::Channels::Stereo).unwrap();
    let mut pcm = [0.0; 2 * FRAME_SAMPLES];
    let (mut packets, mut bytes) = (0, 0);
    for packet in sent.try_iter() {
        decoder.decode_float(&packet.payload, &mut pcm, false).unwrap();
        packets += 1;
        bytes += packet.payload.len();
    }
    assert_eq!(packets, 50);
    assert!(bytes > 50 * 120, "{bytes} bytes are no 128 kbit/s");
    // Crossings of zero tell the tones apart.
    let crossings = |side: usize| {
        let samples: Vec<f32> = pcm.iter().skip(side).step_by(2).copied().collect();
        samples.windows(2).filter(|two| two[0].signum() != two[1].signum()).count()
    };
    let (left, right) = (crossings(0), crossings(1));
    assert!((12..=19).contains(&left) && (55..=67).contains(&right), "{left} and {right}");
    let level = crate::process::level::Level::of(&pcm).rms();
    assert!((level - 0.212).abs() < 0.02, "not as loud as it was: {level}");
}

#[test]
fn settings_reach_the_chain_and_original_sound_switches_it_off_for_its_time() {
    let settings = AudioSendSettings {
        processing: ChainSettings { auto_gain: false, ..ChainSettings::ALL },
        opus: OpusSettings::default(),
        ..Default::default()
    };
    let (mut sending, _sent) = sending(AudioSendSettings::default());
    sending.set(settings);
    assert_eq!(sending.chain.settings(), settings.processing);
    sending.set(AudioSendSettings { original: true, ..settings });
    assert_eq!(sending.chain.settings(), ChainSettings::NONE);
    sending.set(settings);
    assert_eq!(sending.chain.settings(), settings.processing);
}

#[test]
fn missing_blocks_do_not_shift_the_reference() {
    let processing = ChainSettings { echo_cancellation: true, ..ChainSettings::NONE };
    let (mut sending, _sent) =
        sending(AudioSendSettings { processing, muted: true, ..Default::default() });
    let (mut played, reference) = numbered(4);
    sending.reference = Some(reference);
    let mut voice = Voice::new(0.3);
    let mut air = std::collections::VecDeque::from(vec![SILENCE; 5]);
    let (mut missing, mut heard, mut left) = (0, 0.0, 0.0);
    for n in 0..700 {
        let mut block = SILENCE;
        voice.fill(&mut block);
        played.push(block);
        air.push_back(block.map(|x| 0.4 * x));
        let echo = air.pop_front().unwrap();
        // The thread is held up for 120 ms: either ring loses blocks, not the same number.
        if (500..512).contains(&n) {
            missing += 1;
            continue;
        }
        sending.take(std::mem::take(&mut missing), &StereoBlock::both(echo));
        if n >= 530 {
            heard += squares(&echo);
            left += f32::from_bits(sending.shared.level.load(Ordering::Relaxed)).powi(2) * 480.0;
        }
    }
    assert!(sending.shared.missed_reference.load(Ordering::Relaxed) >= 8);
    let residue = 10.0 * (left / heard).max(1e-9).log10();
    assert!(residue < -20.0, "{residue:.1} dB of the echo are left");
}

#[test]
fn what_accompanies_a_screen_is_sent_as_music_while_the_voice_is_muted() {
    let muted = AudioSendSettings { muted: true, ..Default::default() };
    let (mut sending, sent) = sending(muted);
    let (mut along, accompaniment) = rtrb::RingBuffer::new(8);
    sending.accompaniment = Some(accompaniment);
    sending.fit_encoder();
    assert_eq!(sending.encoder.content(), Content::Music);
    let mut voice = Voice::new(0.3);
    for _ in 0..40 {
        along.push([0.0; BLOCK_SAMPLES]).unwrap();
        speak(&mut sending, &mut voice, 1);
    }
    let (packets, peak) = loudest(&sent);
    assert_eq!(packets, 20, "it goes although the microphone is muted");
    // Music carries no copies of the packet before: what stands in for one is faint noise.
    assert!(peak < 0.01, "of the voice nothing: {peak}");

    sending.accompaniment = None;
    sending.fit_encoder();
    assert_eq!(sending.encoder.content(), Content::Voice);
    speak(&mut sending, &mut voice, 10);
    assert_eq!(loudest(&sent).0, 0);
}

/// What is heard of packets, with silence for gaps, and how many there were.
fn heard(sent: &Receiver<EncodedAudio>) -> (Vec<f32>, usize) {
    let mut decoder = OpusDecoder::new().unwrap();
    let (mut pcm, mut packets, mut first) = (Vec::new(), 0, None);
    for packet in sent.try_iter() {
        let first = *first.get_or_insert(packet.at);
        pcm.resize((packet.at - first).as_millis() as usize * 48, 0.0);
        let samples = decoder.decode(&packet.payload, &mut pcm).unwrap();
        assert_eq!(samples, packet.duration.as_millis() as usize * 48);
        packets += 1;
    }
    (pcm, packets)
}

#[test]
fn packets_become_shorter_at_once_and_longer_in_a_pause() {
    let of = |packet| OpusSettings { packet, ..OpusSettings::default() };
    let settings = |packet| AudioSendSettings { opus: of(packet), ..Default::default() };
    let (mut sending, sent) = sending(settings(PacketTime::Usual));
    let mut voice = Voice::new(0.3);
    let lengths = |sent: &Receiver<EncodedAudio>| -> Vec<u128> {
        sent.try_iter().map(|packet| packet.duration.as_millis()).collect()
    };
    speak(&mut sending, &mut voice, 60);
    lengths(&sent);
    sending.set(settings(PacketTime::Short));
    speak(&mut sending, &mut voice, 4);
    assert_eq!(lengths(&sent), [20, 10, 10]);
    sending.set(settings(PacketTime::Longest));
    speak(&mut sending, &mut voice, 50);
    assert_eq!(lengths(&sent), [10; 50], "somebody speaks");
    (0..150).for_each(|_| sending.take(0, &StereoBlock::SILENCE));
    assert_eq!(lengths(&sent).last(), Some(&60));
    sending.set(settings(PacketTime::Usual));
    sending.set(settings(PacketTime::Long));
    speak(&mut sending, &mut voice, 300);
    assert_eq!(lengths(&sent).last(), Some(&40), "at last, although somebody speaks");
}

#[test]
fn nothing_is_missing_where_packets_change_their_length() {
    let of = |packet| AudioSendSettings {
        processing: ChainSettings::NONE,
        opus: OpusSettings { packet, bitrate: Bitrate::from_kbps(64), ..OpusSettings::default() },
        ..Default::default()
    };
    let (mut sending, sent) = sending(of(PacketTime::Usual));
    let mut at = 0;
    let lengths = [PacketTime::Short, PacketTime::Longest, PacketTime::Usual, PacketTime::Long];
    for length in lengths.into_iter().cycle().take(12) {
        sending.set(of(length));
        for _ in 0..12 {
            let block = std::array::from_fn(|i| 0.3 * ((at + i) as f32 * 0.0575).sin());
            at += BLOCK_SAMPLES;
            sending.take(0, &StereoBlock::both(block));
        }
    }
    let (pcm, _) = heard(&sent);
    let rough =
        |pcm: &[f32]| pcm.windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).abs()).fold(0.0, f32::max);
    // A pure tone of this amplitude has 0.001; a click far more.
    assert!(rough(&pcm[4_800..]) < 0.01, "{}", rough(&pcm[4_800..]));
    let weakest =
        pcm[4_800..].chunks(480).map(|block| crate::process::level::Level::of(block).rms());
    let weakest = weakest.fold(1.0, f32::min);
    assert!(weakest > 0.17, "a hole: {weakest}");
}

#[test]
fn words_begin_whole_although_silence_is_left_out() {
    let said = |dtx| {
        let opus = OpusSettings { dtx, packet: PacketTime::Long, ..OpusSettings::default() };
        let (mut sending, sent) = sending(AudioSendSettings { opus, ..Default::default() });
        let (mut voice, mut noise) = (Voice::new(0.3), Noise::new(0.0005));
        let mut block = SILENCE;
        for n in 0..1600 {
            // A second and a half of room, half a second of a voice.
            match n % 200 {
                0..150 => noise.fill(&mut block),
                _ => voice.fill(&mut block),
            }
            sending.take(0, &StereoBlock::both(block));
        }
        heard(&sent)
    };
    let ((whole, all), (thrifty, fewer)) = (said(false), said(true));
    assert!(fewer < all * 6 / 10, "{fewer} of {all} packets");
    for onset in (1..8).map(|n| (n * 200 + 150) * BLOCK_SAMPLES) {
        // The encoder looks ahead by 6.5 ms.
        let energy = |pcm: &[f32]| {
            let first = pcm.iter().skip(onset).take(10 * BLOCK_SAMPLES);
            first.map(|x| x * x).sum::<f32>()
        };
        let share = energy(&thrifty) / energy(&whole);
        assert!((0.8..1.25).contains(&share), "at {onset}: {share}");
    }
}

#[test]
fn no_copy_of_what_came_before_a_mute_may_go_along_with_what_comes_after() {
    let settings = AudioSendSettings::default();
    let (mut sending, sent) = sending(settings);
    let (mut along, accompaniment) = rtrb::RingBuffer::new(4);
    sending.accompaniment = Some(accompaniment);
    sending.fit_encoder();
    let mut voice = Voice::new(0.3);
    let mut fresh = |sending: &mut Sending| -> Vec<bool> {
        for _ in 0..4 {
            along.push([0.1; BLOCK_SAMPLES]).unwrap();
            speak(sending, &mut voice, 1);
        }
        sent.try_iter().map(|packet| packet.fresh).collect()
    };
    assert_eq!(fresh(&mut sending), [true, false]);
    sending.set(AudioSendSettings { muted: true, ..settings });
    assert_eq!(fresh(&mut sending), [true, false], "while muted, what goes along is sent");
    sending.set(settings);
    assert_eq!(fresh(&mut sending), [true, false]);
}
