//! The entry of the session's list: a desktop file (XDG Desktop Application Autostart
//! Specification 0.5).

use super::Start;
use std::io;
use std::path::{Path, PathBuf};

/// Writes or removes the profile's entry, if it is not as it should be.
pub fn keep(profile: &str, start: Option<&Start>) -> io::Result<()> {
    let folders = directories::BaseDirs::new();
    let folders = folders.ok_or_else(|| io::Error::other("there is no home folder"))?;
    let file = place(folders.config_dir(), profile);
    match start {
        Some(start) => {
            let text = entry(&std::env::current_exe()?, start)?;
            if std::fs::read_to_string(&file).is_ok_and(|kept| kept == text) {
                return Ok(());
            }
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&file, text)
        }
        None => match std::fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}

fn place(config: &Path, profile: &str) -> PathBuf {
    let name = match profile {
        "default" => "org.tincan.Tincan.desktop".to_owned(),
        other => format!("org.tincan.Tincan.{other}.desktop"),
    };
    config.join("autostart").join(name)
}

fn entry(program: &Path, start: &Start) -> io::Result<String> {
    let program =
        program.to_str().ok_or_else(|| io::Error::other("the program's path is no text"))?;
    let hidden = if start.hidden { " --hidden" } else { "" };
    let profile = match start.profile.as_str() {
        "default" => String::new(),
        other => format!(" --profile {other}"),
    };
    let program = quoted(program);
    Ok(format!(
        "[Desktop Entry]\nType=Application\nName=Tincan\nComment=Be reachable for calls\n\
         Exec={program}{profile}{hidden}\nIcon=org.tincan.Tincan\nTerminal=false\n"
    ))
}

/// An argument as the Desktop Entry Specification wants it (section "The Exec key"): in quotes,
/// some characters escaped, and once more as any text of a desktop file; `%` begins a field code.
fn quoted(argument: &str) -> String {
    let mut quoted = String::from('"');
    for character in argument.chars() {
        match character {
            '"' | '`' | '$' => quoted.extend(['\\', '\\', character]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exec(program: &str, start: &Start) -> String {
        let text = entry(Path::new(program), start).expect("a path that is text");
        let line = text.lines().find_map(|line| line.strip_prefix("Exec="));
        line.expect("a command").to_owned()
    }

    #[test]
    fn it_starts_this_program_in_the_tray_with_the_same_profile() {
        let start = Start { profile: "default".into(), hidden: true };
        assert_eq!(exec("/usr/bin/tincan", &start), "\"/usr/bin/tincan\" --hidden");
        let work = Start { profile: "work".into(), hidden: false };
        assert_eq!(exec("/usr/bin/tincan", &work), "\"/usr/bin/tincan\" --profile work");
    }

    #[test]
    fn odd_paths_are_quoted() {
        let start = Start { profile: "default".into(), hidden: false };
        assert_eq!(exec("/opt/my apps/100%/$x", &start), "\"/opt/my apps/100%%/\\\\$x\"");
    }

    #[test]
    fn profiles_have_entries_of_their_own() {
        let config = Path::new("/config");
        assert_eq!(
            place(config, "default"),
            Path::new("/config/autostart/org.tincan.Tincan.desktop")
        );
        assert_ne!(place(config, "work"), place(config, "default"));
    }
}
