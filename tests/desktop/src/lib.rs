//! Starts the built app in real windows on an invisible screen and drives it as a person would:
//! by what is on the page. Knows the app's test ids and nothing of its inside.

pub mod app;
pub mod canvas;
pub mod desktop;
pub mod devices;
pub mod eventually;
pub mod notifications;
pub mod pair;
pub mod portal;
pub mod report;
pub mod room;
pub mod story;
pub mod tray;
pub mod webdriver;
pub mod whole_call;
pub mod window;
pub mod x11;

pub use tincan_test_support::{memory, place, running, speech};

pub use app::App;
pub use desktop::Desktop;
pub use eventually::eventually;
pub use room::Room;
pub use story::Story;
pub use window::Window;
