//! Campaign: many runs of one question.
//!
//! Here: Monte Carlo, comparison, the thread pool.
//! Never here: building a world by hand; a second thread inside a run.
//! Modelled on: rayon's parallel iterators.
