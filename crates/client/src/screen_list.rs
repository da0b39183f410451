//! The thread that looks at what can be shared: now and then for the names, often and with
//! thumbnails while somebody looks at the list.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use tincan_media::screen::{ScreenAccess, ScreenTarget, Screens};

/// How often the list is looked at while it is shown.
const WATCHED: Duration = Duration::from_millis(1500);
/// How often while only a menu may show it.
const NAMES: Duration = Duration::from_secs(5);
/// Most targets listed: a menu with more helps nobody.
const MAX_TARGETS: usize = 60;
/// Most bytes of a thumbnail's file; a larger one is left out.
const MAX_THUMBNAIL: usize = 200 * 1024;
/// Most bytes of all of them, which go to each window with every snapshot.
const MAX_THUMBNAILS: usize = 1500 * 1024;

/// How closely the list is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interest {
    /// Not at all.
    #[default]
    None,
    /// The names, for a menu.
    Names,
    /// With thumbnails: somebody looks at it.
    Thumbnails,
}

/// What there was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Who lets the person choose.
    pub access: ScreenAccess,
    /// The sound of what is shared can be taken.
    pub has_sound: bool,
    /// What there is, each with its thumbnail as a `data:` URL where asked for.
    pub targets: Vec<(ScreenTarget, Option<String>)>,
}

enum Order {
    Follow(Interest),
    LookNow,
}

/// The thread. It ends after its handle is dropped; nobody waits for a desktop that hangs.
pub struct ScreenList {
    orders: Sender<Order>,
    interest: Interest,
}

impl ScreenList {
    /// Starts the thread, which looks once.
    pub fn start(screens: Arc<dyn Screens>, tell: impl Fn(Listing) + Send + 'static) -> Self {
        let (orders, queue) = channel();
        let run = move || follow(&*screens, &queue, &tell);
        if let Err(error) = std::thread::Builder::new().name("screen list".into()).spawn(run) {
            tracing::error!(%error, "no thread for the list of screens");
        }
        Self { orders, interest: Interest::None }
    }

    /// Follows the list more or less closely.
    pub fn follow(&mut self, interest: Interest) {
        if std::mem::replace(&mut self.interest, interest) != interest {
            self.order(Order::Follow(interest));
        }
    }

    /// Looks at once, with thumbnails.
    pub fn look_now(&self) {
        self.order(Order::LookNow);
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            tracing::error!("the thread for the list of screens has ended");
        }
    }
}

fn follow(screens: &dyn Screens, orders: &Receiver<Order>, tell: &impl Fn(Listing)) {
    tell(look(screens, false));
    let mut interest = Interest::None;
    let mut looked = Instant::now();
    loop {
        let pause = match interest {
            Interest::None => None,
            Interest::Names => Some(NAMES),
            Interest::Thumbnails => Some(WATCHED),
        };
        let order = match pause {
            Some(pause) => orders.recv_timeout((looked + pause) - Instant::now()),
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let thumbnails = match order {
            Ok(Order::Follow(Interest::None)) => {
                interest = Interest::None;
                continue;
            }
            Ok(Order::Follow(next)) => {
                interest = next;
                interest == Interest::Thumbnails
            }
            Ok(Order::LookNow) => true,
            Err(RecvTimeoutError::Timeout) => interest == Interest::Thumbnails,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        tell(look(screens, thumbnails));
        looked = Instant::now();
    }
}

fn look(screens: &dyn Screens, thumbnails: bool) -> Listing {
    let access = screens.access();
    let targets = match access {
        ScreenAccess::Listed => screens.list().unwrap_or_else(|error| {
            tracing::info!(%error, "the desktop does not say what can be shared");
            Vec::new()
        }),
        ScreenAccess::SystemDialog | ScreenAccess::Unavailable { .. } => Vec::new(),
    };
    let mut room = MAX_THUMBNAILS;
    let mut with_thumbnail = |target: ScreenTarget| {
        let picture = thumbnails.then(|| screens.thumbnail(&target.id).ok()).flatten();
        let fits = picture.filter(|picture| picture.png.len() <= room.min(MAX_THUMBNAIL));
        let url = fits.map(|picture| {
            room -= picture.png.len();
            format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&picture.png))
        });
        (target, url)
    };
    let targets = targets.into_iter().take(MAX_TARGETS).map(&mut with_thumbnail).collect();
    let has_sound = screens.has_sound();
    Listing { access, has_sound, targets }
}
