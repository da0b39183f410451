//! Pictures to access units. Decides the encoder's settings and when it is built anew; when to
//! ask for key frames is the caller's decision.

use super::library::library;
use crate::encoded::EncodedVideo;
use crate::frame::VideoFrame;
use bytes::Bytes;
use openh264::Timestamp;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameType, Profile, RateControlMode, UsageType,
};
use openh264::formats::YUVSource;
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_TRACE_LEVEL,
    SBitrateInfo, SPATIAL_LAYER_0, SPATIAL_LAYER_ALL, WELS_LOG_QUIET,
};
use std::time::Instant;
use tincan_proto::units::{Bitrate, FrameRate, Resolution};

/// What the pictures show, which decides the encoder's tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Natural pictures: lowest complexity, which costs 0.1 dB and saves a tenth of the time.
    Camera,
    /// Text and windows: screen tools at medium complexity, worth 7 dB at the same rate.
    Screen,
}

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderSettings {
    /// The size expected first; a picture of another size is taken as well.
    pub resolution: Resolution,
    /// The highest rate of pictures, which rate control plans with.
    pub rate: FrameRate,
    /// The target.
    pub bitrate: Bitrate,
    /// What is to be encoded.
    pub content: Content,
}

impl Default for EncoderSettings {
    /// A camera at 640 x 480, 30 pictures and 1500 kbit a second.
    fn default() -> Self {
        Self {
            resolution: Resolution::VGA,
            rate: FrameRate::from_fps(30),
            bitrate: Bitrate::from_kbps(1_500),
            content: Content::Camera,
        }
    }
}

/// Why a picture was not encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// OpenH264 could not be set up for this size or rate.
    #[error("the encoder cannot be set up for {resolution}: {reason}")]
    Setup {
        /// The size asked for.
        resolution: Resolution,
        /// OpenH264's words.
        reason: String,
    },
    /// OpenH264 refused the picture.
    #[error("the encoder failed: {0}")]
    Encode(String),
}

/// An H.264 encoder. Key frames come first, after a change of size, and on request; never by
/// themselves.
pub struct H264Encoder {
    settings: EncoderSettings,
    encoder: Encoder,
    /// The size that `encoder` was initialised with, once it has seen a picture.
    size: Option<Resolution>,
    start: Instant,
}

impl H264Encoder {
    /// Makes an encoder.
    ///
    /// # Errors
    /// [`EncodeError::Setup`].
    pub fn new(settings: EncoderSettings) -> Result<Self, EncodeError> {
        let encoder = build(&settings)?;
        Ok(Self { settings, encoder, size: None, start: Instant::now() })
    }

    /// Encodes a picture. `None`: the encoder skipped it, nothing is to be sent.
    ///
    /// # Errors
    /// [`EncodeError`]; the next picture may work again.
    pub fn encode(
        &mut self,
        frame: &VideoFrame,
        force_key: bool,
    ) -> Result<Option<EncodedVideo>, EncodeError> {
        let resolution = frame.resolution();
        if self.size.is_some_and(|size| size != resolution) {
            // OpenH264 can change size in place, but falls back to its first bit rate then.
            self.settings.resolution = resolution;
            self.encoder = build(&self.settings)?;
            self.size = None;
        }
        if force_key && self.size.is_some() {
            self.encoder.force_intra_frame();
        }
        let millis = frame.captured().saturating_duration_since(self.start).as_millis();
        let at = Timestamp::from_millis(u64::try_from(millis).unwrap_or(0));
        let coded = self.encoder.encode_at(&I420(frame), at).map_err(|e| match self.size {
            None => EncodeError::Setup { resolution, reason: e.to_string() },
            Some(_) => EncodeError::Encode(e.to_string()),
        })?;
        let key = coded.frame_type() == FrameType::IDR;
        let mut annex_b = Vec::with_capacity(if key { 64 << 10 } else { 16 << 10 });
        coded.write_vec(&mut annex_b);
        self.size = Some(resolution);
        if annex_b.is_empty() {
            return Ok(None);
        }
        Ok(Some(EncodedVideo {
            annex_b: Bytes::from(annex_b),
            key,
            resolution,
            captured: frame.captured(),
        }))
    }

