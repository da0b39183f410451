use super::*;
use crate::codec::annex_b::{NalType, nal_units};
use crate::frame::VideoFrame;
use crate::synthetic::picture::{Picture, Stamp, Style, read_stamp};
use std::time::Instant;
use tincan_proto::units::{Bitrate, FrameRate, Resolution};

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares.max(1e-9)).log10()
}

fn settings(kbps: u32) -> EncoderSettings {
    EncoderSettings { bitrate: Bitrate::from_kbps(kbps), ..EncoderSettings::default() }
}

#[test]
fn pictures_survive_the_codec_with_their_stamp() {
    let mut picture = Picture::new(Resolution::VGA, Style::Grey).unwrap();
    let mut encoder = H264Encoder::new(settings(1_500)).unwrap();
    let mut decoder = H264Decoder::new().unwrap();
    let mut worst = f64::MAX;
    for n in 0..60 {
        let stamp = Stamp::from_unix_millis(1_000_000 + n * 33);
        let frame = picture.paint(n, stamp);
        let coded = encoder.encode(&frame, false).unwrap().expect("skipping is off");
        assert_eq!(coded.key, n == 0, "only the first picture is a key frame");
        let shown = decoder.decode(&coded.annex_b).unwrap().expect("one picture in, one out");
        assert_eq!(read_stamp(shown.y(), shown.resolution()), Some(stamp));
        worst = worst.min(psnr(frame.y(), shown.y()));
    }
    assert!(worst > 27.0, "worst picture {worst:.1} dB");
}

#[test]
fn a_requested_key_frame_carries_its_parameter_sets() {
    let mut picture = Picture::new(Resolution::new(320, 240), Style::Grey).unwrap();
    let mut encoder = H264Encoder::new(settings(500)).unwrap();
    for n in 0..6 {
        let frame = picture.paint(n, Stamp::from_unix_millis(n));
        let coded = encoder.encode(&frame, n == 4).unwrap().unwrap();
        let types: Vec<_> = nal_units(&coded.annex_b).map(NalType::of).collect();
        if n == 0 || n == 4 {
            assert!(coded.key);
            assert_eq!(types, [NalType::Sps, NalType::Pps, NalType::Idr]);
        } else {
            assert_eq!(types, [NalType::Slice]);
        }
    }
}

#[test]
fn a_decoder_fails_after_a_missing_picture_until_the_next_key_frame() {
    let mut picture = Picture::new(Resolution::new(320, 240), Style::Grey).unwrap();
    let mut encoder = H264Encoder::new(settings(500)).unwrap();
    let mut decoder = H264Decoder::new().unwrap();
    let mut shown = Vec::new();
    for n in 0..12 {
        let frame = picture.paint(n, Stamp::from_unix_millis(n));
        let coded = encoder.encode(&frame, n == 9).unwrap().unwrap();
        if n != 5 && matches!(decoder.decode(&coded.annex_b), Ok(Some(_))) {
            shown.push(n);
        }
    }
    assert_eq!(shown, [0, 1, 2, 3, 4, 9, 10, 11]);
}

#[test]
fn the_bit_rate_follows_up_and_down_and_over_a_change_of_size() {
    let sizes = [Resolution::VGA, Resolution::new(320, 240)];
    let mut pictures = sizes.map(|size| Picture::new(size, Style::Grey).unwrap());
    let mut encoder = H264Encoder::new(settings(600)).unwrap();
    let mut n = 0;
    let mut rate_of = |encoder: &mut H264Encoder, size: usize| {
        let mut bytes = 0;
        for i in 0..60 {
            n += 1;
            let stamp = Stamp::from_unix_millis(n * 33);
            let captured = Instant::now() + FrameRate::from_fps(30).interval() * n as u32;
            let frame = pictures[size].paint(n, stamp).at(captured);
            let coded = encoder.encode(&frame, false).unwrap().unwrap();
            if i >= 30 {
                bytes += coded.annex_b.len();
            }
        }
        bytes * 8 / 1000
    };
    let near = |got: usize, want: usize| {
        assert!(got * 10 > want * 7 && got * 10 < want * 14, "{got} kbit/s, not {want}");
    };
    near(rate_of(&mut encoder, 0), 600);
    encoder.set_bitrate(Bitrate::from_kbps(2_500)).unwrap();
    near(rate_of(&mut encoder, 0), 2_500);
    encoder.set_bitrate(Bitrate::from_kbps(500)).unwrap();
    near(rate_of(&mut encoder, 0), 500);
    near(rate_of(&mut encoder, 1), 500);
    encoder.set_bitrate(Bitrate::from_kbps(1_000)).unwrap();
    near(rate_of(&mut encoder, 1), 1_000);
}

