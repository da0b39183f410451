//! The rules of the engine, one by one.

mod calling;
mod connecting;
mod desk;
mod ending;
mod glare;
mod group;
mod pausing;
mod ringing;
mod sharing;
mod standby;
mod viewing;
