//! A wire between a client and its router. Whole, it is a bridge of the kernel; impaired, it is a
//! thread that takes packets from one end and puts them out at the other when they are due. The
//! kernel's netem would do as well, but containers' kernels often lack it.

mod lane;

pub use lane::Impairment;

use crate::namespace::Namespace;
use crate::sys::{self, PacketSocket};
use anyhow::{Context, Result};
use lane::Lane;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The wire's end at the client, in its namespace.
pub const LEFT: &str = "left";
/// The wire's end at the router.
pub const RIGHT: &str = "right";
/// How often an idle wire looks whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Most packets taken from one end before looking at what is due.
const BATCH: usize = 64;

/// A wire with its ends in a namespace of its own.
#[derive(Debug)]
pub struct Wire {
    namespace: Namespace,
    impaired: Option<Impaired>,
}

impl Wire {
    /// Joins the two ends, which must be in the namespace already.
    pub fn join(namespace: Namespace) -> Result<Self> {
        namespace.ip(&format!(
            "link add name br0 type bridge mcast_snooping 0\nlink set br0 up\n\
             link set {LEFT} up\nlink set {RIGHT} up\n\
             link set {LEFT} master br0\nlink set {RIGHT} master br0"
        ))?;
        Ok(Self { namespace, impaired: None })
    }

    /// Makes it do this to packets from now on. What is on its way arrives.
    pub fn impair(&mut self, impairment: Impairment) -> Result<()> {
        if let Some(impaired) = &self.impaired {
            *impaired.what.lock().unwrap_or_else(PoisonError::into_inner) = impairment;
            return Ok(());
        }
        if impairment == Impairment::default() {
            return Ok(());
        }
        let open = || Ok([PacketSocket::open(LEFT)?, PacketSocket::open(RIGHT)?]);
        let ends = self.namespace.enter(open).context("while opening the wire's ends")?;
        self.namespace.ip(&format!("link set {LEFT} nomaster\nlink set {RIGHT} nomaster"))?;
        self.impaired = Some(Impaired::start(ends, impairment)?);
        Ok(())
    }
}

/// The thread of an impaired wire; dropping it ends it.
#[derive(Debug)]
struct Impaired {
    what: Arc<Mutex<Impairment>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Impaired {
    fn start(ends: [PacketSocket; 2], impairment: Impairment) -> Result<Self> {
        let what = Arc::new(Mutex::new(impairment));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new().name("wire".into()).spawn({
            let (what, stop) = (what.clone(), stop.clone());
            move || {
                sys::make_punctual();
                if let Err(error) = carry(&ends, &what, &stop) {
                    eprintln!("a wire broke: {error}");
                }
            }
        });
        Ok(Self { what, stop, thread: Some(thread.context("while starting a wire")?) })
    }
}

impl Drop for Impaired {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A packet on its way: when it is due, its place among those, which end puts it out, its bytes.
type UnderWay = Reverse<(i64, u64, usize, Vec<u8>)>;

fn carry(
    ends: &[PacketSocket; 2],
    what: &Mutex<Impairment>,
    stop: &AtomicBool,
) -> std::io::Result<()> {
    let mut lanes = [Lane::new(rand::random()), Lane::new(rand::random())];
    let mut under_way: BinaryHeap<UnderWay> = BinaryHeap::new();
    let mut count = 0;
    let mut buffer = vec![0; sys::LARGEST_PACKET];
    while !stop.load(Ordering::Relaxed) {
        while let Some(Reverse((due, ..))) = under_way.peek() {
            if *due > sys::now() {
                break;
            }
            if let Some(Reverse((_, _, to, packet))) = under_way.pop() {
                ends[to].send(&packet);
            }
        }
        let next = under_way.peek().map(|Reverse((due, ..))| *due - sys::now());
        let time = next.map_or(LOOK_EVERY, |ns| Duration::from_nanos(ns.max(0) as u64));
        sys::wait([&ends[0], &ends[1]], time.min(LOOK_EVERY))?;
        let impairment = *what.lock().unwrap_or_else(PoisonError::into_inner);
        for (from, lane) in lanes.iter_mut().enumerate() {
            for _ in 0..BATCH {
                let Some((length, at)) = ends[from].receive(&mut buffer)? else { break };
                // The client is at the first end.
                let whole = impairment.up_only && from != 0;
                let impairment = if whole { Impairment::default() } else { impairment };
                if let Some(due) = lane.pass(at, length, &impairment) {
                    count += 1;
                    let packet = buffer[..length].to_vec();
                    under_way.push(Reverse((due, count, 1 - from, packet)));
                }
            }
        }
    }
    Ok(())
}
