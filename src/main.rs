//! The `hadr` command.
fn main() {}
