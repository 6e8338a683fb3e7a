//! Campaign: many runs of one question.
//!
//! Here: the thread pool, comparison of designs, and what is said of a sample of runs.
//! Never here: building a world by hand; a second thread inside a run; files.
//! Modelled on: rayon's parallel iterators.

pub mod compare;
pub mod expect;
pub mod pool;
#[cfg(test)]
pub(crate) mod sample;
pub mod summary;
