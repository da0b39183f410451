//! Server and client over real sockets.

mod apps;
mod bounds;
mod calls;
mod raw;
mod restart;
mod sign_in;
