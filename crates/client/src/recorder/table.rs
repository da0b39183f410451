//! A recording's samples as a table of comma-separated values (RFC 4180).

use super::{Recording, Sample};
use std::fmt::Display;

const COLUMNS: &str = "seconds,participant,quality,score,roundTripTime,availableOutgoingBitrate,\
sentBitrate,receivedBitrate,fractionLost,remoteFractionLost,jitter,jitterBufferDelay,concealment,\
audioLevel,ownAudioLevel,framesSent,framesReceived,sentWidth,sentHeight,receivedWidth,\
receivedHeight,targetBitrate,encodeTime,freezeCount,totalFreezesDuration,pictureDelay,soundDelay,\
remotePictureDelay,remoteSoundDelay,clockUncertainty";

impl Recording {
    /// One line for each sample, after one with the names; what was not measured is empty.
    pub fn to_csv(&self) -> String {
        let mut table = format!("{COLUMNS}\r\n");
        for sample in &self.samples {
            table.push_str(&line(sample));
            table.push_str("\r\n");
        }
        table
    }
}

fn or_empty(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn line(sample: &Sample) -> String {
    let sides = |size: Option<tincan_proto::units::Resolution>| {
        [or_empty(size.map(|size| size.width)), or_empty(size.map(|size| size.height))]
    };
    let [sent_width, sent_height] = sides(sample.sent_resolution);
    let [received_width, received_height] = sides(sample.received_resolution);
    [
        (f64::from(sample.at) / 1000.0).to_string(),
        sample.participant.to_string(),
        format!("{:?}", sample.quality).to_lowercase(),
        sample.score.to_string(),
        or_empty(sample.round_trip_time),
        or_empty(sample.available_outgoing_bitrate),
        sample.sent_bitrate.to_string(),
        sample.received_bitrate.to_string(),
        sample.fraction_lost.to_string(),
        or_empty(sample.remote_fraction_lost),
        or_empty(sample.jitter),
        or_empty(sample.jitter_buffer_delay),
        sample.concealment.to_string(),
        or_empty(sample.audio_level),
        or_empty(sample.own_audio_level),
        sample.frames_sent.to_string(),
        sample.frames_received.to_string(),
        sent_width,
        sent_height,
        received_width,
        received_height,
        or_empty(sample.target_bitrate),
        or_empty(sample.encode_time),
        sample.freeze_count.to_string(),
        sample.total_freezes_duration.to_string(),
        or_empty(sample.picture_delay),
        or_empty(sample.sound_delay),
        or_empty(sample.remote_picture_delay),
        or_empty(sample.remote_sound_delay),
        or_empty(sample.clock_uncertainty),
    ]
    .join(",")
}
