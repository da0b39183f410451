//! Pictures and sound made up: for tests, for measurements, and as the app's test devices.

pub mod clip;
mod paced;
pub mod page;
pub mod picture;
pub mod screens;
pub mod test_picture;
mod tile;
pub mod tone;
