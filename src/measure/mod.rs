//! Measure: outages, loss, split brain, quantiles and intervals.
//!
//! Here: definitions in words at the top of each file; floats only here and in report.
//! Never here: a replication flow's schedule or lag.
//! Modelled on: hyperfine, order-statistic intervals.
