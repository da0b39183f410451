//! `tincan-server doctor`: looks at a running server as an app does, for whoever runs it.

mod report;
mod visit;

use crate::arguments::Doctor;
use anyhow::Context;
use report::{Mark, Report};
use std::io::Write;
use std::process::ExitCode;
use visit::Visit;

/// Looks and tells; fails if something stands in the way of calls.
pub async fn run(doctor: Doctor) -> anyhow::Result<ExitCode> {
    let visit = Visit::pay(&doctor).await?;
    let findings = match &visit.answer {
        Ok(_) => Some(tincan_connectivity::check(&visit.servers, |_| {}).await),
        Err(_) => None,
    };
    let report = Report::new(&visit, findings.as_ref());
    let mut out = std::io::stdout().lock();
    for line in &report.lines {
        writeln!(out, "{line}").context("while writing the report")?;
    }
    let well = report.lines.iter().all(|line| line.mark != Mark::Bad);
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
