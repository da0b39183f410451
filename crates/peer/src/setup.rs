//! Makes the crate's connection with our settings, and its tracks.

use crate::addresses;
use crate::codecs::{self, Ours};
use crate::handler::Handler;
use crate::options::{OpenError, PeerOptions};
use crate::outbound::{self, Outgoing};
use crate::transport::{
    Cookies, Naps, Nominator, Provider, Relays, StreamRelays, TransportRuntime,
};
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodec, RtpCodecKind};
use std::sync::Arc;
use std::time::Duration;
use tincan_proto::IceServer;
use webrtc::error::Result;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, RTCConfiguration, RTCConfigurationBuilder, RTCIceServer,
    RTCIceTransportPolicy, SettingEngineBuilder,
};

/// Checks of each candidate pair until connected: frequent, since they are what setting up
/// a call waits for, and no longer used once it is.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
/// So many checks before a pair is given up: five seconds for a NAT to open.
const CHECKS_PER_PAIR: u16 = 250;
/// A selected pair is never replaced in this version of the crate, so that relayed pairs wait
/// for direct ones to have their chance. That is short: where round trips are long, an allocation
/// and a permission take longer than a direct check anyway. If the relay wins after all, an
/// ICE restart some seconds later gives the direct path its second chance.
const RELAY_WAIT: Duration = Duration::from_millis(100);
/// Without an answer from the other side for so long, ICE says "disconnected".
const ICE_DISCONNECTED: Duration = Duration::from_secs(2);
/// And after so long "failed".
const ICE_FAILED: Duration = Duration::from_secs(20);
/// Time between two keep-alives: after an outage the next one finds the path again.
const ICE_KEEPALIVE: Duration = Duration::from_millis(500);
/// Makes a connection without tracks.
pub async fn build(
    options: &PeerOptions,
    ours: Ours,
    handler: Handler,
    naps: Arc<Naps>,
    relays: Arc<Relays>,
    cookies: Arc<Cookies>,
    nominator: Arc<Nominator>,
) -> std::result::Result<Arc<dyn PeerConnection>, OpenError> {
    let (engine, registry) = codecs::media_engine(ours)?;
    let binds = addresses::udp_binds();
    let loopback = binds.iter().any(|bind| bind.starts_with("127."));
    let zero = Some(Duration::ZERO);
    let relay_wait = if options.relay_only { zero } else { Some(RELAY_WAIT) };
    let provider = Provider::new(cookies.clone()).map_err(|error| OpenError(error.to_string()))?;
    let settings = SettingEngineBuilder::new()
        .with_crypto_provider(Arc::new(provider))
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(CHECKS_PER_PAIR))
        .with_ice_timeouts(Some(ICE_DISCONNECTED), Some(ICE_FAILED), Some(ICE_KEEPALIVE))
        .with_srflx_acceptance_min_wait(zero)
        .with_prflx_acceptance_min_wait(zero)
        .with_relay_acceptance_min_wait(relay_wait)
        // A host without a multicast route cannot build a connection otherwise.
        .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
        .with_include_loopback_candidate(loopback)
        .with_discard_local_candidates_during_ice_restart(true);
    let (streams, servers) = StreamRelays::replace(&options.ice_servers);
    let runtime = TransportRuntime::new(naps, relays, streams, cookies, nominator)
        .ok_or_else(|| OpenError("there is no async runtime".to_owned()))?;
    let connection = PeerConnectionBuilder::new()
        .with_configuration(configuration(&servers, options.relay_only))
        .with_media_engine(engine)
        .with_setting_engine(settings.build())
        .with_interceptor_registry(registry)
        .with_runtime(Arc::new(runtime))
        .with_handler(Arc::new(handler))
        .with_tcp_addrs(if options.tcp { binds.clone() } else { vec![] })
        .with_udp_addrs(binds)
        .build()
        .await?;
    Ok(Arc::new(connection))
}

/// What the crate goes by, with servers as it can use them.
pub fn configuration(servers: &[IceServer], relay_only: bool) -> RTCConfiguration {
    let server = |server: &IceServer| RTCIceServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.clone(),
    };
    let servers = servers.iter().map(server).collect();
    let mut configuration = RTCConfigurationBuilder::new().with_ice_servers(servers);
    if relay_only {
        configuration = configuration.with_ice_transport_policy(RTCIceTransportPolicy::Relay);
    }
    configuration.build()
}

/// Adds a track for sending.
pub async fn add_track(
    connection: &Arc<dyn PeerConnection>,
    kind: RtpCodecKind,
    codec: RTCRtpCodec,
    stream: &str,
) -> Result<Outgoing> {
    let ssrc = outbound::rand_u32();
    let track = Arc::new(TrackLocalStaticRTP::new(codecs::track(kind, codec, ssrc, stream)));
    let sender = connection.add_track(track.clone()).await?;
    Ok(Outgoing { track, sender, ssrc })
}
