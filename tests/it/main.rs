//! The integration tests, one binary.

mod keys;
mod scenario;
