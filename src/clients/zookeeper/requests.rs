//! Requests: the operations of a handle, by upstream's names.
//!
//! Here: one method an operation; each answer comes as `ZkEvent::Reply`.
//! Never here: when they are sent.
//! Modelled on: ZooKeeper 3.8.4 `ZooKeeper.java`, the asynchronous calls.

use super::wire::{ZkRequest, ZnodeData, ZnodeMode, ZnodePath};
use super::{RequestId, ZkClientLib};
use crate::engine::ctx::Ctx;

impl ZkClientLib {
    /// create.
    pub fn create(
        &mut self,
        path: &ZnodePath,
        data: ZnodeData,
        mode: ZnodeMode,
        ctx: &mut Ctx<'_>,
    ) -> RequestId {
        self.request(ZkRequest::Create { path: path.clone(), data, mode }, ctx)
    }

    /// delete; `version` none: any.
    pub fn delete(
        &mut self,
        path: &ZnodePath,
        version: Option<u32>,
        ctx: &mut Ctx<'_>,
    ) -> RequestId {
        self.request(ZkRequest::Delete { path: path.clone(), version }, ctx)
    }

    /// setData; `version` none: any.
    pub fn set_data(
        &mut self,
        path: &ZnodePath,
        data: ZnodeData,
        version: Option<u32>,
        ctx: &mut Ctx<'_>,
    ) -> RequestId {
        self.request(ZkRequest::SetData { path: path.clone(), data, version }, ctx)
    }

    /// exists.
    pub fn exists(&mut self, path: &ZnodePath, watch: bool, ctx: &mut Ctx<'_>) -> RequestId {
        self.request(ZkRequest::Exists { path: path.clone(), watch }, ctx)
    }

    /// getData.
    pub fn get_data(&mut self, path: &ZnodePath, watch: bool, ctx: &mut Ctx<'_>) -> RequestId {
        self.request(ZkRequest::GetData { path: path.clone(), watch }, ctx)
    }

    /// getChildren.
    pub fn get_children(&mut self, path: &ZnodePath, watch: bool, ctx: &mut Ctx<'_>) -> RequestId {
        self.request(ZkRequest::GetChildren { path: path.clone(), watch }, ctx)
    }
}
