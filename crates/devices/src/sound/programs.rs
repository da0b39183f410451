//! The sound of other programs, as it comes out of them: what a shared window plays, or what
//! all programs but ours play. Each of their streams is recorded from the sound server by
//! itself, so that what we play ourselves, the others' voices, does not go back to them.

mod link;
mod mix;
mod whose;

use link::{Heard, Link, LinkError};
use mix::Mix;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};
use tincan_media::audio::BLOCK;
use tincan_media::pipeline::worker::{Stop, Worker};
use tincan_media::screen::ScreenSoundSink;
pub(crate) use whose::Programs;
use whose::System;

/// How often is looked for streams that begin or end.
const LOOKED: Duration = Duration::from_millis(300);
/// How long after a failure the server is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// Blocks made up for at once after a hold-up.
const CATCH_UP: u32 = 5;

/// Whether there is a sound server that can be asked.
pub(crate) fn available() -> bool {
    link::answers()
}

/// Delivers the sound of these programs in blocks, whenever they play any, until the handle is
/// dropped.
pub(crate) fn listen(programs: Programs, mut sink: ScreenSoundSink) -> Worker {
    Worker::spawn("programs' sound", move |stop| {
        while !stop.is_set() {
            let listening = Link::connect().map(|link| Listening {
                link,
                mix: Mix::default(),
                ears: BTreeMap::new(),
            });
            if let Err(error) = listening.and_then(|it| it.run(programs, &mut sink, &stop)) {
                tracing::debug!(%error, "the programs' sound is not heard");
            }
            stop.wait_until(Instant::now() + TRY_AGAIN);
        }
    })
}

/// What becomes of a stream that is to be heard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ear {
    Asked,
    Open(u32),
    /// It cannot be recorded.
    Deaf,
}

struct Listening {
    link: Link,
    mix: Mix,
    /// Streams by their numbers.
    ears: BTreeMap<u32, Ear>,
}

impl Listening {
    fn run(
        mut self,
        programs: Programs,
        sink: &mut ScreenSoundSink,
        stop: &Stop,
    ) -> Result<(), LinkError> {
        let (mut look, mut due) = (Instant::now(), Instant::now());
        while !stop.is_set() {
            let now = Instant::now();
            if now >= look {
                self.link.ask_for_streams()?;
                look = now + LOOKED;
            }
            if now > due + BLOCK * CATCH_UP {
                due = now;
            }
            while due <= now {
                due += BLOCK;
                if let Some(block) = self.mix.take() {
                    sink(&block);
                }
            }
            if let Some(heard) = self.link.hear(due)? {
                self.note(heard, programs)?;
            }
        }
        Ok(())
    }

    fn note(&mut self, heard: Heard, programs: Programs) -> Result<(), LinkError> {
        match heard {
            Heard::Streams(streams) => {
                let wanted = streams.iter().filter(|stream| programs.include(stream, &System));
                self.want(&wanted.map(|stream| stream.index).collect::<Vec<_>>())?;
            }
            Heard::Recording { stream, channel } => match self.ears.get_mut(&stream) {
                Some(ear) => *ear = Ear::Open(channel),
                None => self.link.stop_recording(channel)?,
            },
            Heard::Refused { stream } => {
                self.ears.insert(stream, Ear::Deaf);
            }
            Heard::Ended { channel } => {
                self.mix.remove(channel);
                self.ears.retain(|_, ear| *ear != Ear::Open(channel));
            }
            Heard::Sound { channel, samples } if self.is_open(channel) => {
                self.mix.add(channel, &samples);
            }
            // What comes of a recording that was stopped is not wanted any more.
            Heard::Sound { .. } => {}
        }
        Ok(())
    }

    fn is_open(&self, channel: u32) -> bool {
        self.ears.values().any(|ear| *ear == Ear::Open(channel))
    }

    fn want(&mut self, streams: &[u32]) -> Result<(), LinkError> {
        for (_, ear) in self.ears.extract_if(.., |stream, _| !streams.contains(stream)) {
            if let Ear::Open(channel) = ear {
                self.mix.remove(channel);
                self.link.stop_recording(channel)?;
            }
        }
        for &stream in streams {
            if let Entry::Vacant(ear) = self.ears.entry(stream) {
                ear.insert(Ear::Asked);
                self.link.record(stream)?;
            }
        }
        Ok(())
    }
}
