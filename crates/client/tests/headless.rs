//! Two headless peers, driven by lines as a harness drives them.

use serde_json::{Value, json};
use std::time::Duration;
use tincan_client::headless;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};

/// Long enough for a busy machine; only failures wait for it.
const PATIENCE: Duration = Duration::from_secs(40);

struct Peer {
    to: DuplexStream,
    from: Lines<BufReader<DuplexStream>>,
}

impl Peer {
    async fn start(polite: bool) -> Self {
        let (to, input) = tokio::io::duplex(1 << 16);
        let (output, from) = tokio::io::duplex(1 << 16);
        tokio::spawn(headless::serve(input, output));
        let mut peer = Self { to, from: BufReader::new(from).lines() };
        let video = json!({"w": 320, "h": 240, "fps": 15});
        peer.say(json!({"cmd": "init", "id": 1, "video": video, "polite": polite})).await;
        while peer.line().await["re"] != 1 {}
        peer
    }

    async fn say(&mut self, line: Value) {
        self.to.write_all(format!("{line}\n").as_bytes()).await.expect("it listens");
    }

    async fn line(&mut self) -> Value {
        let line = self.from.next_line().await.expect("it speaks").expect("it has not ended");
        serde_json::from_str(&line).expect("JSON")
    }
}

/// Carries messages between the two until a line of the second one is as wanted.
async fn until(a: &mut Peer, b: &mut Peer, what: &str, wanted: impl Fn(&Value) -> bool) {
    let looking = async {
        loop {
            let (line, from_a) = tokio::select! {
                line = a.line() => (line, true),
                line = b.line() => (line, false),
            };
            let to = if from_a { &mut *b } else { &mut *a };
            match line["ev"].as_str() {
                Some("description") => {
                    let (kind, sdp) = (&line["type"], &line["sdp"]);
                    let order = json!({"cmd": "description", "id": 2, "type": kind, "sdp": sdp});
                    to.say(order).await;
                }
                Some("candidate") => {
                    let candidate = &line["candidate"];
                    to.say(json!({"cmd": "candidate", "id": 2, "candidate": candidate})).await;
                }
                _ => assert_ne!(line["ok"], false, "{line}"),
            }
            if !from_a && wanted(&line) {
                return;
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

fn shows(line: &Value, width: u32) -> bool {
    let frames = line["f"].as_array();
    frames.is_some_and(|frames| frames.iter().any(|f| f[2] == width && f[1].as_i64() > Some(0)))
}

fn says(line: &Value, screen: bool) -> bool {
    line["ev"] == "media" && line["sends"]["screen"] == screen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_shared_and_the_picture_comes_back() {
    let (mut a, mut b) = (Peer::start(false).await, Peer::start(true).await);
    a.say(json!({"cmd": "offer", "id": 3})).await;
    until(&mut a, &mut b, "the picture", |line| shows(line, 320)).await;
    a.say(json!({"cmd": "share", "id": 4, "w": 960, "h": 540, "fps": 15})).await;
    until(&mut a, &mut b, "it is a screen", |line| says(line, true)).await;
    until(&mut a, &mut b, "the page", |line| shows(line, 960)).await;
    until(&mut a, &mut b, "the page again", |line| shows(line, 960)).await;
    a.say(json!({"cmd": "stopSharing", "id": 5})).await;
    until(&mut a, &mut b, "it is none", |line| says(line, false)).await;
    until(&mut a, &mut b, "the picture", |line| shows(line, 320)).await;
}
