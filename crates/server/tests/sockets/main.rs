//! Server and client over real sockets.

mod apps;
mod bounds;
mod calls;
mod folder;
mod ice;
mod proxy;
mod raw;
mod restart;
mod resume;
mod sign_in;
