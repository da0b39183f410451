//! Threads that join devices, processing, codecs and the network. Each lives as long as its
//! handle; codecs and processing stay on their thread.

pub mod audio_receive;
pub mod audio_send;
mod cadence;
mod freezes;
pub mod key_frame_pace;
pub mod real_time;
pub mod sound_clock;
pub mod video_receive;
pub mod video_send;
pub mod worker;

#[cfg(test)]
mod tests;
