//! What one app takes as its microphone and plays on its speaker: each app has a sound server of
//! its own, so that nothing but the call carries sound from one to the other.

use crate::speech::{self, Sound};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tincan_test_support::process::Owned;
use tincan_test_support::sound::{Cable, SAMPLE_RATE, Sound as Access, SoundServer, hertz, tone};

/// What comes after the last word: the way through the call, and the recorder's own delay.
const TAIL: Duration = Duration::from_millis(1500);
/// How long a tone goes on, in seconds.
const LASTING: usize = 120;
/// How long is listened for a tone.
const LISTENING: Duration = Duration::from_secs(1);
/// Speech that came through is at least so like what was said: 0.95 is common, other speech 0.45.
const RECOGNISED: f32 = 0.65;

/// What the headset's speaker is called in lists; its microphone is the monitor of the other.
pub const HEADSET: &str = "earphones";
/// The cable of the headset's microphone.
pub const HEADSET_MICROPHONE: &str = "boom";

/// A room with a microphone and a speaker that do not hear each other.
#[derive(Clone)]
pub struct Room {
    server: Arc<SoundServer>,
    microphone: Cable,
    speaker: Cable,
}

/// What was heard in a room.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// How alike it is to what was said: 1 is the same.
    pub likeness: f32,
    /// How loud its loudest moments are, in decibels below full scale.
    pub loudness_db: f32,
    /// How loud it is most of the time.
    pub usual_db: f32,
}

impl Room {
    /// Makes a room; its devices are the ones that the system would choose.
    pub fn new() -> Result<Self> {
        Self::with(|server| Ok((server.cable("microphone")?, server.cable("speaker")?)))
    }

    /// Makes a room whose microphone hears all that its speaker plays, as loudly as that plays it.
    pub fn cabled() -> Result<Self> {
        Self::with(|server| {
            let speaker = server.cable("speaker")?;
            // By way of a microphone: the speaker's own monitor is none.
            Ok((server.microphone("microphone", &speaker)?, speaker))
        })
    }

    fn with(devices: impl FnOnce(&Access) -> Result<(Cable, Cable)>) -> Result<Self> {
        let server = SoundServer::start().context("while starting a sound server")?;
        let server = Arc::new(server);
        let (microphone, speaker) = devices(&server)?;
        server.make_default(&speaker, &microphone)?;
        Ok(Self { server, microphone, speaker })
    }

    /// The same room with a headset in it, which lies beside its other devices.
    pub fn with_headset(&self) -> Result<Self> {
        let microphone = self.server.cable(HEADSET_MICROPHONE)?;
        let speaker = self.server.cable(HEADSET)?;
        Ok(Self { server: self.server.clone(), microphone, speaker })
    }

    /// Takes this room's speaker away.
    pub fn unplug_speaker(&self) -> Result<()> {
        self.server.unplug(&self.speaker)
    }

    /// Takes this room's microphone away.
    pub fn unplug_microphone(&self) -> Result<()> {
        self.server.unplug(&self.microphone)
    }

    /// How loud the loudest moments are that are heard at this room's speaker in the next while.
    pub async fn loudness_db(&self) -> Result<f32> {
        let recording = self.server.record(&self.speaker)?;
        tokio::time::sleep(LISTENING).await;
        Ok(Sound { rate: SAMPLE_RATE, samples: recording.finish()? }.loudness_db())
    }

    /// What an app needs to be in it.
    pub fn env(&self) -> Vec<(String, String)> {
        self.server.env()
    }

    /// Has a program play a tone on this room's speaker, until the handle is dropped.
    pub fn play_tone(&self, pitch: f32, file: &Path) -> Result<Owned> {
        let samples = tone(pitch).take(LASTING * SAMPLE_RATE as usize);
        let bytes: Vec<u8> = samples.flat_map(f32::to_le_bytes).collect();
        std::fs::write(file, bytes).with_context(|| format!("while writing {file:?}"))?;
        self.server.play_file(&self.speaker, file)
    }

    /// The pitch of what is heard at this room's speaker in the next while, if anything is.
    pub async fn pitch(&self) -> Result<Option<f32>> {
        let recording = self.server.record(&self.speaker)?;
        tokio::time::sleep(LISTENING).await;
        let (pitch, seconds) = hertz(&recording.finish()?);
        Ok((seconds > LISTENING.as_secs_f32() / 2.0).then_some(pitch))
    }

    /// Says something into this room's microphone and listens at the other's speaker; what is
    /// heard there is also written to `file`.
    pub async fn say_to(&self, other: &Self, sound: &Sound, file: PathBuf) -> Result<Heard> {
        self.say_and_wait(other, sound, TAIL, file).await
    }

    /// The same, and listens for as long after the last word.
    pub async fn say_and_wait(
        &self,
        other: &Self,
        sound: &Sound,
        tail: Duration,
        file: PathBuf,
    ) -> Result<Heard> {
        let (from, into) = (Access::clone(&self.server), self.microphone.clone());
        let (at, speaker) = (Access::clone(&other.server), other.speaker.clone());
        let sound = sound.clone();
        let listening = tokio::task::spawn_blocking(move || -> Result<Heard> {
            let recording = at.record(&speaker)?;
            from.play(&into, &sound.at(SAMPLE_RATE).samples)?;
            std::thread::sleep(tail);
            let recorded = Sound { rate: SAMPLE_RATE, samples: recording.finish()? };
            speech::write_wav(&recorded, &file)?;
            Ok(Heard {
                likeness: speech::likeness(&sound, &recorded),
                loudness_db: recorded.loudness_db(),
                usual_db: recorded.usual_db(),
            })
        });
        listening.await.context("while listening")?
    }
}

impl Heard {
    /// An error unless what was said came through.
    pub fn check(self) -> Result<Self> {
        ensure!(self.likeness >= RECOGNISED, "what was said did not come through: {self:?}");
        Ok(self)
    }

    /// An error unless there was silence.
    pub fn check_silence(self) -> Result<Self> {
        ensure!(self.loudness_db < -55.0, "it was not silent: {self:?}");
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The yardstick itself: what is said in one room is not heard in another, and a cable carries it.
    #[tokio::test]
    async fn only_a_connection_carries_speech_from_room_to_room() -> Result<()> {
        let (one, other) = (Room::new()?, Room::new()?);
        let file = std::env::temp_dir().join(format!("tincan-speech-{}.wav", std::process::id()));
        let sound = speech::say("One two three. Is anybody there?", "en", &file)?;
        one.say_to(&other, &sound, file.clone()).await?.check_silence()?;
        let looped = Room::cabled()?;
        looped.say_to(&looped, &sound, file.clone()).await?.check()?;
        std::fs::remove_file(&file).map_err(Into::into)
    }
}
