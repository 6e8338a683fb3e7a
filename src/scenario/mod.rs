//! Scenario: the file format, its validation, and import of upstream configuration.
//!
//! Here: trees with spans, typed scenarios, complaints with line and column.
//! Never here: running anything.
//! Modelled on: rust-analyzer's configuration, miette's spans.

pub mod bounds;
pub mod complaint;
mod fields;
pub mod format;
pub mod import;
pub mod json;
pub mod model;
mod plan;
pub mod read;
pub mod schema;
mod settings;
pub mod shape;
pub mod source;
mod topology;
pub mod tree;
pub mod vocabulary;

pub use complaint::Complaint;
pub use model::{Disaster, Scenario};
pub use read::{Document, Loaded, load};
pub use source::FileReader;
pub use vocabulary::Vocabulary;
