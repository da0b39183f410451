//! Between RTP packets and access units: RFC 6184 both ways, and order out of disorder; redundant sound.

pub mod ages;
pub mod frame_assembler;
pub mod h264_depacketizer;
pub mod h264_packetizer;
pub mod picture_playout;
pub mod red;
pub mod sender_report;
pub mod sequence;
