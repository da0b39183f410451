//! Chromium as a side of a call, by the protocol of `tincan-peer`: JSON lines on standard input and
//! output. Its page does the work; this program starts the browser and passes lines on.
#![allow(clippy::print_stderr, reason = "what went wrong belongs into its log")]

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match tincan_interop_tests::browser_peer::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem:#}");
            ExitCode::FAILURE
        }
    }
}
