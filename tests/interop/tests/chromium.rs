//! Tincan and Chromium see and hear each other, whoever offers, in two calls of the same programs.

use anyhow::{Context, Result, ensure};
use std::time::Duration;
use tincan_test_support::{Call, CallOptions, Maker, Side, place};

const CONNECTED: Duration = Duration::from_secs(20);
const SEEN_AND_HEARD: Duration = Duration::from_secs(30);
const PICTURES: usize = 30;
const BEEPS: usize = 3;

#[tokio::test]
async fn tincan_and_chromium_see_and_hear_each_other_whoever_offers() -> Result<()> {
    let folder = place::output_of("interop-tests", "chromium")?;
    let mut call = Call::on_this_machine([Maker::Tincan, Maker::Chromium], &folder).await?;
    for offerer in [Side::A, Side::B] {
        a_call(&mut call, offerer).await.with_context(|| format!("{offerer:?} offers"))?;
    }
    call.quit().await
}

async fn a_call(call: &mut Call, offerer: Side) -> Result<()> {
    call.begin(&CallOptions { offerer, ..Default::default() }).await?;
    call.until("both are connected", CONNECTED, |seen| seen.iter().all(|side| side.is_connected()))
        .await?;
    call.until("both see and hear", SEEN_AND_HEARD, |seen| {
        seen.iter().all(|side| side.readable() >= PICTURES && side.beeps.len() >= BEEPS)
    })
    .await?;
    for (side, whose) in call.seen.iter().zip(["Tincan", "Chromium"]) {
        side.check_pictures().with_context(|| format!("what {whose} sees"))?;
    }

    let [tincan, chromium] = call.stats().await?;
    for (stream, codec) in [
        ("video_in", "video/H264"),
        ("video_out", "video/H264"),
        ("audio_in", "audio/opus"),
        ("audio_out", "audio/opus"),
    ] {
        ensure!(chromium[stream]["codec"] == codec, "{stream} is not {codec}: {chromium}");
    }
    let decoded = tincan["video_in"]["frames"].as_u64();
    ensure!(decoded.is_some_and(|frames| frames >= PICTURES as u64), "Tincan counts {tincan}");
    call.close().await
}
