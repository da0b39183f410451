//! Memory that the X server writes images into.

#![allow(unsafe_code, reason = "memory that another process has as well cannot be mapped safely")]

use memmap2::MmapMut;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use std::os::fd::OwnedFd;

/// Makes memory of this size, and what another process gets it by.
pub(super) fn shared_memory(bytes: usize) -> std::io::Result<(OwnedFd, MmapMut)> {
    let fd = memfd_create("tincan-screen", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&fd, bytes as u64)?;
    // Nobody can cut it short under the mapping.
    fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    // SAFETY: the size is sealed, so that every byte of the mapping stays backed. The server
    // writes only while it answers a request for an image, and the answer is waited for before
    // the bytes are read; they are plain bytes, of which every value is valid.
    let map = unsafe { MmapMut::map_mut(&fd)? };
    Ok((fd, map))
}
