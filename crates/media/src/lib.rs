//! Sound and pictures between devices and the network: frames, the ports to devices,
//! processing, codecs, jitter buffering and the pipelines that join them. Opens no device
//! and no socket.

pub mod audio;
pub mod codec;
pub mod congestion;
pub mod device;
pub mod encoded;
pub mod frame;
pub mod jitter;
pub mod ladder;
pub mod mailbox;
pub mod mixer;
pub mod pipeline;
pub mod process;
pub mod rtp;
pub mod sample;
pub mod screen;
pub mod synthetic;
pub mod tones;
