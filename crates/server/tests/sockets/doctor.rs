//! `tincan-server doctor`, run as an operator does.

use crate::program::Program;
use std::process::{Command, Output};

fn doctor(place: &str, database: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tincan-server"))
        .args(["doctor", place, "--database", database])
        .output()
        .expect("the program runs")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn the_doctor_finds_a_server_well_and_its_echo_where_callers_reach_it() {
    let program = Program::start().await;
    let database = program.folder.0.join("server.sqlite");
    let output = doctor(&program.address.to_string(), &database.display().to_string());
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    for line in ["signalling", "sign-in", "relay over UDP", "relay over TCP", "relay over TLS"] {
        let found = text.lines().any(|it| it.starts_with("ok") && it.contains(line));
        assert!(found, "{line} in {text}");
    }
}

#[tokio::test]
async fn the_doctor_fails_when_no_server_answers() {
    let mut program = Program::start().await;
    program.kill();
    let output = doctor(&program.address.to_string(), "none.sqlite");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).starts_with("BAD   signalling"), "{}", text(&output));
}
