//! The pictures of a session: a PipeWire stream on a thread of its own.

use super::super::delivery::{Delivery, Pixels};
use pipewire as pw;
use pw::context::ContextRc;
use pw::main_loop::MainLoopRc;
use pw::spa::buffer::ChunkFlags;
use pw::spa::buffer::meta::{MetaHeader, MetaHeaderFlags, MetaVideoCrop};
use pw::spa::param::ParamType;
use pw::spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use pw::spa::param::video::{VideoFormat, VideoInfoRaw};
use pw::spa::pod::serialize::PodSerializer;
use pw::spa::pod::{Object, Pod, Property, Value, object, property};
use pw::spa::utils::{Direction, Fraction, Id, Rectangle, SpaTypes};
use pw::stream::{StreamFlags, StreamRc, StreamState};
use std::os::fd::OwnedFd;
use std::thread::JoinHandle;
use std::time::Instant;
use tincan_media::process::convert::PixelFormat;
use tincan_proto::units::Resolution;
use tokio::sync::mpsc;

/// Thirty pictures a second at most.
const FASTEST: Fraction = Fraction { num: 30, denom: 1 };
/// Events that may wait for the session, which takes them at once. When full, one is lost, and the
/// end is still noticed by the channel's own.
const EVENTS: usize = 32;

/// What the stream tells the session. When it is over, nothing more comes.
#[derive(Debug)]
pub(super) enum Seen {
    /// Its pictures have this size from now on.
    Size(Resolution),
    /// It delivers, or pauses.
    Flows(bool),
    /// What it shows is there, or has vanished.
    Source(bool),
    /// Its pictures cannot be read.
    Unsupported(String),
}

struct End;

/// The running stream. Dropping it ends it before it returns.
pub(super) struct Stream {
    end: pw::channel::Sender<End>,
    thread: Option<JoinHandle<()>>,
}

impl Stream {
    /// Connects to PipeWire through the portal's `remote` and delivers what `node` shows.
    pub(super) fn start(
        remote: OwnedFd,
        node: u32,
        delivery: Delivery,
    ) -> (Self, mpsc::Receiver<Seen>) {
        let (end, ended) = pw::channel::channel();
        let (tell, told) = mpsc::channel(EVENTS);
        let thread = std::thread::Builder::new()
            .name("screen pictures".into())
            .spawn(move || {
                if let Err(error) = run(remote, node, delivery, &tell, ended) {
                    tracing::warn!(%error, "no pictures come from PipeWire");
                    let _ = tell.try_send(Seen::Unsupported(error.to_string()));
                }
            })
            .inspect_err(|error| tracing::error!(%error, "no thread can be started"))
            .ok();
        (Self { end, thread }, told)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // A thread that has ended by itself hears nothing.
        let _ = self.end.send(End);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of a screen's pictures panicked");
        }
    }
}

struct Pictures {
    format: VideoInfoRaw,
    delivery: Delivery,
}

fn run(
    remote: OwnedFd,
    node: u32,
    delivery: Delivery,
    tell: &mpsc::Sender<Seen>,
    ended: pw::channel::Receiver<End>,
) -> Result<(), pw::Error> {
    pw::init();
    let main_loop = MainLoopRc::new(None)?;
    let context = ContextRc::new(&main_loop, None)?;
    let core = context.connect_fd_rc(remote, None)?;
    let quit = |main_loop: &MainLoopRc| {
        let main_loop = main_loop.clone();
        move || main_loop.quit()
    };
    let tell_to = |tell: &mpsc::Sender<Seen>| {
        let tell = tell.clone();
        move |seen| drop(tell.try_send(seen))
    };

    let end = quit(&main_loop);
    let _ended = ended.attach(main_loop.loop_(), move |End| end());
    let end = quit(&main_loop);
    let _core = core
        .add_listener_local()
        .error(move |id, _, code, message| {
            tracing::info!(id, code, message, "PipeWire reports an error");
            if id == pw::core::PW_ID_CORE {
                end();
            }
        })
        .register();
    let registry = core.get_registry_rc()?;
    let (came, went) = (tell_to(tell), tell_to(tell));
    let _registry = registry
        .add_listener_local()
        .global(move |global| {
            if global.id == node {
                came(Seen::Source(true));
            }
        })
        .global_remove(move |id| {
            if id == node {
                went(Seen::Source(false));
            }
        })
        .register();

    let properties = pw::properties::properties! {
        *pw::keys::MEDIA_TYPE => "Video",
        *pw::keys::MEDIA_CATEGORY => "Capture",
        *pw::keys::MEDIA_ROLE => "Screen",
    };
    let stream = StreamRc::new(core.clone(), "tincan-share", properties)?;
    let (flows, sized, end) = (tell_to(tell), tell_to(tell), quit(&main_loop));
    let pictures = Pictures { format: VideoInfoRaw::default(), delivery };
    let _stream = stream
        .add_local_listener_with_user_data(pictures)
        .state_changed(move |_, _, _, state| match state {
            StreamState::Streaming => flows(Seen::Flows(true)),
            StreamState::Paused => flows(Seen::Flows(false)),
            StreamState::Connecting => {}
            StreamState::Unconnected | StreamState::Error(_) => end(),
        })
        .param_changed(move |stream, pictures, id, param| {
            let Some(param) = param.filter(|_| id == ParamType::Format.as_raw()) else { return };
            if pictures.format.parse(param).is_err() {
                return;
            }
            let size = pictures.format.size();
            sized(Seen::Size(Resolution::new(size.width, size.height)));
            if let Err(error) = ask_for_buffers(stream) {
                tracing::warn!(%error, "the buffers stay as they are");
            }
        })
        .process(take)
        .register()?;
    let format = serialized(formats());
    let mut params: Vec<&Pod> = Pod::from_bytes(&format).into_iter().collect();
    let flags = StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS;
    stream.connect(Direction::Input, Some(node), flags, &mut params)?;
    main_loop.run();
    stream.disconnect()
}

