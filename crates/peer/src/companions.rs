//! Streams that accompany others, for interceptors that know sources alone: retransmissions and what
//! makes up for losses. The crate binds none of them on the sending side, so that what numbers and
//! records packets would pass them by, and congestion control would see less than is sent.

use rtc::interceptor::{Interceptor, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use std::time::Instant;

/// Binds what accompanies a stream with it.
pub struct WithCompanions<I>(pub I);

fn companions(info: &StreamInfo) -> impl Iterator<Item = StreamInfo> {
    let ssrcs = [info.ssrc_rtx, info.ssrc_fec].into_iter().flatten();
    ssrcs.map(|ssrc| StreamInfo {
        ssrc,
        rtp_header_extensions: info.rtp_header_extensions.clone(),
        ..Default::default()
    })
}

impl<I: Interceptor> Protocol<TaggedPacket, TaggedPacket, ()> for WithCompanions<I> {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = rtc::shared::error::Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
        self.0.handle_read(packet)
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.0.poll_read()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
        self.0.handle_write(packet)
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.0.poll_write()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Self::Error> {
        self.0.handle_timeout(now)
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.0.poll_timeout()
    }
}

impl<I: Interceptor> Interceptor for WithCompanions<I> {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        self.0.bind_local_stream(info);
        companions(info).for_each(|companion| self.0.bind_local_stream(&companion));
    }

    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        self.0.unbind_local_stream(info);
        companions(info).for_each(|companion| self.0.unbind_local_stream(&companion));
    }

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        self.0.bind_remote_stream(info);
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.0.unbind_remote_stream(info);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::interceptor::{AttributedPacket, Packet, RTPHeaderExtension, TwccSenderBuilder};
    use rtc::rtp::header::Header;

    const URI: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

    #[test]
    fn what_accompanies_a_stream_is_numbered_with_it() {
        let mut numbering = WithCompanions(TwccSenderBuilder::new().build());
        let stream = StreamInfo {
            ssrc: 7,
            ssrc_rtx: Some(8),
            ssrc_fec: Some(9),
            rtp_header_extensions: vec![RTPHeaderExtension { uri: URI.into(), id: 5 }],
            ..Default::default()
        };
        numbering.bind_local_stream(&stream);
        let numbered = |numbering: &mut WithCompanions<_>, ssrc| {
            let header = Header { version: 2, ssrc, ..Default::default() };
            let packet = Packet::Rtp(rtc::rtp::Packet { header, payload: Default::default() });
            let message = AttributedPacket::new(packet);
            let packet =
                TaggedPacket { now: Instant::now(), transport: Default::default(), message };
            Protocol::handle_write(numbering, packet).unwrap();
            match &Protocol::poll_write(numbering).expect("it passes").message.packet {
                Packet::Rtp(rtp) => rtp.header.get_extension(5).map(|number| number.to_vec()),
                _ => None,
            }
        };
        assert_eq!(numbered(&mut numbering, 7), Some(vec![0, 0]));
        assert_eq!(
            numbered(&mut numbering, 8),
            Some(vec![0, 1]),
            "of the connection, not the stream"
        );
        assert_eq!(numbered(&mut numbering, 9), Some(vec![0, 2]));
        numbering.unbind_local_stream(&stream);
        assert_eq!(numbered(&mut numbering, 8), None);
    }
}
