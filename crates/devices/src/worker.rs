//! A thread that is asked the same question again and again, and may hang or die of it:
//! asking takes bounded time, whatever the system below does.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Questions that may wait while one is being answered. When full, the worker hangs, and a
/// further question is answered with nothing at once.
const QUEUE: usize = 8;

struct Question<T> {
    max_age: Duration,
    reply: SyncSender<T>,
}

/// Answers by calling a function on one thread, which is started when first needed and
/// again when it panicked.
pub(crate) struct Worker<T> {
    name: &'static str,
    make: fn() -> Box<dyn FnMut() -> T>,
    questions: Mutex<Option<SyncSender<Question<T>>>>,
}

impl<T: Clone + Send + 'static> Worker<T> {
    /// `make` runs on the worker's thread, so that what it keeps need not be `Send`.
    pub(crate) fn new(name: &'static str, make: fn() -> Box<dyn FnMut() -> T>) -> Self {
        Self { name, make, questions: Mutex::new(None) }
    }

    /// Asks and waits at most `patience`. `None`: it did not answer.
    pub(crate) fn ask(&self, patience: Duration) -> Option<T> {
        self.request(Duration::ZERO)?.recv_timeout(patience).ok()
    }

    /// Asks without waiting; an answer not older than `max_age` will do.
    pub(crate) fn request(&self, max_age: Duration) -> Option<Receiver<T>> {
        let mut slot = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        let (reply, answer) = sync_channel(1);
        let mut question = Question { max_age, reply };
        for _ in 0..2 {
            if slot.is_none() {
                *slot = self.start();
            }
            match slot.as_ref()?.try_send(question) {
                Ok(()) => return Some(answer),
                Err(TrySendError::Full(_)) => {
                    tracing::warn!(worker = self.name, "does not answer");
                    return None;
                }
                Err(TrySendError::Disconnected(unasked)) => {
                    *slot = None;
                    question = unasked;
                }
            }
        }
        None
    }

    fn start(&self) -> Option<SyncSender<Question<T>>> {
        let (questions, asked) = sync_channel::<Question<T>>(QUEUE);
        let make = self.make;
        std::thread::Builder::new()
            .name(self.name.into())
            .spawn(move || {
                let mut look = make();
                let mut last: Option<(Instant, T)> = None;
                for question in asked {
                    let fresh = last.take().filter(|(when, _)| when.elapsed() < question.max_age);
                    let (when, answer) = fresh.unwrap_or_else(|| (Instant::now(), look()));
                    // A questioner whose patience ended is no fault of the answer.
                    let _ = question.reply.try_send(answer.clone());
                    last = Some((when, answer));
                }
            })
            .inspect_err(|error| tracing::error!(worker = self.name, %error, "cannot start"))
            .ok()?;
        Some(questions)
    }
}

/// What came of a request so far.
pub(crate) enum Answer<T> {
    /// Nothing yet.
    Waiting,
    /// There will be none.
    Gone,
    /// This.
    Here(T),
}

/// Looks whether the answer is there, without waiting.
pub(crate) fn poll<T>(answer: &Receiver<T>) -> Answer<T> {
    match answer.recv_timeout(Duration::ZERO) {
        Ok(value) => Answer::Here(value),
        Err(RecvTimeoutError::Timeout) => Answer::Waiting,
        Err(RecvTimeoutError::Disconnected) => Answer::Gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn an_answer_is_repeated_only_while_it_is_fresh() {
        let worker = Worker::new("counts", || {
            let mut count = 0;
            Box::new(move || {
                count += 1;
                count
            })
        });
        assert_eq!(worker.ask(Duration::from_secs(5)), Some(1));
        let again = worker.request(Duration::from_secs(60)).unwrap();
        assert_eq!(again.recv_timeout(Duration::from_secs(5)), Ok(1));
        assert_eq!(worker.ask(Duration::from_secs(5)), Some(2));
    }

    #[test]
    fn a_worker_that_panicked_is_started_again() {
        static ROUNDS: AtomicU32 = AtomicU32::new(0);
        let worker = Worker::new("panics once", || {
            Box::new(|| {
                assert_ne!(ROUNDS.fetch_add(1, Ordering::SeqCst), 0, "meant to fail");
                7
            })
        });
        assert_eq!(worker.ask(Duration::from_secs(5)), None);
        // The panicking thread closes its queue while it unwinds: a question may slip in before.
        let answer = (0..3).find_map(|_| worker.ask(Duration::from_secs(5)));
        assert_eq!(answer, Some(7));
    }

    #[test]
    fn asking_a_worker_that_hangs_takes_bounded_time() {
        let worker = Worker::new("hangs", || {
            Box::new(|| {
                loop {
                    std::thread::park();
                }
            })
        });
        let begun = Instant::now();
        for _ in 0..3 * QUEUE {
            let answer: Option<()> = worker.ask(Duration::from_millis(5));
            assert_eq!(answer, None);
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
