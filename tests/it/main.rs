//! The integration tests, one binary.

mod cases;
mod examples;
mod keys;
mod scenario;
mod tidy;
mod zookeeper;
