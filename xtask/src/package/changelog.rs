//! Debian's form of the changelog (Debian Policy, section 4.4), made of `CHANGELOG.md`. Pure.

use std::time::{SystemTime, UNIX_EPOCH};

/// Who answers for the packages.
const MAINTAINER: &str = "The Tincan authors <tincan@users.noreply.github.com>";
/// Longest line of a changelog.
const WIDTH: usize = 78;

/// The newest section of a changelog in the form of "Keep a Changelog", as one entry.
pub fn debian(markdown: &str, package: &str, version: &str, at: SystemTime) -> String {
    let mut entry = format!("{package} ({version}-1) unstable; urgency=medium\n");
    for point in newest(markdown) {
        entry.push('\n');
        entry.push_str(&wrapped(&point));
    }
    format!("{entry}\n -- {MAINTAINER}  {}\n", date(at))
}

/// The points of the first section, without their marks.
fn newest(markdown: &str) -> Vec<String> {
    let sections = markdown.lines().skip_while(|line| !line.starts_with("## ")).skip(1);
    let mut points: Vec<String> = vec![];
    for line in sections.take_while(|line| !line.starts_with("## ")) {
        if let Some(point) = line.strip_prefix("- ") {
            points.push(point.replace('`', ""));
        } else if let (Some(rest), Some(point)) = (line.strip_prefix("  "), points.last_mut()) {
            point.push(' ');
            point.push_str(&rest.replace('`', ""));
        }
    }
    points
}

fn wrapped(point: &str) -> String {
    let (mut text, mut line) = (String::new(), String::from("  *"));
    for word in point.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("   ");
        }
        line.push(' ');
        line.push_str(word);
    }
    text + &line + "\n"
}

/// As RFC 5322 has it, in UTC.
fn date(at: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let (mut year, mut left) = (1970, days);
    while left >= days_of(year) {
        left -= days_of(year);
        year += 1;
    }
    let february = if days_of(year) == 366 { 29 } else { 28 };
    let mut month = 0;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    format!(
        "{}, {:02} {} {year} {:02}:{:02}:{:02} +0000",
        DAYS[(days % 7) as usize],
        left + 1,
        MONTHS[month],
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

const fn days_of(year: u64) -> u64 {
    if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) {
        366
    } else {
        365
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_newest_section_becomes_one_entry_of_wrapped_points() {
        let markdown = "# Changelog\n\nFor people.\n\n## Unreleased\n\n### Added\n- One `thing` that \
                        is told of in a line that is longer than what fits into\n  eighty columns.\n- Two.\n\n## 0.0.1\n- Old.\n";
        let entry = debian(markdown, "tincan", "0.1.0", UNIX_EPOCH + Duration::from_secs(1));
        let lines: Vec<_> = entry.lines().collect();
        assert_eq!(lines[0], "tincan (0.1.0-1) unstable; urgency=medium");
        assert_eq!(
            lines[2],
            "  * One thing that is told of in a line that is longer than what fits into"
        );
        assert_eq!(lines[3], "    eighty columns.");
        assert_eq!(lines[5], "  * Two.");
        assert!(lines[7].ends_with(">  Thu, 01 Jan 1970 00:00:01 +0000"), "{}", lines[7]);
        assert!(!entry.contains("Old"));
        let points = lines.iter().filter(|line| line.starts_with("  "));
        assert!(points.clone().count() == 3 && points.into_iter().all(|line| line.len() <= WIDTH));
    }

    #[test]
    fn dates_know_leap_years() {
        let at = |seconds| date(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(951_782_400), "Tue, 29 Feb 2000 00:00:00 +0000");
        assert_eq!(at(1_709_251_199), "Thu, 29 Feb 2024 23:59:59 +0000");
        assert_eq!(at(1_735_689_599), "Tue, 31 Dec 2024 23:59:59 +0000");
    }
}
