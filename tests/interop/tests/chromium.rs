//! Tincan and Chromium see and hear each other, whoever offers, in two calls of the same programs.

use anyhow::{Context, Result, ensure};
use std::time::Duration;
use tincan_interop_tests::{Meeting, Offerer};
use tincan_test_support::place;

const CONNECTED: Duration = Duration::from_secs(20);
const SEEN_AND_HEARD: Duration = Duration::from_secs(30);
const PICTURES: usize = 30;
const BEEPS: usize = 3;

#[tokio::test]
async fn tincan_and_chromium_see_and_hear_each_other_whoever_offers() -> Result<()> {
    let folder = place::output_of("interop-tests", "chromium")?;
    let mut meeting = Meeting::start(&folder).await?;
    for offerer in [Offerer::Tincan, Offerer::Chromium] {
        a_call(&mut meeting, offerer).await.with_context(|| format!("{offerer:?} offers"))?;
    }
    meeting.quit().await
}

async fn a_call(meeting: &mut Meeting, offerer: Offerer) -> Result<()> {
    meeting.begin(offerer).await?;
    meeting
        .until("both are connected", CONNECTED, |tincan, chromium| {
            tincan.is_connected() && chromium.is_connected()
        })
        .await?;
    meeting
        .until("both see and hear", SEEN_AND_HEARD, |tincan, chromium| {
            [tincan, chromium]
                .iter()
                .all(|side| side.readable() >= PICTURES && side.beeps.len() >= BEEPS)
        })
        .await?;
    meeting.tincan.check_pictures().context("what Tincan sees")?;
    meeting.chromium.check_pictures().context("what Chromium sees")?;

    let stats = meeting.chromium_stats().await?;
    for (stream, codec) in [
        ("inbound-rtp/video", "video/H264"),
        ("outbound-rtp/video", "video/H264"),
        ("inbound-rtp/audio", "audio/opus"),
        ("outbound-rtp/audio", "audio/opus"),
    ] {
        ensure!(stats[stream]["codec"] == codec, "{stream} is not {codec}: {stats}");
    }
    let stats = meeting.tincan_stats().await?;
    let decoded = stats["video_in"]["frames"].as_u64();
    ensure!(decoded.is_some_and(|frames| frames >= PICTURES as u64), "Tincan counts {stats}");
    meeting.close().await
}
