//! A pointer for a compositor that has no mouse: it is there as long as this is. Speaks just
//! enough of the Wayland protocol to ask for it.

use anyhow::{Context, Result, ensure};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

const DISPLAY: u32 = 1;
const REGISTRY: u32 = 2;
const SYNC: u32 = 3;
const MANAGER: u32 = 4;
const POINTER: u32 = 5;
const INTERFACE: &str = "zwlr_virtual_pointer_manager_v1";

/// A pointer that stays where the compositor puts it.
#[derive(Debug)]
pub struct Pointer {
    _connection: UnixStream,
}

impl Pointer {
    /// Asks the compositor that listens there.
    pub(super) fn new(socket: &Path) -> Result<Self> {
        let mut connection = UnixStream::connect(socket).context("while connecting to sway")?;
        // wl_display.get_registry and wl_display.sync
        connection.write_all(&request(DISPLAY, 1, &REGISTRY.to_ne_bytes()))?;
        connection.write_all(&request(DISPLAY, 0, &SYNC.to_ne_bytes()))?;
        let mut globals = HashMap::new();
        loop {
            let (object, event) = event(&mut connection)?;
            if object == SYNC {
                break;
            }
            // wl_registry.global: a number, a text with its length and a zero, a version
            ensure!(object == REGISTRY && event.len() > 8, "an unknown event of {object}");
            let length = number(&event, 4) as usize;
            let name = event.get(8..7 + length).context("a text too short")?;
            globals.insert(String::from_utf8_lossy(name).into_owned(), number(&event, 0));
        }
        let global = globals.get(INTERFACE).context("sway has no virtual pointers")?;
        let mut bind = global.to_ne_bytes().to_vec();
        let text = INTERFACE.len() + 1;
        bind.extend((text as u32).to_ne_bytes());
        bind.extend(INTERFACE.bytes().chain(std::iter::repeat(0)).take(text.next_multiple_of(4)));
        bind.extend([1, MANAGER].iter().flat_map(|n| n.to_ne_bytes()));
        connection.write_all(&request(REGISTRY, 0, &bind))?;
        // create_virtual_pointer for no seat in particular
        let create: Vec<u8> = [0, POINTER].iter().flat_map(|n| n.to_ne_bytes()).collect();
        connection.write_all(&request(MANAGER, 0, &create))?;
        Ok(Self { _connection: connection })
    }
}

fn request(object: u32, code: u32, body: &[u8]) -> Vec<u8> {
    let size = 8 + body.len() as u32;
    let mut message = object.to_ne_bytes().to_vec();
    message.extend((size << 16 | code).to_ne_bytes());
    message.extend(body);
    message
}

fn event(connection: &mut UnixStream) -> Result<(u32, Vec<u8>)> {
    let mut head = [0; 8];
    connection.read_exact(&mut head)?;
    let size = number(&head, 4) >> 16;
    let mut body = vec![0; (size as usize).checked_sub(8).context("an event too short")?];
    connection.read_exact(&mut body)?;
    Ok((number(&head, 0), body))
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let four = bytes[at..at + 4].try_into().expect("four bytes");
    u32::from_ne_bytes(four)
}
