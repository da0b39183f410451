//! Names for people: two devices of the same make get different ones.

use std::collections::HashSet;
use tincan_media::device::DeviceEntry;

/// Appends a number to each name that was there before. Entries keep their order, so the
/// numbers are as stable as the system's order.
pub(crate) fn told_apart(mut entries: Vec<DeviceEntry>) -> Vec<DeviceEntry> {
    let mut taken: HashSet<String> = HashSet::new();
    for entry in &mut entries {
        let plain = entry.name.trim();
        let plain = if plain.is_empty() { entry.id.clone() } else { plain.to_owned() };
        let mut name = plain.clone();
        let mut number = 1;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{plain} ({number})");
        }
        entry.name = name;
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&str]) -> Vec<String> {
        let entries = given.iter().enumerate().map(|(n, name)| DeviceEntry {
            id: format!("id{n}"),
            name: (*name).into(),
            default: false,
            formats: Vec::new(),
        });
        told_apart(entries.collect()).into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn equal_names_are_numbered_and_others_left_alone() {
        assert_eq!(names(&["Webcam", "Mic", "Webcam"]), ["Webcam", "Mic", "Webcam (2)"]);
    }

    #[test]
    fn a_number_that_is_taken_is_passed_over() {
        assert_eq!(names(&["A", "A (2)", "A"]), ["A", "A (2)", "A (3)"]);
    }

    #[test]
    fn a_nameless_device_is_called_by_its_id() {
        assert_eq!(names(&["  "]), ["id0"]);
    }
}
