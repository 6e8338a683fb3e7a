//! The integration tests, one binary.

mod campaign_smoke;
mod cases;
mod cli;
mod determinism;
mod examples;
mod footprint;
mod keys;
mod keys_move;
mod phases;
mod runs;
mod scenario;
mod tidy;
mod zookeeper;
