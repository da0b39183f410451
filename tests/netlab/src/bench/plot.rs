//! A call's course as a picture: how late pictures were and what the wire carried, second by second.

use super::record::{Record, Second};
use super::scenario::Scenario;
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use std::path::Path;
use tincan_test_support::Maker;

const SIZE: (u32, u32) = (960, 640);
const MARGIN: u32 = 12;
const LABELS: u32 = 56;
/// Tincan's and Chromium's lines.
const COLOURS: [(Maker, RGBColor); 2] =
    [(Maker::Tincan, RGBColor(0, 110, 200)), (Maker::Chromium, RGBColor(220, 110, 0))];

/// A figure of a second.
type Figure = fn(&Second) -> Option<f64>;

/// Draws all calls of a scenario into `FOLDER/NAME.svg`.
pub fn draw(folder: &Path, scenario: &Scenario, records: &[Record]) -> Result<()> {
    let file = folder.join(format!("{}.svg", scenario.file()));
    let failed = |error: &dyn std::fmt::Display| anyhow!("while drawing {file:?}: {error}");
    let area = SVGBackend::new(&file, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(|error| failed(&error))?;
    let title = format!("{} (blue: Tincan, orange: Chromium)", scenario.name);
    let area = area.titled(&title, ("sans-serif", 18)).map_err(|error| failed(&error))?;
    let theirs: Vec<&Record> =
        records.iter().filter(|record| record.scenario == scenario.name).collect();
    let panels = area.split_evenly((2, 1));
    let figures: [(&str, Figure); 2] = [
        ("latency p95, ms", |second| second.p95),
        ("wire up, kbit/s", |second| Some(second.up_kbps)),
    ];
    for (panel, (name, figure)) in panels.iter().zip(figures) {
        lines(panel, name, scenario.span.as_secs_f64(), &theirs, figure)
            .map_err(|error| failed(&error))?;
    }
    area.present().map_err(|error| failed(&error))
}

fn lines<B: DrawingBackend>(
    panel: &DrawingArea<B, plotters::coord::Shift>,
    name: &str,
    span: f64,
    records: &[&Record],
    figure: Figure,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let values = records.iter().flat_map(|record| record.seconds.iter().filter_map(figure));
    let most = values.fold(1.0, f64::max) * 1.05;
    let mut chart = ChartBuilder::on(panel)
        .margin(MARGIN)
        .x_label_area_size(LABELS / 2)
        .y_label_area_size(LABELS)
        .build_cartesian_2d(0.0..span, 0.0..most)?;
    chart.configure_mesh().x_desc("s").y_desc(name).light_line_style(WHITE).draw()?;
    for record in records {
        let colour = COLOURS.iter().find(|(maker, _)| maker.name() == record.maker);
        let colour = colour.map_or(BLACK, |(_, colour)| *colour);
        let points = record.seconds.iter().filter_map(|s| Some((s.at, figure(s)?)));
        chart.draw_series(LineSeries::new(points, colour))?;
    }
    Ok(())
}
