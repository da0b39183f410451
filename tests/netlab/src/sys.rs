//! The system calls that the standard library lacks: entering a network namespace, raw access to
//! an interface, and waiting with the precision of the clock. All of the package's `unsafe` is here.

use std::fs::File;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// Room for a packet as large as segmentation offload makes them, with its header.
pub const LARGEST_PACKET: usize = 70_000;
/// Bytes that sockets may hold: a second of 60 Mbit/s.
const SOCKET_BUFFER: libc::c_int = 8 << 20;
/// Room for control messages: a time stamp needs 32 bytes.
const CONTROL: usize = 128;

/// Moves the calling thread into a namespace, for good.
pub fn enter_namespace(namespace: &File) -> io::Result<()> {
    // SAFETY: the descriptor is open for as long as the borrow lasts; the call touches no memory.
    checked(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) }).map(drop)
}

/// Runs the calling thread before all ordinary ones and wakes it without slack. Best effort: a
/// container may forbid it, and the wire is then less exact.
pub fn make_punctual() {
    let priority = libc::sched_param { sched_priority: 10 };
    // SAFETY: zero is the calling thread; `priority` outlives the call, which only reads it.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const priority) };
    // SAFETY: takes numbers alone.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64, 0_u64, 0_u64, 0_u64) };
}

/// Nanoseconds since the epoch by the clock that stamps packets.
pub fn now() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable and outlives the call, which cannot fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// All that arrives at one interface, and a way to send from it. Packets carry the header of
/// `virtio_net` in front, so that what offloading left undone is done where they go.
#[derive(Debug)]
pub struct PacketSocket(OwnedFd);

impl PacketSocket {
    /// Opens it on an interface of the calling thread's namespace.
    pub fn open(interface: &str) -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: takes numbers alone.
        let socket = checked(unsafe { libc::socket(libc::AF_PACKET, kind, 0) })?;
        // SAFETY: the descriptor was just made and nobody else has it.
        let socket = Self(unsafe { OwnedFd::from_raw_fd(socket) });
        let name = std::ffi::CString::new(interface).map_err(io::Error::other)?;
        // SAFETY: `name` is a terminated string that outlives the call.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        if index == 0 {
            return Err(io::Error::last_os_error());
        }
        for (level, option, value) in [
            (libc::SOL_PACKET, libc::PACKET_VNET_HDR, 1),
            (libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1),
            (libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1),
            (libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, SOCKET_BUFFER),
            (libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, SOCKET_BUFFER),
        ] {
            socket.set(level, option, &value)?;
        }
        let everything = libc::packet_mreq {
            mr_ifindex: index as libc::c_int,
            mr_type: libc::PACKET_MR_PROMISC as libc::c_ushort,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        socket.set(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &everything)?;
        // SAFETY: all fields are plain numbers, for which zero is a value.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as libc::c_ushort;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = index as libc::c_int;
        let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: `address` is a `sockaddr_ll` of that length and outlives the call.
        checked(unsafe { libc::bind(socket.fd(), (&raw const address).cast(), length) })?;
        Ok(socket)
    }

    /// The next packet: how long it is with its header, and when it arrived; none if there is none.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<(usize, i64)>> {
        let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        // As words, since control messages must be aligned.
        let mut control = [0_u64; CONTROL / 8];
        // SAFETY: all fields are numbers and pointers, for which zero is a value.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = CONTROL;
        // SAFETY: `message` points at `part`, `buffer` and `control`, with their lengths; all of
        // them outlive the call.
        let length = unsafe { libc::recvmsg(self.fd(), &raw mut message, 0) };
        if length < 0 {
            let error = io::Error::last_os_error();
            let nothing =
                matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
                    || error.raw_os_error() == Some(libc::ENETDOWN);
            return if nothing { Ok(None) } else { Err(error) };
        }
        Ok(Some((length as usize, stamp(&message).unwrap_or_else(now))))
    }

    /// Sends a packet. One that cannot go now is lost, as on a wire.
    pub fn send(&self, packet: &[u8]) {
        // SAFETY: `packet` is readable for its length and outlives the call.
        unsafe { libc::send(self.fd(), packet.as_ptr().cast(), packet.len(), 0) };
    }

    fn set<T>(&self, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
        let length = size_of::<T>() as libc::socklen_t;
        let value: *const T = value;
        // SAFETY: `value` is readable for `length` bytes and outlives the call.
        let outcome = unsafe { libc::setsockopt(self.fd(), level, option, value.cast(), length) };
        checked(outcome).map(drop)
    }

    fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Waits until one of the sockets has a packet, or the time is over.
pub fn wait(sockets: [&PacketSocket; 2], time: Duration) -> io::Result<()> {
    let mut watched =
        sockets.map(|socket| libc::pollfd { fd: socket.fd(), events: libc::POLLIN, revents: 0 });
    let time = libc::timespec {
        tv_sec: time.as_secs() as libc::time_t,
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    let count = watched.len() as libc::nfds_t;
    // SAFETY: `watched` has `count` entries; it and `time` outlive the call; no signal mask.
    let outcome =
        unsafe { libc::ppoll(watched.as_mut_ptr(), count, &raw const time, std::ptr::null()) };
    match checked(outcome) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// When the kernel got a packet.
fn stamp(message: &libc::msghdr) -> Option<i64> {
    // SAFETY: `message` was filled in by `recvmsg`, and its control buffer still lives.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !header.is_null() {
        // SAFETY: not null, so it lies within the control buffer, which is aligned for it.
        let found = unsafe { *header };
        if found.cmsg_level == libc::SOL_SOCKET && found.cmsg_type == libc::SCM_TIMESTAMPNS {
            // SAFETY: the kernel wrote a `timespec` there; it may be unaligned.
            let time: libc::timespec =
                unsafe { std::ptr::read_unaligned(libc::CMSG_DATA(header).cast()) };
            return Some(time.tv_sec * 1_000_000_000 + time.tv_nsec);
        }
        // SAFETY: as for the first.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    None
}

fn checked(outcome: libc::c_int) -> io::Result<libc::c_int> {
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(outcome) }
}
