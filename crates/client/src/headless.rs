//! A peer without a window: the same connection and pipelines as the app's, driven by JSON
//! lines. It is the far side in tests and stands beside a browser in measurements.
//!
//! One object a line. Commands (`init`, `offer`, `description`, `candidate`, `restart`, `share`,
//! `stopSharing`, `say`, `heard`, `stats`, `close`, `quit`) carry an `id` and are answered in order by `{"re": id, "ok": true}` or
//! `{"re": id, "ok": false, "error": text}`; events have the field `ev`. All times are wall
//! clock, in milliseconds since the Unix epoch.

mod far_side;
mod near_side;
mod pictures;
mod protocol;
mod session;

use protocol::{Command, Line};
use session::Session;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

/// How often frame logs are written.
const FRAME_REPORTS: Duration = Duration::from_millis(250);

/// How often figures are taken, in reports of frames.
const MEASURED_EVERY: u32 = 4;

/// Serves commands until `quit` or the end of `input`.
///
/// # Errors
/// When `output` cannot be written.
pub async fn serve(
    input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> anyhow::Result<()> {
    let (lines_in, mut lines) = mpsc::unbounded_channel::<Line>();
    let mut commands = BufReader::new(input).lines();
    let mut session: Option<Session> = None;
    let mut reports = tokio::time::interval(FRAME_REPORTS);
    reports.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut reported = 0u32;
    lines_in.send(protocol::ready())?;
    loop {
        tokio::select! {
            biased;
            Some(line) = lines.recv() => {
                output.write_all(format!("{line}\n").as_bytes()).await?;
                output.flush().await?;
            }
            Some(event) = session::next_event(&mut session) => {
                if let Some(session) = &mut session {
                    session.handle(event);
                }
            }
            command = commands.next_line() => {
                let Some(text) = command? else { break };
                if text.trim().is_empty() {
                    continue;
                }
                match serde_json::from_str::<protocol::Request>(&text) {
                    Ok(request) if request.command == Command::Quit => break,
                    Ok(request) => {
                        let id = request.id;
                        let result = obey(&mut session, request.command, &lines_in).await;
                        lines_in.send(protocol::answer(id, result))?;
                    }
                    Err(error) => {
                        let id = protocol::id_of(&text);
                        lines_in.send(protocol::answer(id, Err(error.to_string())))?;
                    }
                }
            }
            _ = reports.tick() => {
                reported = reported.wrapping_add(1);
                if let Some(session) = &mut session {
                    session.report_frames();
                    if reported.is_multiple_of(MEASURED_EVERY) {
                        session.measure().await;
                    }
                }
            }
        }
    }
    if let Some(session) = session.take() {
        session.close().await;
    }
    Ok(())
}

async fn obey(
    session: &mut Option<Session>,
    command: Command,
    lines: &mpsc::UnboundedSender<Line>,
) -> Result<Line, String> {
    if let Command::Init(init) = command {
        if let Some(old) = session.take() {
            old.close().await;
        }
        *session = Some(Session::start(*init, lines.clone()).await.map_err(|e| e.to_string())?);
        return Ok(Line::default());
    }
    let current = session.as_mut().ok_or("the first command is init")?;
    match command {
        Command::Offer => current.negotiate(false),
        Command::Restart => current.negotiate(true),
        Command::Description(description) => current.receive_description(description.into()),
        Command::Candidate { candidate } => current.receive_candidate(candidate),
        Command::Share(share) => current.share(&share).map_err(|e| format!("{e:#}"))?,
        Command::StopSharing => current.stop_sharing().map_err(|e| format!("{e:#}"))?,
        Command::Say(sound) => current.speak(&sound.file).map_err(|e| format!("{e:#}"))?,
        Command::Heard(sound) => return current.heard(&sound.file).map_err(|e| format!("{e:#}")),
        Command::Stats => return Ok(current.stats().await),
        Command::Close => {
            if let Some(session) = session.take() {
                session.close().await;
            }
        }
        Command::Init(_) | Command::Quit => {}
    }
    Ok(Line::default())
}
