//! Machine: ZooKeeper's replicated state as what ZAB replicates.
//!
//! Here: the logged transaction, and how the state takes it.
//! Never here: what a transaction does (`protocols::zookeeper`), in which order (`protocols::zab`).
//! Modelled on: ZooKeeper 3.8.4 `TxnHeader` and `TxnLogEntry`.

use std::sync::Arc;

use crate::protocols::zab::{self, Machine};
use crate::protocols::zookeeper::{Applied, Cxid, Database, SessionId, Txn, TxnHeader, Zxid};

/// A transaction with its header, but for the zxid: the log has that. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTxn(Arc<(SessionId, Cxid, Txn)>);

impl ServerTxn {
    /// What `session` asked for under its number `cxid`.
    pub fn new(session: SessionId, cxid: Cxid, txn: Txn) -> ServerTxn {
        ServerTxn(Arc::new((session, cxid, txn)))
    }

    /// Whose.
    pub fn session(&self) -> SessionId {
        self.0.0
    }

    /// Its number of the request.
    pub fn cxid(&self) -> Cxid {
        self.0.1
    }

    /// What it does.
    pub fn txn(&self) -> &Txn {
        &self.0.2
    }

    /// Bytes on the wire and in the log.
    pub fn bytes(&self) -> u32 {
        self.txn().bytes()
    }

    /// What it says, hashed: header and body.
    pub fn content(&self) -> u64 {
        let of_header = self.session().0.rotate_left(17) ^ u64::from(self.cxid().0);
        self.txn().content() ^ of_header.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Machine for Database {
    type Txn = ServerTxn;
    type Outcome = Applied;

    fn apply(&mut self, zxid: zab::Zxid, txn: &ServerTxn) -> Applied {
        let zxid = Zxid::from_u64(zxid.0);
        let header = TxnHeader { session: txn.session(), cxid: txn.cxid(), zxid };
        Database::apply(self, &header, txn.txn())
    }
}
