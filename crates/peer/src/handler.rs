//! Forwards the connection's callbacks. They run on the driver's task, which stands still
//! meanwhile: each one sends and returns.

use crate::options::{IceState, PeerEvent};
use rtc::peer_connection::event::RTCPeerConnectionIceEvent;
use std::sync::Arc;
use tincan_call::{NegotiationInput, PeerState};
use tincan_proto::peer_message::Candidate;
use tokio::sync::mpsc;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionState,
};

/// The handler given to the crate.
pub struct Handler {
    /// To the owner of the peer.
    pub events: mpsc::UnboundedSender<PeerEvent>,
    /// To the task that starts a reader for each.
    pub tracks: mpsc::UnboundedSender<Arc<dyn TrackRemote>>,
}

impl Handler {
    fn tell(&self, event: PeerEvent) {
        // The owner may be gone already: then nobody is left to tell.
        let _ = self.events.send(event);
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        match event.candidate.to_json() {
            Ok(init) => {
                self.tell(PeerEvent::Negotiation(NegotiationInput::Gathered(Candidate {
                    candidate: init.candidate,
                    sdp_mid: init.sdp_mid,
                    sdp_m_line_index: init.sdp_mline_index,
                    username_fragment: init.username_fragment,
                })));
            }
            Err(error) => tracing::warn!(%error, "a gathered candidate has no text form"),
        }
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.tell(PeerEvent::Negotiation(NegotiationInput::Gathered(Candidate {
                candidate: String::new(),
                sdp_mid: None,
                sdp_m_line_index: None,
                username_fragment: None,
            })));
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        let state = match state {
            RTCIceConnectionState::New => IceState::New,
            RTCIceConnectionState::Checking => IceState::Checking,
            RTCIceConnectionState::Connected => IceState::Connected,
            RTCIceConnectionState::Completed => IceState::Completed,
            RTCIceConnectionState::Disconnected => IceState::Disconnected,
            RTCIceConnectionState::Failed => IceState::Failed,
            RTCIceConnectionState::Closed => IceState::Closed,
            _ => return,
        };
        self.tell(PeerEvent::Ice(state));
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let state = match state {
            RTCPeerConnectionState::Connecting => PeerState::Connecting,
            RTCPeerConnectionState::Connected => PeerState::Connected,
            RTCPeerConnectionState::Disconnected => PeerState::Disconnected,
            RTCPeerConnectionState::Failed => PeerState::Failed,
            _ => return,
        };
        self.tell(PeerEvent::State(state));
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let _ = self.tracks.send(track);
    }
}
