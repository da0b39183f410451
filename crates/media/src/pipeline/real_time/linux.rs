//! By the kernel where the person may, else by whoever is named as the one to ask.

use super::{Asker, MOST, Priority};
use std::io::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};

/// Above ordinary threads, below those of the sound server (rtkit's and PipeWire's are 20 and 88).
const PRIORITY: Priority = 10;

static ASKER: OnceLock<Asker> = OnceLock::new();

/// The system's name of a thread.
pub type ThreadId = libc::pid_t;

/// The calling thread. May be asked in an audio callback.
pub fn this_thread() -> ThreadId {
    // SAFETY: it has no conditions.
    unsafe { libc::gettid() }
}

/// From now on `asker` is asked where the kernel refuses.
pub fn ask_by(asker: Asker) {
    // The first one stays.
    let _ = ASKER.set(asker);
}

/// Asks for real-time priority for a thread of this process. Returns whether it was granted. A
/// refusal is logged once, and nobody is asked again.
pub fn hurry(thread: ThreadId) -> bool {
    static REFUSED: AtomicBool = AtomicBool::new(false);
    if let Err(error) = bound() {
        tracing::debug!(%error, "real-time threads cannot be bounded, so there are none");
        return false;
    }
    let Err(refused) = schedule(thread) else { return true };
    if REFUSED.load(Ordering::Relaxed) {
        return false;
    }
    let nobody = || Err("there is nobody to ask".to_owned());
    match ASKER.get().map_or_else(nobody, |ask| ask(thread, PRIORITY)) {
        Ok(()) => true,
        Err(error) => {
            if !REFUSED.swap(true, Ordering::Relaxed) {
                tracing::debug!(%refused, %error, "sound has no real-time priority");
            }
            false
        }
    }
}

fn schedule(thread: ThreadId) -> Result<(), Error> {
    let parameters = libc::sched_param { sched_priority: PRIORITY.cast_signed() };
    // Threads and programs that a thread of sound starts are ordinary ones.
    let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the parameters live through the call.
    match unsafe { libc::sched_setscheduler(thread, policy, &raw const parameters) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}

/// Sees to it that a real-time thread that does not pause becomes an ordinary one.
fn bound() -> Result<(), Error> {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        // SAFETY: an action of zeros is a valid one, and the handler is safe in signals.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = put_back as *const () as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(libc::SIGXCPU, &raw const action, std::ptr::null_mut());
        }
    });
    // SAFETY: nothing is asked of the caller.
    if unsafe { limit() } == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// Sets the limits, which the kernel raises whenever it has sent the signal: a second thread would not be
/// told then but ended, and the process with it.
///
/// # Safety
///
/// Fit for signal handlers: nothing but system calls.
unsafe fn limit() -> libc::c_int {
    let most = MOST.as_micros() as libc::rlim_t;
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limits live through the calls.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_RTTIME, &raw mut now) != 0 {
            return -1;
        }
        if now.rlim_cur <= most {
            return 0;
        }
        // rtkit demands a hard limit of 200 ms at most; the kernel ends a process that reaches it.
        let limit = libc::rlimit { rlim_cur: most, rlim_max: now.rlim_max.min(2 * most) };
        libc::setrlimit(libc::RLIMIT_RTTIME, &raw const limit)
    }
}

/// The kernel sends the signal to the thread that did not pause.
extern "C" fn put_back(_: libc::c_int) {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: all calls are nothing but system calls; `errno` of what is interrupted stays.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        // It has RESET_ON_FORK, which an unprivileged thread may not take off.
        let policy = libc::SCHED_OTHER | libc::SCHED_RESET_ON_FORK;
        libc::sched_setscheduler(0, policy, &raw const parameters);
        limit();
        *errno = before;
    }
}
