//! Holds the direction of dependencies between the workspace's crates.

use std::collections::BTreeMap;
use std::process::Command;

/// Each crate and what it may name. Test packages may name anything.
const ALLOWED: [(&str, &[&str]); 12] = [
    ("tincan-proto", &[]),
    ("tincan-call", &["tincan-proto"]),
    ("tincan-connectivity", &["tincan-proto"]),
    (
        "tincan-echo",
        &[
            "tincan-call",
            "tincan-media",
            "tincan-peer-connection",
            "tincan-proto",
            "tincan-signal-client",
        ],
    ),
    ("tincan-media", &["tincan-proto"]),
    ("tincan-devices", &["tincan-media", "tincan-proto"]),
    (
        "tincan-peer-connection",
        &["tincan-call", "tincan-connectivity", "tincan-media", "tincan-proto"],
    ),
    ("tincan-signal-client", &["tincan-proto"]),
    ("tincan-relay", &[]),
    (
        "tincan-server",
        &[
            "tincan-connectivity",
            "tincan-echo",
            "tincan-proto",
            "tincan-relay",
            "tincan-signal-client",
        ],
    ),
    (
        "tincan-client",
        &[
            "tincan-call",
            "tincan-connectivity",
            "tincan-media",
            "tincan-peer-connection",
            "tincan-proto",
            "tincan-signal-client",
        ],
    ),
    (
        "tincan",
        &[
            "tincan-call",
            "tincan-client",
            "tincan-devices",
            "tincan-media",
            "tincan-proto",
            "tincan-server",
        ],
    ),
];

#[test]
fn dependencies_point_one_way() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let allowed: BTreeMap<_, _> = ALLOWED.into_iter().collect();
    let mut seen = 0;
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        let Some(allowed) = allowed.get(name) else { continue };
        seen += 1;
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let to = dependency["name"].as_str().expect("a name");
            let for_tests = dependency["kind"] == "dev";
            if to.starts_with("tincan") && !for_tests {
                assert!(allowed.contains(&to), "{name} must not depend on {to}");
            }
        }
    }
    assert_eq!(seen, ALLOWED.len(), "every crate above exists");
}
