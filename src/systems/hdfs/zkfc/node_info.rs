//! NodeInfo: which NameNode a lock or a breadcrumb names.
//!
//! Here: the bytes that a controller writes into ZooKeeper, and where a NameNode's daemons are.
//! Never here: what follows from finding one's own name or another's.
//! Modelled on: Hadoop `HAZKInfo.proto` (`ActiveNodeInfo`), `NNHAServiceTarget.java`.

use crate::clients::hadoop_ipc::ServerAddress;
use crate::clients::zookeeper::wire::ZnodeData;
use crate::engine::digest::hash;
use crate::engine::id::ProcessId;
use crate::engine::process::Port;

/// What identifies a NameNode in ZooKeeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveNodeInfo<'a> {
    /// `nameserviceId`.
    pub nameservice: &'a str,
    /// `namenodeId`.
    pub namenode: &'a str,
    /// `hostname`, as configured.
    pub host: &'a str,
    /// `port` of the NameNode's RPC server for HA.
    pub port: u16,
    /// `zkfcPort`.
    pub zkfc_port: u16,
}

impl ActiveNodeInfo<'_> {
    /// As a node of the simulated ZooKeeper carries it: hashed, with its real size.
    pub fn data(&self) -> ZnodeData {
        let bytes = self.encode();
        ZnodeData { word: hash(&bytes), bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX) }
    }

    /// As protobuf writes it.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (field, text) in [(1, self.nameservice), (2, self.namenode), (3, self.host)] {
            bytes.push(field << 3 | 2);
            varint(text.len() as u64, &mut bytes);
            bytes.extend_from_slice(text.as_bytes());
        }
        for (field, port) in [(4, self.port), (5, self.zkfc_port)] {
            bytes.push(field << 3);
            varint(port.into(), &mut bytes);
        }
        bytes
    }
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while 0x7f < value {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push((value & 0x7f) as u8);
}

/// Where the daemons around one NameNode listen.
#[derive(Clone, Copy, Debug)]
pub struct HaTarget {
    /// What its controller writes into ZooKeeper.
    pub info: ZnodeData,
    /// Its server for HA calls: the service RPC address if there is one.
    pub namenode: ServerAddress,
    /// Its HTTP server.
    pub http: (ProcessId, Port),
    /// Its failover controller; none: failovers are made by hand.
    pub zkfc: Option<ServerAddress>,
    /// The sshd of its host.
    pub sshd: ProcessId,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that a real controller logged when it found a breadcrumb (calibration, nn_stop).
    #[test]
    fn the_bytes_are_those_of_a_real_controller() {
        let info = ActiveNodeInfo {
            nameservice: "ns1",
            namenode: "nn2",
            host: "10.77.2.17",
            port: 8_020,
            zkfc_port: 8_019,
        };
        let hex: String = info.encode().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "0a036e733112036e6e321a0a31302e37372e322e313720d43e28d33e");
    }
}
