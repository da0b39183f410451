//! Images of drawables: through shared memory, or through the connection where the server is on
//! another machine.

use super::display::{Area, Display, Fault};
use super::shared_memory::shared_memory;
use memmap2::MmapMut;
use x11rb::connection::Connection;
use x11rb::protocol::shm::{self, Seg};
use x11rb::protocol::xproto::{ConnectionExt as _, Drawable, ImageFormat};

/// Takes images over one connection.
#[derive(Default)]
pub(super) struct Grabber {
    segment: Option<Segment>,
    /// Shared memory was tried and does not work.
    unshared: bool,
    copied: Vec<u8>,
}

struct Segment {
    id: Seg,
    map: MmapMut,
}

impl Grabber {
    /// The pixels of an area, four bytes each and without padding, which may be changed: they are
    /// a copy, good until the next.
    pub(super) fn grab(
        &mut self,
        display: &Display,
        drawable: Drawable,
        area: Area,
    ) -> Result<&mut [u8], Fault> {
        let refused = |_| Fault::Refused;
        let (x, y) = (area.x.try_into().map_err(refused)?, area.y.try_into().map_err(refused)?);
        let width = area.size.width.try_into().map_err(refused)?;
        let height = area.size.height.try_into().map_err(refused)?;
        let bytes = area.size.area() * 4;
        if bytes == 0 {
            return Err(Fault::Refused);
        }
        let connection = &display.connection;
        if !self.make_room(display, bytes) {
            let cookie = connection.get_image(
                ImageFormat::Z_PIXMAP,
                drawable,
                x,
                y,
                width,
                height,
                u32::MAX,
            )?;
            let image = cookie.reply()?;
            if !display.reads(image.depth, root_visual(display, image.visual)) {
                return Err(Fault::Unreadable);
            }
            self.copied = image.data;
            return self.copied.get_mut(..bytes).ok_or(Fault::Unreadable);
        }
        let segment = self.segment.as_mut().ok_or(Fault::Refused)?;
        let z_pixmap = ImageFormat::Z_PIXMAP.into();
        let (id, all) = (segment.id, u32::MAX);
        let image =
            shm::get_image(connection, drawable, x, y, width, height, all, z_pixmap, id, 0)?
                .reply()?;
        if !display.reads(image.depth, root_visual(display, image.visual)) {
            return Err(Fault::Unreadable);
        }
        segment.map.get_mut(..bytes).ok_or(Fault::Unreadable)
    }

    /// Whether there is shared memory for this many bytes.
    fn make_room(&mut self, display: &Display, bytes: usize) -> bool {
        if self.segment.as_ref().is_some_and(|segment| segment.map.len() >= bytes) {
            return true;
        }
        if self.unshared || !display.extensions.shared_memory {
            return false;
        }
        let made = make(display, bytes);
        if let Some(old) = std::mem::replace(&mut self.segment, made) {
            // A server that is gone has no use for this.
            let _ = shm::detach(&display.connection, old.id);
        }
        self.unshared = self.segment.is_none();
        !self.unshared
    }
}

/// An image of a pixmap has no visual: it is of the kind of the windows of its depth.
fn root_visual(display: &Display, visual: u32) -> u32 {
    let roots = &display.connection.setup().roots;
    match roots.iter().find(|root| root.root == display.root) {
        Some(root) if visual == x11rb::NONE => root.root_visual,
        _ => visual,
    }
}

fn make(display: &Display, bytes: usize) -> Option<Segment> {
    let connection = &display.connection;
    let attach = || -> Result<Segment, String> {
        let (fd, map) = shared_memory(bytes).map_err(|error| error.to_string())?;
        let id = connection.generate_id().map_err(|error| error.to_string())?;
        shm::attach_fd(connection, id, fd, false)
            .map_err(|error| error.to_string())?
            .check()
            .map_err(|error| error.to_string())?;
        Ok(Segment { id, map })
    };
    attach().inspect_err(|error| tracing::info!(error, "no memory is shared with X")).ok()
}