/// Delivers the newest picture that has come.
fn take(stream: &pw::stream::Stream, pictures: &mut Pictures) {
    let captured = Instant::now();
    let mut newest = None;
    while let Some(buffer) = stream.dequeue_buffer() {
        newest = Some(buffer);
    }
    let Some(mut buffer) = newest else { return };
    let header = buffer.find_meta::<MetaHeader>().map(MetaHeader::flags);
    let crop = buffer.find_meta::<MetaVideoCrop>().filter(|crop| crop.meta_region().is_valid());
    let crop = crop.map(|crop| (crop.meta_region().position(), crop.meta_region().size()));
    let Some(data) = buffer.datas_mut().first_mut() else { return };
    let chunk = data.chunk();
    let torn = chunk.flags().contains(ChunkFlags::CORRUPTED)
        || header.is_some_and(|flags| flags.contains(MetaHeaderFlags::CORRUPTED));
    let (offset, length) = (chunk.offset() as usize, chunk.size() as usize);
    let (Ok(stride), Some(format)) = (u32::try_from(chunk.stride()), pixels(&pictures.format))
    else {
        return;
    };
    let size = pictures.format.size();
    let mut size = Resolution::new(size.width, size.height);
    let mut start = offset;
    if let Some((corner, part)) = crop
        && let (Ok(x), Ok(y)) = (u32::try_from(corner.x), u32::try_from(corner.y))
        && x.saturating_add(part.width) <= size.width
        && y.saturating_add(part.height) <= size.height
    {
        start += y as usize * stride as usize + x as usize * 4;
        size = Resolution::new(part.width, part.height);
    }
    // A buffer without pixels tells of the pointer alone.
    if torn || length == 0 {
        return;
    }
    let Some(bytes) = data.data().and_then(|bytes| bytes.get(start..)) else { return };
    pictures.delivery.put(&Pixels { format, bytes, stride, size }, captured);
}

fn pixels(format: &VideoInfoRaw) -> Option<PixelFormat> {
    match format.format() {
        VideoFormat::BGRx | VideoFormat::BGRA => Some(PixelFormat::Bgra),
        VideoFormat::RGBx | VideoFormat::RGBA => Some(PixelFormat::Rgba),
        _ => None,
    }
}

/// What we can read. Without modifiers, so that the pictures come in memory that we can map.
fn formats() -> Object {
    let largest = Rectangle { width: 8192, height: 8192 };
    object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        property!(FormatProperties::MediaType, Id, MediaType::Video),
        property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        property!(
            FormatProperties::VideoFormat,
            Choice,
            Enum,
            Id,
            VideoFormat::BGRx,
            VideoFormat::BGRx,
            VideoFormat::BGRA,
            VideoFormat::RGBx,
            VideoFormat::RGBA
        ),
        property!(
            FormatProperties::VideoSize,
            Choice,
            Range,
            Rectangle,
            Rectangle { width: 1920, height: 1080 },
            Rectangle { width: 1, height: 1 },
            largest
        ),
        property!(
            FormatProperties::VideoFramerate,
            Choice,
            Range,
            Fraction,
            Fraction { num: 0, denom: 1 },
            Fraction { num: 0, denom: 1 },
            Fraction { num: 1000, denom: 1 }
        ),
        property!(
            FormatProperties::VideoMaxFramerate,
            Choice,
            Range,
            Fraction,
            FASTEST,
            Fraction { num: 1, denom: 1 },
            FASTEST
        ),
    )
}

/// Asks for buffers that can be mapped, with what says which part of them counts.
fn ask_for_buffers(stream: &pw::stream::Stream) -> Result<(), pw::Error> {
    use pw::spa::sys;
    let memory = 1 << sys::SPA_DATA_MemFd | 1 << sys::SPA_DATA_MemPtr;
    let buffers = object!(
        SpaTypes::ObjectParamBuffers,
        ParamType::Buffers,
        Property::new(sys::SPA_PARAM_BUFFERS_dataType, Value::Int(memory)),
    );
    let meta = |kind, size: usize| {
        object!(
            SpaTypes::ObjectParamMeta,
            ParamType::Meta,
            Property::new(sys::SPA_PARAM_META_type, Value::Id(Id(kind))),
            // Structures of some ten bytes.
            Property::new(sys::SPA_PARAM_META_size, Value::Int(size as i32)),
        )
    };
    let wanted = [
        buffers,
        meta(sys::SPA_META_Header, size_of::<sys::spa_meta_header>()),
        meta(sys::SPA_META_VideoCrop, size_of::<sys::spa_meta_region>()),
    ]
    .map(serialized);
    let mut params: Vec<&Pod> = wanted.iter().filter_map(|bytes| Pod::from_bytes(bytes)).collect();
    stream.update_params(&mut params)
}

fn serialized(object: Object) -> Vec<u8> {
    PodSerializer::serialize(std::io::Cursor::new(Vec::new()), &Value::Object(object))
        .map(|(written, _)| written.into_inner())
        .expect("a vector takes all that is written to it")
}
