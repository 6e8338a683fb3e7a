//! The integration tests, one binary.

mod examples;
mod keys;
mod scenario;
mod zookeeper;
