//! The loopback socket. Every program of this machine and every web page can reach it, so
//! that a connection needs the token of this run and the origin of our own pages.

use super::queue::{Mode, Waiting};
use super::wire::{self, PageWord};
use super::{Hub, Queue};
use futures_util::{SinkExt, StreamExt};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;

/// Where our pages come from: Linux and macOS, then Windows.
const ORIGINS: [&str; 3] =
    ["tauri://localhost", "http://tauri.localhost", "https://tauri.localhost"];
/// A connection that has not asked properly by then is dropped.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(5);

/// Serves connections until the hub is gone.
pub async fn accept(listener: TcpListener, token: String, hub: Weak<Hub>) {
    while let Ok((stream, _)) = listener.accept().await {
        if hub.strong_count() == 0 {
            return;
        }
        tokio::spawn(serve(stream, token.clone(), hub.clone()));
    }
}

/// What a page asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Subscription {
    tile: String,
    mode: Mode,
}

async fn serve(stream: TcpStream, token: String, hub: Weak<Hub>) {
    // Pictures are sent whole and at once: waiting for more makes them late.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a picture socket keeps its delay");
    }
    let mut asked = None;
    #[expect(clippy::result_large_err, reason = "the handshake's own type")]
    let check = |request: &Request, response: Response| {
        asked = subscription(request, &token);
        if asked.is_some() { Ok(response) } else { Err(refusal()) }
    };
    let handshake = tokio_tungstenite::accept_hdr_async(stream, check);
    let Ok(Ok(mut socket)) = tokio::time::timeout(HANDSHAKE_PATIENCE, handshake).await else {
        tracing::debug!("a picture socket was refused");
        return;
    };
    let Some(asked) = asked else { return };
    let Some(queue) = hub.upgrade().map(|hub| hub.subscribe(&asked.tile, asked.mode)) else {
        return;
    };
    pass_on(&mut socket, &asked.tile, &queue, &hub).await;
    // Nobody looks through it any more.
    drop(queue);
    if let Some(hub) = hub.upgrade() {
        hub.review(&asked.tile);
        hub.shown(&asked.tile, None);
    }
    // The other half of the closing handshake; without it the page reports an error.
    let _ = socket.close(None).await;
}

/// Sends pictures and obeys the page, until either cannot go on.
async fn pass_on(
    socket: &mut WebSocketStream<TcpStream>,
    tile: &str,
    queue: &Arc<Queue>,
    hub: &Weak<Hub>,
) {
    let opened = Instant::now();
    let (mut sequence, mut last_us) = (0u32, 0u64);
    loop {
        tokio::select! {
            heard = socket.next() => match heard {
                Some(Ok(Message::Text(text))) => {
                    if let Some(word) = PageWord::parse(&text) {
                        obey(word, tile, queue, hub, opened.elapsed());
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            waiting = queue.next() => {
                last_us = (opened.elapsed().as_micros() as u64).max(last_us + 1);
                let message = match &waiting {
                    Waiting::Coded(unit) => wire::coded(sequence, last_us, unit),
                    Waiting::Decoded(frame) => wire::decoded(sequence, last_us, frame),
                };
                sequence = sequence.wrapping_add(1);
                if socket.send(Message::Binary(message)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// `since`: how long the socket has been open, which timestamps count from.
fn obey(word: PageWord, tile: &str, queue: &Arc<Queue>, hub: &Weak<Hub>, since: Duration) {
    match word {
        PageWord::Credit => return queue.credit(),
        PageWord::Key => queue.await_key_frame(),
        PageWord::Pause => queue.set_paused(true),
        PageWord::Resume => queue.set_paused(false),
        PageWord::Drawn(size) => queue.draw(size),
        PageWord::Shown(_) => {}
    }
    let Some(hub) = hub.upgrade() else { return };
    match word {
        PageWord::Credit => {}
        PageWord::Key => hub.request_key_frame(tile),
        PageWord::Pause => {
            hub.review(tile);
            hub.shown(tile, None);
        }
        PageWord::Drawn(_) => hub.review(tile),
        PageWord::Resume => {
            // Whoever is not sent anything cannot be sent a key frame.
            hub.review(tile);
            hub.request_key_frame(tile);
        }
        PageWord::Shown(timestamp_us) => {
            hub.shown(tile, since.checked_sub(Duration::from_micros(timestamp_us)));
        }
    }
}

fn refusal() -> ErrorResponse {
    let mut response = ErrorResponse::new(None);
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

fn subscription(request: &Request, token: &str) -> Option<Subscription> {
    let origin = request.headers().get("origin")?.to_str().ok()?;
    if !ORIGINS.contains(&origin) || request.uri().path() != "/video" {
        return None;
    }
    let url = url::Url::parse(&format!("ws://localhost{}", request.uri())).ok()?;
    let value = |key: &str| {
        url.query_pairs().find(|(name, _)| name == key).map(|(_, value)| value.into_owned())
    };
    if value("token")? != token {
        return None;
    }
    let mode = match value("mode")?.as_str() {
        "h264" => Mode::Coded,
        "i420" => Mode::Decoded,
        _ => return None,
    };
    Some(Subscription { tile: value("tile")?, mode })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(origin: &str, uri: &str) -> Request {
        let request = Request::builder().uri(uri).header("origin", origin).body(());
        request.expect("a request")
    }

    #[test]
    fn only_our_own_page_with_the_token_may_look() {
        let good = "/video?token=abc&tile=remote%3Abob%2F01&mode=h264";
        let asked = subscription(&request("tauri://localhost", good), "abc");
        let expected = Subscription { tile: "remote:bob/01".into(), mode: Mode::Coded };
        assert_eq!(asked, Some(expected));
        assert_eq!(subscription(&request("https://evil.example", good), "abc"), None);
        assert_eq!(subscription(&request("tauri://localhost", good), "other"), None);
        for bad in ["/video?tile=self&mode=h264", "/other?token=abc&tile=self&mode=h264"] {
            assert_eq!(subscription(&request("tauri://localhost", bad), "abc"), None, "{bad}");
        }
        let no_origin = Request::builder().uri(good).body(()).expect("a request");
        assert_eq!(subscription(&no_origin, "abc"), None);
    }
}
