//! Fencing: how a failover controller or `haadmin` makes an old active harmless.
//!
//! Here: the configured methods.
//! Never here: when to fence (`protocols::elector::election`), in which order (`…::fencing`).
//! Modelled on: Hadoop `NodeFencer.java`, `SshFenceByTcpPort.java`, `ShellCommandFencer.java`.

pub mod methods;
