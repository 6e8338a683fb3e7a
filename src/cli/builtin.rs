//! Builtin: the scenarios that come with the program.
//!
//! Here: their text, by the path that names them.
//! Never here: what is in them.
//! Modelled on: -

/// A file of the repository's `scenarios/`, under the path that names it on the command line.
macro_rules! file {
    ($path:literal) => {
        (concat!("builtin/", $path), include_str!(concat!("../../scenarios/", $path)))
    };
}

/// Path and content: designs, then disasters, in the order in which they are compared. An `include`
/// is looked up beside the including file, here as on the disk.
const FILES: &[(&str, &str)] = &[
    file!("architectures/base.toml"),
    file!("architectures/tutorial-sshfence.toml"),
    file!("architectures/stock-qjm.toml"),
    file!("architectures/tuned-qjm.toml"),
    file!("architectures/nfs-sshfence.toml"),
    file!("architectures/nfs-no-fencing.toml"),
    file!("architectures/secondary-namenode.toml"),
    file!("disasters/process-kill.toml"),
    file!("disasters/host-power-loss.toml"),
    file!("disasters/freeze-20s.toml"),
    file!("disasters/partition-of-the-active.toml"),
    file!("disasters/partition-of-the-control-plane.toml"),
    file!("disasters/journal-majority-loss.toml"),
];

/// What is only included.
const BASE: &str = "builtin/architectures/base.toml";

/// The content of a file that comes with the program.
pub(super) fn read(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, _)| *name == path).map(|(_, content)| *content)
}

/// What `hadr compare` without arguments compares: designs, then disasters.
pub(super) fn comparison() -> Vec<String> {
    let files = FILES.iter().filter(|(name, _)| *name != BASE);
    files.map(|(name, _)| (*name).to_string()).collect()
}
