use super::*;

fn convert(pixels: Pixels, width: u32, height: u32, bytes: &[u8]) -> Option<VideoFrame> {
    Converter::new(pixels, Resolution::new(width, height)).convert(bytes, Instant::now())
}

/// Y = 10 x + y, U = 100 + x, V = 200 + y, for chroma at even places.
fn y(x: usize, row: usize) -> u8 {
    (10 * x + row) as u8
}

#[test]
fn yuyv_keeps_brightness_and_halves_colour() {
    let (width, height) = (4, 2);
    let mut bytes = Vec::new();
    for row in 0..height {
        for x in (0..width).step_by(2) {
            bytes.extend([y(x, row), 100 + x as u8, y(x + 1, row), 200]);
        }
    }
    let frame = convert(Pixels::Yuyv, 4, 2, &bytes).unwrap();
    assert_eq!(frame.y(), [0, 10, 20, 30, 1, 11, 21, 31]);
    assert_eq!(frame.u(), [100, 102]);
    assert_eq!(frame.v(), [200, 200]);
}

#[test]
fn nv12_is_untangled_and_what_a_driver_appends_is_left_out() {
    let mut bytes: Vec<u8> = (0..8).collect();
    bytes.extend([100, 200, 102, 202, 77, 77, 77]);
    let frame = convert(Pixels::Nv12, 4, 2, &bytes).unwrap();
    assert_eq!(frame.y(), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!((frame.u(), frame.v()), (&[100, 102][..], &[200, 202][..]));
}

#[test]
fn odd_sizes_lose_their_last_row_and_column() {
    let bytes: Vec<u8> = (0..15).chain([100, 200, 101, 201, 102, 202]).collect();
    let frame = convert(Pixels::Nv12, 5, 3, &bytes).unwrap();
    assert_eq!(frame.resolution(), Resolution::new(4, 2));
    assert_eq!(frame.y(), [0, 1, 2, 3, 5, 6, 7, 8]);
    assert_eq!((frame.u(), frame.v()), (&[100, 101][..], &[200, 201][..]));

    let yuyv: Vec<u8> = (0..3).flat_map(|row| [row, 90, row, 91].repeat(3)).collect();
    let frame = convert(Pixels::Yuyv, 5, 3, &yuyv).unwrap();
    assert_eq!(frame.y(), [0, 0, 0, 0, 1, 1, 1, 1]);
    assert_eq!((frame.u(), frame.v()), (&[90, 90][..], &[91, 91][..]));
}

#[test]
fn torn_pictures_are_dropped_and_counted() {
    for (pixels, bytes) in [
        (Pixels::Yuyv, vec![0; 4 * 2 * 2 - 1]),
        (Pixels::Nv12, vec![0; 4 * 2 * 3 / 2 - 1]),
        (Pixels::Mjpeg, vec![0xff, 0xd8, 0xff, 0xdb, 0, 3]),
        (Pixels::Mjpeg, Vec::new()),
    ] {
        let mut converter = Converter::new(pixels, Resolution::new(4, 2));
        assert!(converter.convert(&bytes, Instant::now()).is_none());
        assert_eq!(converter.unreadable(), 1);
    }
}

#[test]
fn a_jpeg_comes_out_in_the_limited_range() {
    // 16x16, 4:2:2 as cameras send it: left half white, right half black.
    let bytes = include_bytes!("halves.jpg");
    let frame = convert(Pixels::Mjpeg, 16, 16, bytes).unwrap();
    for row in frame.y().chunks_exact(16) {
        assert!(row[1].abs_diff(235) <= 3, "white is 235, not {}", row[1]);
        assert!(row[14].abs_diff(16) <= 3, "black is 16, not {}", row[14]);
    }
    assert!(frame.u().iter().chain(frame.v()).all(|c| c.abs_diff(128) <= 2));
}

#[test]
fn a_jpeg_of_another_size_is_no_picture_of_this_camera() {
    assert!(convert(Pixels::Mjpeg, 32, 16, include_bytes!("halves.jpg")).is_none());
    assert!(convert(Pixels::Mjpeg, 8, 8, include_bytes!("halves.jpg")).is_none());
}

#[test]
fn colours_of_a_jpeg_keep_their_direction() {
    // 16x16, all of it pure red: BT.601 limited range (81, 90, 240).
    let frame = convert(Pixels::Mjpeg, 16, 16, include_bytes!("red.jpg")).unwrap();
    assert!(frame.y().iter().all(|it| it.abs_diff(81) <= 3));
    assert!(frame.u().iter().all(|it| it.abs_diff(90) <= 3));
    assert!(frame.v().iter().all(|it| it.abs_diff(240) <= 3));
}
