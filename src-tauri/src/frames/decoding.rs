//! Decodes a tile for viewers that cannot: one thread per tile, as long as somebody needs it.

use super::queue::Queue;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use tincan_client::ports::TilePicture;
use tincan_media::codec::h264::H264Decoder;

/// Pictures that wait for the decoder; when it is full they are dropped up to a key frame.
const WAITING: usize = 8;

type Job = (TilePicture, Vec<Arc<Queue>>);

/// A decoder thread. Dropping it ends the thread after the picture in hand.
pub struct Decoding {
    jobs: SyncSender<Job>,
    needs_key: Arc<AtomicBool>,
}

impl Decoding {
    /// Starts a thread.
    pub fn start() -> Self {
        let (jobs, queue) = sync_channel(WAITING);
        let needs_key = Arc::new(AtomicBool::new(true));
        let broken = needs_key.clone();
        let started = thread::Builder::new()
            .name("tile-decoder".into())
            .spawn(move || decode(&queue, &broken));
        if let Err(error) = started {
            tracing::error!(%error, "no thread to decode pictures for a window");
        }
        Self { jobs, needs_key }
    }

    /// Decodes a picture for `viewers`; true if a key frame is needed to go on.
    pub fn put(&self, picture: TilePicture, viewers: Vec<Arc<Queue>>) -> bool {
        if self.needs_key.load(Ordering::Acquire) && !picture.key {
            return true;
        }
        let taken = self.jobs.try_send((picture, viewers)).is_ok();
        self.needs_key.store(!taken, Ordering::Release);
        !taken
    }
}

fn decode(jobs: &Receiver<Job>, broken: &AtomicBool) {
    let mut decoder = match H264Decoder::new() {
        Ok(decoder) => decoder,
        Err(error) => {
            tracing::error!(%error, "no decoder for a window");
            return;
        }
    };
    while let Ok((picture, viewers)) = jobs.recv() {
        match decoder.decode(&picture.annex_b) {
            Ok(Some(frame)) => viewers.iter().for_each(|viewer| viewer.put_decoded(frame.clone())),
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, "a picture for a window could not be decoded");
                broken.store(true, Ordering::Release);
            }
        }
    }
}
