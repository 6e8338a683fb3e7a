//! Costs: how long a NameNode's own work takes.
//!
//! Here: the spans that no upstream key or constant gives, as settings of our own.
//! Never here: upstream's keys (`keys::namenode`).
//! Modelled on: hdfs-ha.md 13.0 (promotion phases of 48 real runs), the unloaded end; rates without
//! a citable figure are assumptions and stand so in docs/MODELS.md, "namenode".

use crate::engine::config::key_table;
use crate::engine::time::SimDuration;
use crate::systems::hdfs::keys::HADOOP_3_4;

const fn ns(ns: u64) -> SimDuration {
    SimDuration::from_nanos(ns)
}

const fn us(us: u64) -> SimDuration {
    SimDuration::from_micros(us)
}

const fn ms(ms: u64) -> SimDuration {
    SimDuration::from_millis(ms)
}

key_table! {
    /// From the start of the JVM to its first own line; assumption.
    HADR_NAMENODE_JVM_START: SimDuration {
        name: "hadr.namenode.jvm-start",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(2_000))],
        sweep: (ms(0), ms(20_000)),
        mechanism: "hdfs/namenode-start",
    }
    /// From `terminate` to the end of the process, in which it answers nothing: measured twice.
    HADR_NAMENODE_JVM_EXIT: SimDuration {
        name: "hadr.namenode.jvm-exit",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(360))],
        sweep: (ms(0), ms(5_000)),
        mechanism: "hdfs/namenode-exit",
    }
    /// From SIGKILL to closed sockets: the kernel frees the heap first. 40 ms for 384 MiB as
    /// measured; a heap of 100 GiB takes seconds.
    HADR_NAMENODE_KILL_TEARDOWN: SimDuration {
        name: "hadr.namenode.kill-teardown",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(40))],
        sweep: (ms(0), ms(20_000)),
        mechanism: "hdfs/namenode-exit",
    }
    /// A handler's work on a call, outside of locks; assumption.
    HADR_NAMENODE_CALL_WORK: SimDuration {
        name: "hadr.namenode.call-work",
        unit: Millis,
        stock: &[(HADOOP_3_4, us(40))],
        sweep: (us(1), ms(10)),
        mechanism: "hdfs/namenode-rpc",
    }
    /// A read's hold of the namesystem lock; assumption.
    HADR_NAMENODE_READ_WORK: SimDuration {
        name: "hadr.namenode.read-work",
        unit: Millis,
        stock: &[(HADOOP_3_4, us(10))],
        sweep: (us(1), ms(10)),
        mechanism: "hdfs/namesystem-lock",
    }
    /// A write's hold of the namesystem lock; assumption.
    HADR_NAMENODE_WRITE_WORK: SimDuration {
        name: "hadr.namenode.write-work",
        unit: Millis,
        stock: &[(HADOOP_3_4, us(25))],
        sweep: (us(1), ms(10)),
        mechanism: "hdfs/namesystem-lock",
    }
    /// Replay of one edit under the namesystem lock: 13.0 gives 20 to 130 us on a loaded machine.
    HADR_NAMENODE_REPLAY_WORK: SimDuration {
        name: "hadr.namenode.replay-work",
        unit: Millis,
        stock: &[(HADOOP_3_4, us(15))],
        sweep: (us(1), ms(1)),
        mechanism: "hdfs/edit-log-loader",
    }
    /// Load of one inode of an image, apart from reading its bytes; assumption.
    HADR_NAMENODE_IMAGE_LOAD_WORK: SimDuration {
        name: "hadr.namenode.image-load-work",
        unit: Millis,
        stock: &[(HADOOP_3_4, us(5))],
        sweep: (us(1), us(50)),
        mechanism: "hdfs/namenode-start",
    }
    /// Bytes that an inode with its blocks takes in an image; assumption.
    HADR_NAMENODE_IMAGE_INODE_BYTES: u64 {
        name: "hadr.namenode.image-inode-bytes",
        unit: Plain,
        stock: &[(HADOOP_3_4, 150)],
        sweep: (50, 500),
        mechanism: "hdfs/fsimage",
    }
    /// Rate at which an image is written, bytes a second; assumption.
    HADR_NAMENODE_IMAGE_WRITE_RATE: u64 {
        name: "hadr.namenode.image-write-rate",
        unit: Bytes,
        stock: &[(HADOOP_3_4, 52_428_800)],
        sweep: (1_048_576, 1_073_741_824),
        mechanism: "hdfs/checkpointer",
    }
    /// One inode's share of the quota walk, before it is divided among the threads; assumption.
    HADR_NAMENODE_QUOTA_WORK: SimDuration {
        name: "hadr.namenode.quota-work",
        unit: Millis,
        stock: &[(HADOOP_3_4, ns(400))],
        sweep: (ns(10), us(10)),
        mechanism: "hdfs/promotion",
    }
    /// What the quota walk takes of an empty tree: 9 ms is the fastest of 13.0.
    HADR_NAMENODE_QUOTA_FIXED: SimDuration {
        name: "hadr.namenode.quota-fixed",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(9))],
        sweep: (ms(0), ms(1_000)),
        mechanism: "hdfs/promotion",
    }
    /// Stopping the standby's threads: 0 to 24 ms in 13.0.
    HADR_NAMENODE_STOP_STANDBY: SimDuration {
        name: "hadr.namenode.stop-standby",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(1))],
        sweep: (ms(0), ms(1_000)),
        mechanism: "hdfs/promotion",
    }
    /// Building the journals and their channels: 20 ms is the fastest of 13.0.
    HADR_NAMENODE_INIT_JOURNALS: SimDuration {
        name: "hadr.namenode.init-journals",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(20))],
        sweep: (ms(0), ms(1_000)),
        mechanism: "hdfs/promotion",
    }
    /// Marking storages stale and clearing queues: 0 to 8 ms in 13.0.
    HADR_NAMENODE_CLEAR_QUEUES: SimDuration {
        name: "hadr.namenode.clear-queues",
        unit: Millis,
        stock: &[(HADOOP_3_4, ms(1))],
        sweep: (ms(0), ms(1_000)),
        mechanism: "hdfs/promotion",
    }
}
