//! What one app takes as its microphone and plays on its speaker: each app has a sound server of
//! its own, so that nothing but the call carries sound from one to the other.

use crate::speech::{self, Sound};
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::time::Duration;
use tincan_test_support::sound::{Cable, SAMPLE_RATE, Sound as Access, SoundServer};

/// What comes after the last word: the way through the call, and the recorder's own delay.
const TAIL: Duration = Duration::from_millis(1500);
/// Speech that came through is at least so like what was said: 0.95 is common, other speech 0.45.
const RECOGNISED: f32 = 0.65;

/// A room with a microphone and a speaker that do not hear each other.
pub struct Room {
    server: SoundServer,
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
}

impl Room {
    /// Makes a room; its devices are the ones that the system would choose.
    pub fn new() -> Result<Self> {
        let server = SoundServer::start().context("while starting a sound server")?;
        let microphone = server.cable("microphone")?;
        let speaker = server.cable("speaker")?;
        server.make_default(&speaker, &microphone)?;
        Ok(Self { server, microphone, speaker })
    }

    /// What an app needs to be in it.
    pub fn env(&self) -> Vec<(String, String)> {
        self.server.env()
    }

    /// Says something into this room's microphone and listens at the other's speaker; what is
    /// heard there is also written to `file`.
    pub async fn say_to(&self, other: &Self, sound: &Sound, file: PathBuf) -> Result<Heard> {
        let (from, into) = (Access::clone(&self.server), self.microphone.clone());
        let (at, speaker) = (Access::clone(&other.server), other.speaker.clone());
        let sound = sound.clone();
        let listening = tokio::task::spawn_blocking(move || -> Result<Heard> {
            let recording = at.record(&speaker)?;
            from.play(&into, &sound.at(SAMPLE_RATE).samples)?;
            std::thread::sleep(TAIL);
            let recorded = Sound { rate: SAMPLE_RATE, samples: recording.finish()? };
            speech::write_wav(&recorded, &file)?;
            Ok(Heard {
                likeness: speech::likeness(&sound, &recorded),
                loudness_db: recorded.loudness_db(),
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
        let looped = Room { microphone: one.speaker.clone(), ..one };
        looped.say_to(&looped, &sound, file.clone()).await?.check()?;
        std::fs::remove_file(&file).map_err(Into::into)
    }
}