#[test]
fn a_change_of_size_begins_with_a_key_frame_that_the_decoder_follows() {
    let mut encoder = H264Encoder::new(settings(800)).unwrap();
    let mut decoder = H264Decoder::new().unwrap();
    for (width, height) in [(320, 240), (640, 480), (322, 178), (320, 240)] {
        let size = Resolution::new(width, height);
        let mut picture = Picture::new(size, Style::Colour).unwrap();
        for n in 0..3 {
            let frame: VideoFrame = picture.paint(n, Stamp::from_unix_millis(n));
            let coded = encoder.encode(&frame, false).unwrap().unwrap();
            assert_eq!((coded.key, coded.resolution), (n == 0, size));
            let shown = decoder.decode(&coded.annex_b).unwrap().unwrap();
            assert_eq!(shown.resolution(), size);
        }
    }
}

#[test]
fn random_bytes_never_break_the_decoder() {
    use rand::{Rng, SeedableRng, rngs::StdRng};
    let mut picture = Picture::new(Resolution::new(160, 120), Style::Grey).unwrap();
    let mut encoder = H264Encoder::new(settings(300)).unwrap();
    let mut decoder = H264Decoder::new().unwrap();
    let mut rng = StdRng::seed_from_u64(7);
    for n in 0..300 {
        let frame = picture.paint(n, Stamp::from_unix_millis(n));
        let mut bytes = encoder.encode(&frame, n % 10 == 0).unwrap().unwrap().annex_b.to_vec();
        for _ in 0..rng.random_range(0..8) {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = rng.random();
        }
        bytes.truncate(rng.random_range(0..=bytes.len()));
        let _ = decoder.decode(&bytes);
    }
}

/// Rows of letter-like strokes, dark on bright, moved up by some lines.
fn text_page(size: Resolution, up: usize) -> VideoFrame {
    VideoFrame::paint(size, Instant::now(), |planes| {
        let (y, uv) = planes.split_at_mut(size.area());
        uv.fill(128);
        for (line, row) in y.chunks_exact_mut(size.width as usize).enumerate() {
            let line = line + up;
            for (x, pixel) in row.iter_mut().enumerate() {
                // Each letter of seven by thirteen is one of many, by its place on the page.
                let letter = (x / 7 * 31 + line / 13 * 17) * 2_654_435_761;
                let stroke = letter >> (x % 7 * 3 + line % 13 * 2) & 3 == 0;
                *pixel = if stroke && x % 7 != 0 && line % 13 > 1 { 30 } else { 230 };
            }
        }
    })
    .unwrap()
}

#[test]
fn text_stays_legible_on_a_screen_that_scrolls_and_changes_its_size() {
    let mut encoder =
        H264Encoder::new(EncoderSettings { content: Content::Screen, ..settings(1_500) }).unwrap();
    let mut decoder = H264Decoder::new().unwrap();
    for size in [Resolution::new(1280, 720), Resolution::new(800, 600)] {
        let mut illegible = 1.0;
        for n in 0..24 {
            // It scrolls at first and then stands still, which is when it is read.
            let frame = text_page(size, n.min(8) * 13);
            let coded = encoder.encode(&frame, false).unwrap().expect("skipping is off");
            assert_eq!(coded.key, n == 0, "a new size begins with a key frame");
            let shown = decoder.decode(&coded.annex_b).unwrap().expect("one in, one out");
            assert_eq!(shown.resolution(), size);
            let pixels = frame.y().iter().zip(shown.y());
            let wrong = pixels.filter(|(a, b)| (**a < 130) != (**b < 130)).count();
            illegible = wrong as f64 / size.area() as f64;
        }
        assert!(illegible < 1e-3, "{size}: {:.3} % of ink and paper mixed up", illegible * 1e2);
    }
}
