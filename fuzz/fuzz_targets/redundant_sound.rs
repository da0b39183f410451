//! Redundant packets of sound, which come from the other side of a call.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tincan_media::rtp::red::{build, parse};

const OPUS: u8 = 111;

fuzz_target!(|bytes: &[u8]| {
    let Some(redundant) = parse(&bytes.to_vec().into(), OPUS) else { return };
    let copies = redundant.earlier.iter().map(|copy| copy.payload.len()).sum::<usize>();
    assert!(copies + redundant.payload.len() < bytes.len());
    let again = build(OPUS, &redundant.payload, &redundant.earlier, usize::MAX);
    let again = parse(&again, OPUS).expect("it was made here");
    assert_eq!(again.payload, redundant.payload);
});
