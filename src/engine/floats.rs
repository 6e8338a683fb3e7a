//! Floats: the functions that a platform may round otherwise, out of one pinned pure-Rust library.
//!
//! Here: what distributions, measures and plots need beyond `+ - * /`.
//! Never here: a decision; a platform's own libm.
//! Modelled on: FDLIBM as translated in the crate libm, whose version is pinned exactly.

pub use libm::{exp, log, log10, pow, round, sqrt};
