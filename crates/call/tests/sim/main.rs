//! Two and three engines and a model server on a fake clock, with delays, losses and random
//! people, over many seeds.

mod glare;
mod model_peer;
mod paths;
mod server;
mod sweep;
mod world;
