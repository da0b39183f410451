//! The data channel that carries [`ControlMessage`]s. Both sides make it under the same
//! number, so that it needs no hand-shake of its own.

use crate::clock::Clock;
use crate::congestion::Congestion;
use crate::options::PeerEvent;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tincan_proto::ControlMessage;
use tincan_proto::peer_message::MAX_CONTROL_BYTES;
use tokio::sync::mpsc;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::error::Result;
use webrtc::peer_connection::PeerConnection;

const STREAM: u16 = 0;
/// How much later than the channel opens here it is told: the crate over there loses what arrives
/// together with the word that lets it open the channel, too.
const THEIR_TURN: Duration = Duration::from_millis(50);
/// How long a closing connection waits for its last words to leave.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// Makes the channel and starts its reader, which ends with it.
pub async fn open(
    connection: &Arc<dyn PeerConnection>,
    events: mpsc::UnboundedSender<PeerEvent>,
    clock: Arc<Clock>,
    congestion: Arc<Congestion>,
) -> Result<Arc<dyn DataChannel>> {
    let init = RTCDataChannelInit { negotiated: Some(STREAM), ..Default::default() };
    let channel = connection.create_data_channel("control", Some(init)).await?;
    tokio::spawn(read(channel.clone(), events, clock, congestion));
    Ok(channel)
}

async fn read(
    channel: Arc<dyn DataChannel>,
    events: mpsc::UnboundedSender<PeerEvent>,
    clock: Arc<Clock>,
    congestion: Arc<Congestion>,
) {
    let (mut ask_at, mut heard) = (None, false);
    loop {
        let event = tokio::select! {
            event = channel.poll() => event,
            () = until(ask_at) => {
                let (question, pause) = clock.ask();
                send(&channel, &question).await;
                ask_at = Some(Instant::now() + pause);
                continue;
            }
        };
        let told = match event {
            Some(DataChannelEvent::OnOpen) => {
                tokio::time::sleep(THEIR_TURN).await;
                ask_at = Some(Instant::now());
                begin(&channel, &events).await
            }
            Some(DataChannelEvent::OnMessage(message))
                if message.data.len() <= MAX_CONTROL_BYTES =>
            {
                // Theirs is open now at the latest: what was said before may be lost.
                if !std::mem::replace(&mut heard, true) && ask_at.is_some() {
                    let _ = begin(&channel, &events).await;
                }
                match serde_json::from_slice(&message.data).map(|message| clock.take(message)) {
                    Ok(Ok(None)) => Ok(()),
                    Ok(Ok(Some(answer))) => {
                        send(&channel, &answer).await;
                        Ok(())
                    }
                    Ok(Err(ControlMessage::Rebuilds)) => {
                        congestion.protect();
                        Ok(())
                    }
                    Ok(Err(message)) => events.send(PeerEvent::Control(message)),
                    Err(error) => {
                        tracing::warn!(%error, "a control message cannot be read");
                        Ok(())
                    }
                }
            }
            Some(DataChannelEvent::OnMessage(message)) => {
                tracing::warn!(bytes = message.data.len(), "a control message is too large");
                Ok(())
            }
            Some(DataChannelEvent::OnClose) | None => return,
            Some(_) => Ok(()),
        };
        if told.is_err() {
            return;
        }
    }
}

/// Says what is said first.
async fn begin(
    channel: &Arc<dyn DataChannel>,
    events: &mpsc::UnboundedSender<PeerEvent>,
) -> std::result::Result<(), mpsc::error::SendError<PeerEvent>> {
    send(channel, &ControlMessage::Rebuilds).await;
    events.send(PeerEvent::ControlOpened)
}

/// Waits until then; for ever without a moment.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// Sends a message; a channel that is not open swallows it.
pub async fn send(channel: &Arc<dyn DataChannel>, message: &ControlMessage) {
    let text = serde_json::to_string(message).expect("control messages have string keys only");
    if channel.try_send_text(&text).await.is_err() {
        tracing::debug!("a control message was not sent: the channel is not open");
    }
}

/// Waits until everything sent was acknowledged, or for a quarter of a second.
pub async fn flush(channel: &Arc<dyn DataChannel>) {
    let acknowledged = async {
        while channel.outstanding_bytes().await.is_ok_and(|bytes| bytes > 0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let _ = tokio::time::timeout(LAST_WORDS, acknowledged).await;
}