    /// Changes the target rate from the next picture on, without a key frame.
    ///
    /// # Errors
    /// [`EncodeError::Encode`] where OpenH264 refuses the rate; the old one stays.
    pub fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        let before = self.settings.bitrate;
        self.settings.bitrate = bitrate;
        if self.size.is_none() {
            self.encoder = build(&self.settings)?;
            return Ok(());
        }
        // A target above the maximum is refused, so the maximum moves first when it rises.
        let max = (ENCODER_OPTION_MAX_BITRATE, SPATIAL_LAYER_0);
        let target = (ENCODER_OPTION_BITRATE, SPATIAL_LAYER_ALL);
        let order = if bitrate > before { [max, target] } else { [target, max] };
        for (option, layer) in order {
            self.set_rate_option(option, layer, bitrate)?;
        }
        Ok(())
    }

    /// The target rate.
    pub fn bitrate(&self) -> Bitrate {
        self.settings.bitrate
    }

    fn set_rate_option(
        &mut self,
        option: ENCODER_OPTION,
        layer: i32,
        bitrate: Bitrate,
    ) -> Result<(), EncodeError> {
        let mut rate = SBitrateInfo {
            iLayer: layer,
            iBitrate: i32::try_from(bitrate.bps()).unwrap_or(i32::MAX),
        };
        // SAFETY: `size` is set, so the encoder is initialised, which these options need; both
        // read an `SBitrateInfo` during the call only, and `rate` outlives it.
        let result = unsafe { self.encoder.raw_api().set_option(option, (&raw mut rate).cast()) };
        match result {
            0 => Ok(()),
            code => Err(EncodeError::Encode(format!("rate option {option} refused ({code})"))),
        }
    }
}

fn build(settings: &EncoderSettings) -> Result<Encoder, EncodeError> {
    let (usage, complexity) = match settings.content {
        Content::Camera => (UsageType::CameraVideoRealTime, Complexity::Low),
        Content::Screen => (UsageType::ScreenContentRealTime, Complexity::Medium),
    };
    let camera = settings.content == Content::Camera;
    let config = EncoderConfig::new()
        .bitrate(BitRate::from_bps(settings.bitrate.bps()))
        .max_frame_rate(openh264::encoder::FrameRate::from_hz(settings.rate.fps() as f32))
        .rate_control_mode(RateControlMode::Bitrate)
        .profile(Profile::Baseline)
        .usage_type(usage)
        .complexity(complexity)
        // A skipped picture is a visible stutter; a few bits too many are not.
        .skip_frames(false)
        // One slice a picture leaves nothing for a second thread.
        .num_threads(1)
        // An unasked key frame costs ten pictures' worth of bits.
        .scene_change_detect(false)
        .adaptive_quantization(camera)
        .background_detection(camera);
    let failed = |reason| EncodeError::Setup { resolution: settings.resolution, reason };
    let library = library().map_err(failed)?;
    let mut encoder =
        Encoder::with_api_config(library, config).map_err(|e| failed(e.to_string()))?;
    quieten(&mut encoder);
    Ok(encoder)
}

/// Keeps OpenH264 from writing to the standard error output while it is initialised, that skipping
/// is off and the like.
fn quieten(encoder: &mut Encoder) {
    let mut level = WELS_LOG_QUIET;
    // SAFETY: this option alone is allowed before the encoder is initialised; it reads an `int`
    // during the call only.
    let _ignored = unsafe {
        encoder.raw_api().set_option(ENCODER_OPTION_TRACE_LEVEL, (&raw mut level).cast())
    };
}

/// A picture as OpenH264 reads it, without a copy.
struct I420<'a>(&'a VideoFrame);

impl YUVSource for I420<'_> {
    fn dimensions(&self) -> (usize, usize) {
        (self.0.resolution().width as usize, self.0.resolution().height as usize)
    }

    fn strides(&self) -> (usize, usize, usize) {
        let width = self.0.resolution().width as usize;
        (width, width / 2, width / 2)
    }

    fn y(&self) -> &[u8] {
        self.0.y()
    }

    fn u(&self) -> &[u8] {
        self.0.u()
    }

    fn v(&self) -> &[u8] {
        self.0.v()
    }
}
