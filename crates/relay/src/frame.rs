//! A packet in its buffer, with room around it: what is relayed gets another header in place of
//! being copied.

use std::ops::Range;

/// Room before a packet: a Data indication's header for an IPv6 peer takes 48 bytes.
pub const HEADROOM: usize = 64;
/// Room after a packet for padding.
pub const TAILROOM: usize = 4;
/// Longest packet.
pub const MAX_PACKET: usize = 65_535 + 20;
/// Bytes that a buffer for any packet needs.
pub const BUFFER: usize = HEADROOM + MAX_PACKET + TAILROOM;

/// A packet in its buffer.
#[derive(Debug)]
pub struct Frame<'a> {
    buffer: &'a mut [u8],
    range: Range<usize>,
}

impl<'a> Frame<'a> {
    /// The packet that lies at [`HEADROOM`].
    ///
    /// # Panics
    /// If the buffer has no [`TAILROOM`] after so many bytes.
    pub fn new(buffer: &'a mut [u8], length: usize) -> Self {
        assert!(buffer.len() >= HEADROOM + length + TAILROOM, "the buffer has room");
        Self { buffer, range: HEADROOM..HEADROOM + length }
    }

    /// The packet.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.range.clone()]
    }

    /// Leaves only a part of the packet.
    pub(crate) fn narrow(&mut self, part: Range<usize>) {
        debug_assert!(part.start <= part.end && part.end <= self.range.len());
        self.range = self.range.start + part.start..self.range.start + part.end;
    }

    /// The room before the packet.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        &mut self.buffer[..self.range.start]
    }

    /// Makes the last bytes of the room part of the packet.
    pub(crate) fn take_room(&mut self, length: usize) {
        self.range.start -= length;
    }

    pub(crate) fn prepend(&mut self, header: &[u8]) {
        let start = self.range.start - header.len();
        self.buffer[start..self.range.start].copy_from_slice(header);
        self.range.start = start;
    }

    /// Adds zeros until the length is a multiple of four.
    pub(crate) fn pad(&mut self) {
        let end = self.range.start + self.range.len().next_multiple_of(4);
        self.buffer[self.range.end..end].fill(0);
        self.range.end = end;
    }
}
