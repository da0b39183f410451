//! What `webrtc` 0.21.1 does without us. A test that fails here says that a workaround is no
//! longer needed; `docs/upstream.md` tells which and where it stands.

use crate::proxy::{Loss, Proxy};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::event::RTCPeerConnectionIceEvent;
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tincan_proto::PeerMessage;
use tincan_proto::peer_message::Candidate;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceCandidateInit, RTCIceGatheringState, RTCIceServer, RTCPeerConnectionState,
    SettingEngineBuilder,
};

/// How long something that never happens is waited for: six of the crate's own repeats.
const NEVER: Duration = Duration::from_secs(6);

enum Told {
    Candidate(RTCIceCandidateInit),
    GatheringComplete,
    Connected,
}

struct Teller(mpsc::UnboundedSender<Told>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Teller {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let init = event.candidate.to_json().expect("a text form");
        let _ = self.0.send(Told::Candidate(init));
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let _ = self.0.send(Told::GatheringComplete);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if state == RTCPeerConnectionState::Connected {
            let _ = self.0.send(Told::Connected);
        }
    }
}

/// The crate's connection as it comes, on loopback, with a data channel.
struct Raw {
    connection: Arc<dyn PeerConnection>,
    told: mpsc::UnboundedReceiver<Told>,
}

impl Raw {
    async fn new(ice_servers: Vec<RTCIceServer>) -> Self {
        let (teller, told) = mpsc::unbounded_channel();
        let mut engine = MediaEngine::default();
        engine.register_default_codecs().expect("known codecs");
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
            .with_prflx_acceptance_min_wait(Some(Duration::ZERO))
            .with_include_loopback_candidate(true);
        let configuration = RTCConfigurationBuilder::new().with_ice_servers(ice_servers);
        let connection = PeerConnectionBuilder::new()
            .with_configuration(configuration.build())
            .with_media_engine(engine)
            .with_setting_engine(settings.build())
            .with_handler(Arc::new(Teller(teller)))
            .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
            .build()
            .await
            .expect("built");
        connection.create_data_channel("control", None).await.expect("created");
        Self { connection: Arc::new(connection), told }
    }

    async fn offer(&self) -> webrtc::peer_connection::RTCSessionDescription {
        let offer = self.connection.create_offer(None).await.expect("an offer");
        self.connection.set_local_description(offer.clone()).await.expect("taken");
        offer
    }
}

/// Whether two connections of the crate connect through a lossy path within [`NEVER`].
async fn connects(loss: Loss) -> bool {
    let mut proxy = Proxy::start(loss).await;
    let (mut a, mut b) = (Raw::new(vec![]).await, Raw::new(vec![]).await);
    let offer = a.offer().await;
    b.connection.set_remote_description(offer).await.expect("taken");
    let answer = b.connection.create_answer(None).await.expect("an answer");
    b.connection.set_local_description(answer.clone()).await.expect("taken");
    a.connection.set_remote_description(answer).await.expect("taken");
    let both = async {
        let mut connected = (false, false);
        while connected != (true, true) {
            let (from_a, told) = tokio::select! {
                Some(told) = a.told.recv() => (true, told),
                Some(told) = b.told.recv() => (false, told),
            };
            match told {
                Told::Connected if from_a => connected.0 = true,
                Told::Connected => connected.1 = true,
                Told::GatheringComplete => {}
                Told::Candidate(init) => {
                    let candidate = PeerMessage::Candidate(Candidate {
                        candidate: init.candidate,
                        sdp_mid: init.sdp_mid,
                        sdp_m_line_index: init.sdp_mline_index,
                        username_fragment: init.username_fragment,
                    });
                    let Some(PeerMessage::Candidate(shown)) = proxy.redirect(from_a, candidate)
                    else {
                        continue;
                    };
                    let init = RTCIceCandidateInit {
                        candidate: shown.candidate,
                        sdp_mid: shown.sdp_mid,
                        sdp_mline_index: shown.sdp_m_line_index,
                        username_fragment: shown.username_fragment,
                        ..Default::default()
                    };
                    let to = if from_a { &b } else { &a };
                    to.connection.add_ice_candidate(init).await.expect("taken");
                }
            }
        }
    };
    timeout(NEVER, both).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_crate_alone_never_recovers_from_the_loss_of_the_last_flight() {
    assert!(connects(crate::loss::no_loss()).await, "the path is good");
    assert!(
        !connects(crate::loss::last_flight_once()).await,
        "transport::flights is no longer needed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_crate_alone_asks_for_a_cookie() {
    let (path, asked) = crate::loss::counting_cookies();
    assert!(connects(path).await, "the path is good");
    assert_ne!(asked.load(Ordering::Relaxed), 0, "transport::cookie is no longer needed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_crate_alone_waits_for_the_answer_to_its_nomination() {
    assert!(connects(crate::loss::no_loss()).await, "the path is good");
    assert!(
        !connects(crate::nomination::answers_to_nominations()).await,
        "transport::nominations need not answer nominations"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_crate_alone_skips_turn_over_streams() {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let place = server.local_addr().expect("bound");
    let mut raw = Raw::new(vec![RTCIceServer {
        urls: vec![format!("turn:{place}?transport=tcp")],
        username: "u".to_owned(),
        credential: "c".to_owned(),
    }])
    .await;
    raw.offer().await;
    let gathering = async {
        loop {
            tokio::select! {
                told = raw.told.recv() => {
                    if matches!(told, Some(Told::GatheringComplete)) {
                        return false;
                    }
                }
                accepted = server.accept() => return accepted.is_ok(),
            }
        }
    };
    let called = timeout(NEVER, gathering).await.expect("gathering ends");
    assert!(!called, "transport::stream_relays is no longer needed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_crate_alone_does_not_roll_back_by_itself() {
    let (a, b) = (Raw::new(vec![]).await, Raw::new(vec![]).await);
    let (_, theirs) = (a.offer().await, b.offer().await);
    assert!(
        a.connection.set_remote_description(theirs).await.is_err(),
        "the explicit rollback in Worker::accept_offer is no longer needed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_crate_alone_does_not_bind_a_replaced_track() {
    let raw = Raw::new(vec![]).await;
    let sender = raw.connection.add_track(track(1)).await.expect("added");
    let second = track(1);
    sender.replace_track(second.clone()).await.expect("said to be replaced");
    assert!(
        second.write_rtp(Packet::default()).await.is_err(),
        "tracks may be replaced instead of their sources"
    );
}

fn track(ssrc: u32) -> Arc<TrackLocalStaticRTP> {
    let codec = RTCRtpCodec {
        mime_type: "audio/opus".to_owned(),
        clock_rate: 48_000,
        channels: 2,
        ..Default::default()
    };
    let coding = RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() };
    let encoding =
        RTCRtpEncodingParameters { rtp_coding_parameters: coding, codec, ..Default::default() };
    Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
        "stream".to_owned(),
        "track".to_owned(),
        "label".to_owned(),
        RtpCodecKind::Audio,
        vec![encoding],
    )))
}
