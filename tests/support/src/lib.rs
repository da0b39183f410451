//! What tests of several packages need: a private sound server with virtual cables, and tests
//! that run in a process of their own.

#![forbid(unsafe_code)]

pub mod process;
pub mod sound;
