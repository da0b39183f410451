//! The exchange by itself, on a fake clock.

mod contacts;
mod conversation;
mod desk;
mod echo;
mod history;
mod presence;
mod resume;
mod ringing;
mod sign_in;
mod sweep;
