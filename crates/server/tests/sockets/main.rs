//! Server and client over real sockets.

mod apps;
mod bounds;
mod calls;
mod doctor;
mod folder;
mod ice;
mod program;
mod proxy;
mod raw;
mod restart;
mod resume;
mod sign_in;
