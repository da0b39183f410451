//! Where the log goes: standard error, and files of a limited size of which the last few are
//! kept, so that what went wrong yesterday can still be read.

mod files;

use files::LogFiles;
use std::path::Path;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What is told unless `TINCAN_LOG` says otherwise.
const USUAL: &str = "info,webrtc=error,rtc=error,rtc_ice=error,rtc_dtls=error,pulseaudio=off";

/// Begins to log, into `folder` beside standard error. Panics are logged, too.
pub fn begin(folder: &Path) {
    let filter = EnvFilter::try_from_env("TINCAN_LOG").unwrap_or_else(|_| EnvFilter::new(USUAL));
    let files = Mutex::new(LogFiles::new(folder));
    tracing_subscriber::registry()
        .with(filter)
        // The fields of a span are written once, by the first layer that sees it: files first,
        // so that no colours get into them.
        .with(layer().with_ansi(false).with_writer(files))
        .with(layer().with_writer(std::io::stderr))
        .init();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!("{panic}");
        usual(panic);
    }));
}

/// The file that is written now.
pub fn current(folder: &Path) -> std::path::PathBuf {
    files::path(folder, 0)
}
