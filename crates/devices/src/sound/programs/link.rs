//! A connection to a PulseAudio or PipeWire server that asks what plays and records single streams.
//! The client of the crate cannot ask for streams, so this speaks the protocol itself.

use super::whose::Stream;
use crate::sound::cookie;
use pulseaudio::protocol::{
    AuthParams, AuthReply, ChannelMap, Command, CreateRecordStreamReply, DESCRIPTOR_SIZE,
    MAX_MEMBLOCKQ_LENGTH, MAX_VERSION, Prop, Props, ProtocolError, RecordStreamParams,
    SampleFormat, SampleSpec, SetClientNameReply, SinkInputInfoList, read_descriptor,
    read_reply_message, stream::BufferAttr, stream::StreamFlags, write_command_message,
};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::io::{Cursor, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use tincan_media::audio::{BLOCK_SAMPLES, SAMPLE_RATE};

/// How long the server may take to greet.
const GREETING: Duration = Duration::from_secs(2);
/// Read at once.
const PIECE: usize = 16 * 1024;
/// The channel of packets that are no sound.
const CONTROL: u32 = u32::MAX;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// No server is known.
    #[error("there is no sound server")]
    None,
    /// It went away, or does not answer.
    #[error("the sound server does not answer: {0}")]
    Lost(#[from] std::io::Error),
    /// It does not keep to the protocol, or refuses us.
    #[error("the sound server is not understood: {0}")]
    Protocol(#[from] ProtocolError),
}

/// What comes from the server.
#[derive(Debug)]
pub(super) enum Heard {
    /// What plays now.
    Streams(Vec<Stream>),
    /// A stream is recorded from now on.
    Recording { stream: u32, channel: u32 },
    /// It cannot be recorded.
    Refused { stream: u32 },
    /// A recording has ended.
    Ended { channel: u32 },
    /// A piece of a recording: mono at 48 kHz.
    Sound { channel: u32, samples: Vec<f32> },
}

enum Asked {
    Streams,
    Record(u32),
}

/// The connection.
pub(super) struct Link {
    socket: UnixStream,
    version: u16,
    /// What has come and was not understood yet.
    incoming: Vec<u8>,
    next: u32,
    asked: BTreeMap<u32, Asked>,
}

/// Whether a server takes connections.
pub(super) fn answers() -> bool {
    pulseaudio::socket_path_from_env().is_some_and(|path| UnixStream::connect(path).is_ok())
}

impl Link {
    /// Connects to the server of the environment.
    pub(super) fn connect() -> Result<Self, LinkError> {
        cookie::provide();
        let path = pulseaudio::socket_path_from_env().ok_or(LinkError::None)?;
        let cookie = pulseaudio::cookie_path_from_env().map(std::fs::read);
        let socket = UnixStream::connect(path)?;
        socket.set_write_timeout(Some(GREETING))?;
        let (incoming, asked) = (Vec::new(), BTreeMap::new());
        let mut link = Self { socket, version: MAX_VERSION, incoming, next: 0, asked };
        let auth = AuthParams {
            version: MAX_VERSION,
            supports_shm: false,
            supports_memfd: false,
            cookie: cookie.and_then(Result::ok).unwrap_or_default(),
        };
        let (_, reply): (_, AuthReply) = link.greet(&Command::Auth(auth))?;
        link.version = reply.version.min(MAX_VERSION);
        let mut props = Props::new();
        props.set(Prop::ApplicationName, c"Tincan");
        let process = CString::new(std::process::id().to_string()).unwrap_or_default();
        props.set(Prop::ApplicationProcessId, process);
        let _: (_, SetClientNameReply) = link.greet(&Command::SetClientName(props))?;
        Ok(link)
    }

    /// Asks what plays.
    pub(super) fn ask_for_streams(&mut self) -> Result<(), LinkError> {
        self.ask(&Command::GetSinkInputInfoList, Some(Asked::Streams)).map(drop)
    }

    /// Asks for the sound of one stream alone.
    pub(super) fn record(&mut self, stream: u32) -> Result<(), LinkError> {
        let ten_ms = (BLOCK_SAMPLES * size_of::<f32>()) as u32;
        let params = RecordStreamParams {
            sample_spec: SampleSpec {
                format: SampleFormat::Float32Le,
                channels: 1,
                sample_rate: SAMPLE_RATE,
            },
            channel_map: ChannelMap::mono(),
            buffer_attr: BufferAttr {
                max_length: u32::MAX,
                fragment_size: ten_ms,
                ..BufferAttr::default()
            },
            flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
            direct_on_input_index: Some(stream),
            ..RecordStreamParams::default()
        };
        let command = Command::CreateRecordStream(params);
        self.ask(&command, Some(Asked::Record(stream))).map(drop)
    }

    /// Ends a recording.
    pub(super) fn stop_recording(&mut self, channel: u32) -> Result<(), LinkError> {
        self.ask(&Command::DeleteRecordStream(channel), None).map(drop)
    }

    /// The next that comes until `due`.
    pub(super) fn hear(&mut self, due: Instant) -> Result<Option<Heard>, LinkError> {
        loop {
            while let Some(packet) = self.packet(due)? {
                if let Some(heard) = self.understand(&packet)? {
                    return Ok(Some(heard));
                }
            }
            if Instant::now() >= due {
                return Ok(None);
            }
        }
    }

    fn ask(&mut self, command: &Command, asked: Option<Asked>) -> Result<u32, LinkError> {
        let number = self.next;
        self.next += 1;
        write_command_message(&mut self.socket, number, command, self.version)?;
        if let Some(asked) = asked {
            self.asked.insert(number, asked);
        }
        Ok(number)
    }

    fn greet<T: pulseaudio::protocol::CommandReply>(
        &mut self,
        command: &Command,
    ) -> Result<(u32, T), LinkError> {
        self.ask(command, None)?;
        let due = Instant::now() + GREETING;
        while Instant::now() < due {
            if let Some(packet) = self.packet(due)? {
                return Ok(read_reply_message(&mut Cursor::new(packet), self.version)?);
            }
        }
        Err(LinkError::Lost(ErrorKind::TimedOut.into()))
    }

    /// A whole packet, if it comes in time.
    fn packet(&mut self, due: Instant) -> Result<Option<Vec<u8>>, LinkError> {
        loop {
            if let Some(head) = self.incoming.get(..DESCRIPTOR_SIZE) {
                let length = read_descriptor(&mut Cursor::new(head))?.length as usize;
                if length > MAX_MEMBLOCKQ_LENGTH {
                    return Err(ProtocolError::Invalid("a packet is too long".into()).into());
                }
                let whole = DESCRIPTOR_SIZE + length;
                if self.incoming.len() >= whole {
                    return Ok(Some(self.incoming.drain(..whole).collect()));
                }
            }
            let left = due.saturating_duration_since(Instant::now());
            // No time at all would mean to wait for ever.
            self.socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            let mut piece = [0; PIECE];
            match self.socket.read(&mut piece) {
                Ok(0) => return Err(LinkError::Lost(ErrorKind::UnexpectedEof.into())),
                Ok(length) => self.incoming.extend_from_slice(&piece[..length]),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {
                        return Ok(None);
                    }
                    _ => return Err(error.into()),
                },
            }
        }
    }

    fn understand(&mut self, packet: &[u8]) -> Result<Option<Heard>, LinkError> {
        let (head, body) = packet.split_at(DESCRIPTOR_SIZE);
        let channel = read_descriptor(&mut Cursor::new(head))?.channel;
        if channel != CONTROL {
            let (samples, _) = body.as_chunks::<4>();
            let samples = samples.iter().map(|bytes| f32::from_le_bytes(*bytes)).map(sane);
            return Ok(Some(Heard::Sound { channel, samples: samples.collect() }));
        }
        let (number, command) = Command::read_tag_prefixed(&mut Cursor::new(body), self.version)?;
        let heard = match (command, self.asked.remove(&number)) {
            (Command::Reply, Some(Asked::Streams)) => {
                let (_, list): (_, SinkInputInfoList) =
                    read_reply_message(&mut Cursor::new(packet), self.version)?;
                let streams = list.iter().map(|input| Stream {
                    index: input.index,
                    process: text(&input.props, Prop::ApplicationProcessId)
                        .and_then(|text| text.parse().ok()),
                    binary: text(&input.props, Prop::ApplicationProcessBinary),
                });
                Heard::Streams(streams.collect())
            }
            (Command::Reply, Some(Asked::Record(stream))) => {
                let (_, reply): (_, CreateRecordStreamReply) =
                    read_reply_message(&mut Cursor::new(packet), self.version)?;
                Heard::Recording { stream, channel: reply.channel }
            }
            (Command::Error(_), Some(Asked::Record(stream))) => Heard::Refused { stream },
            (Command::RecordStreamKilled(channel), _) => Heard::Ended { channel },
            _ => return Ok(None),
        };
        Ok(Some(heard))
    }
}

fn text(props: &Props, prop: Prop) -> Option<String> {
    let bytes = props.get(prop)?;
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// Programs may play anything.
fn sane(sample: f32) -> f32 {
    if sample.is_finite() { sample } else { 0.0 }
}
