//! What is sent of sound: beeps, or speech when it is asked for.

use super::protocol::AudioLine;
use anyhow::{Context, bail};
use std::path::Path;
use tincan_media::pipeline::audio_send::{AudioSendPipeline, AudioSendSettings};
use tincan_media::process::chain::ChainSettings;
use tincan_media::synthetic::clip::ClipMicrophone;
use tincan_media::synthetic::tone::BeepMicrophone;
use tincan_peer_connection::MediaSender;

/// The sound that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// A beep each second.
    Beep,
    /// A quiet room, in which something is said when it is asked for.
    Clip,
}

impl Voice {
    /// As `init` names it.
    pub fn named(line: Option<&AudioLine>) -> anyhow::Result<Option<Self>> {
        Ok(match line {
            Some(AudioLine::Named(name)) if name == "beep" => Some(Self::Beep),
            Some(AudioLine::Named(name)) if name == "clip" => Some(Self::Clip),
            Some(AudioLine::Named(name)) => bail!("there is no sound source called {name}"),
            Some(AudioLine::Switch(true)) => bail!("name the sound source: beep or clip"),
            Some(AudioLine::Switch(false)) | None => None,
        })
    }
}

enum Microphone {
    Beep { _running: BeepMicrophone },
    Clip(ClipMicrophone),
}

/// A microphone that is not there, and what codes its sound. Nothing of it is processed, since it
/// is not heard by way of a room.
pub struct Speaking {
    // Ends before what it delivers to.
    microphone: Microphone,
    pipeline: AudioSendPipeline,
}

impl Speaking {
    /// Starts sending.
    pub fn start(voice: Voice, media: MediaSender) -> anyhow::Result<Self> {
        let settings = AudioSendSettings { processing: ChainSettings::NONE, ..Default::default() };
        let pipeline = AudioSendPipeline::start(
            settings,
            Box::new(move |packet| {
                media.send_audio(&packet);
            }),
        )
        .context("while starting the sound encoder")?;
        let sink = pipeline.microphone();
        let microphone = match voice {
            Voice::Beep => Microphone::Beep { _running: BeepMicrophone::start(sink) },
            Voice::Clip => Microphone::Clip(ClipMicrophone::start(sink)),
        };
        Ok(Self { microphone, pipeline })
    }

    /// Codes the sound.
    pub const fn pipeline(&self) -> &AudioSendPipeline {
        &self.pipeline
    }

    /// Says what is in a file.
    pub fn say(&self, file: &Path) -> anyhow::Result<()> {
        let Microphone::Clip(clip) = &self.microphone else {
            bail!("only the sound source `clip` says something");
        };
        let bytes = std::fs::read(file).with_context(|| format!("while reading {file:?}"))?;
        let sample = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        clip.say(bytes.chunks_exact(4).map(sample).collect());
        Ok(())
    }

    /// When the first sample of that was said, in milliseconds since the Unix epoch.
    pub fn begun(&self) -> Option<f64> {
        match &self.microphone {
            Microphone::Beep { .. } => None,
            Microphone::Clip(clip) => clip.begun(),
        }
    }
}
