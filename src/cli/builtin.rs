//! Builtin: the scenarios that come with the program.
//!
//! Here: their text, by the path that names them.
//! Never here: what is in them.
//! Modelled on: -

/// Path and content; the paths are what `include` in these files says too.
const FILES: &[(&str, &str)] = &[];

/// The content of a file that comes with the program.
pub(super) fn read(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, _)| *name == path).map(|(_, content)| *content)
}

/// What `hadr compare` without arguments compares: designs, then disasters.
pub(super) fn comparison() -> Vec<String> {
    FILES.iter().map(|(name, _)| (*name).to_string()).collect()
}
