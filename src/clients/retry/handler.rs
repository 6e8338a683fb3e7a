//! Handler: calls that are repeated until they succeed or the policy gives up.
//!
//! Here: the proxies of one process, their calls under way, and the sleeps between attempts.
//! Never here: the decision itself (`failover`), the choice of a server (`proxies`).
//! Modelled on: Hadoop `io/retry/RetryInvocationHandler.java`, `RequestHedgingProxyProvider`.

use std::collections::{BTreeMap, VecDeque};

use super::failover::{
    CallCounters, FailoverOnNetworkException, Failure, MethodClass, RetryAction,
};
use super::proxies::ProxyProvider;
use crate::clients::hadoop_ipc::client::{self, IpcClient};
use crate::clients::hadoop_ipc::{
    Attempt, CallId, CallOutcome, CallPolicy, Completion, ConnectionKey, RemoteException,
    RpcInterface, ServerAddress,
};
use crate::engine::ctx::Ctx;
use crate::engine::dice::Purpose;
use crate::engine::process::{Conn, ConnEvent, Tag};

const BACK_OFF: Purpose = Purpose::named("retry/back-off");

/// How many values of `Tag::kind` a handler claims, from the base that its owner gives it.
pub const TAG_KINDS: u32 = client::TAG_KINDS + 1;

/// One client of a nameservice: upstream's proxy, shared by the threads that use it.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The servers of the nameservice.
    pub servers: Vec<ServerAddress>,
    /// Who calls: separate users have separate connections.
    pub user: u32,
    /// Time-outs of each connection.
    pub policy: CallPolicy,
    /// What a failed call does.
    pub retry: FailoverOnNetworkException,
    /// Which server is called.
    pub provider: ProxyProvider,
}

/// A proxy of a handler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProxyId(pub u32);

/// A call that came to its end.
#[derive(Clone, Debug)]
pub struct Finished<R> {
    /// Which.
    pub call: CallId,
    /// The answer, or why the policy gave up.
    pub result: Result<R, Failure>,
    /// Whether an attempt without an answer may have been executed.
    pub maybe_executed: bool,
}

#[derive(Clone)]
struct Invocation<P: RpcInterface> {
    proxy: ProxyId,
    class: MethodClass,
    request: P::Request,
    counters: CallCounters,
    /// The proxy's failover count when this attempt began.
    remembered: u64,
    /// Servers of this attempt that have not answered.
    awaited: u32,
    /// What this attempt met so far.
    failures: Vec<Failure>,
    /// What follows the sleep.
    next: RetryAction,
    maybe_executed: bool,
}

/// The proxies of one process on one interface. Its owner hands it every `Connection` and `Timer`
/// input and then drains [`RetryInvocationHandler::finished`].
#[derive(Clone)]
pub struct RetryInvocationHandler<P: RpcInterface> {
    ipc: IpcClient<P>,
    back_off_tag: u32,
    proxies: BTreeMap<ProxyId, Proxy>,
    calls: BTreeMap<CallId, Invocation<P>>,
    finished: VecDeque<Finished<P::Response>>,
}

impl<P: RpcInterface> RetryInvocationHandler<P> {
    /// A handler whose timers have tags of kind `tag_base .. tag_base + TAG_KINDS`.
    pub const fn new(tag_base: u32) -> RetryInvocationHandler<P> {
        RetryInvocationHandler {
            ipc: IpcClient::new(tag_base),
            back_off_tag: tag_base + client::TAG_KINDS,
            proxies: BTreeMap::new(),
            calls: BTreeMap::new(),
            finished: VecDeque::new(),
        }
    }

    /// Makes a proxy; connects to nobody yet.
    pub fn open(&mut self, id: ProxyId, proxy: Proxy) {
        let before = self.proxies.insert(id, proxy);
        assert!(before.is_none(), "{id:?} is open already");
    }

    /// Forgets a proxy without calls; its connections end when they have idled long enough.
    pub fn close(&mut self, id: ProxyId) {
        self.proxies.remove(&id);
    }

    /// Calls through a proxy.
    pub fn invoke(
        &mut self,
        proxy: ProxyId,
        class: MethodClass,
        request: P::Request,
        ctx: &mut Ctx<'_>,
    ) -> CallId {
        let call = self.ipc.next_call();
        let invocation = Invocation {
            proxy,
            class,
            request,
            counters: CallCounters::default(),
            remembered: 0,
            awaited: 0,
            failures: Vec::new(),
            next: RetryAction::Fail,
            maybe_executed: false,
        };
        self.attempt(call, invocation, ctx);
        self.drain(ctx);
        call
    }

    /// A connection's input. False: it is none of this handler's.
    pub fn on_connection(&mut self, conn: Conn, event: ConnEvent, ctx: &mut Ctx<'_>) -> bool {
        let mine = self.ipc.on_connection(conn, event, ctx);
        self.drain(ctx);
        mine
    }

    /// A timer's input. False: it is none of this handler's.
    pub fn on_timer(&mut self, tag: Tag, ctx: &mut Ctx<'_>) -> bool {
        let mine = if tag.kind == self.back_off_tag {
            self.on_slept(tag.arg, ctx);
            true
        } else {
            self.ipc.on_timer(tag, ctx)
        };
        self.drain(ctx);
        mine
    }

    /// The next call that came to its end, in the order in which they did.
    pub fn finished(&mut self) -> Option<Finished<P::Response>> {
        self.finished.pop_front()
    }

    /// The name of a timer of this handler, for phases.
    pub fn tag_name(&self, tag: Tag) -> Option<&'static str> {
        if tag.kind == self.back_off_tag {
            return Some("client back-off");
        }
        self.ipc.tag_name(tag)
    }

    /// `invokeOnce`: to the current server, or to several at once.
    fn attempt(&mut self, call: CallId, mut invocation: Invocation<P>, ctx: &mut Ctx<'_>) {
        let proxy = self.proxies.get_mut(&invocation.proxy).expect("a proxy outlives its calls");
        invocation.remembered = proxy.provider.failover_count();
        invocation.failures.clear();
        let targets = proxy.provider.targets();
        invocation.awaited = targets.len();
        if targets.is_empty() {
            let failure = Failure::Remote(RemoteException::Other("No valid proxies left"));
            return self.finish(call, Err(failure), invocation.maybe_executed);
        }
        let attempt = Attempt { call, retry: invocation.counters.retries };
        for target in targets.iter() {
            if targets.len() == 1 {
                proxy.provider.used(target);
            }
            let (user, policy) = (proxy.user, proxy.policy);
            let key = ConnectionKey { server: proxy.servers[target], user, policy };
            self.ipc.repeat(key, attempt, invocation.request.clone(), ctx);
        }
        self.calls.insert(call, invocation);
    }

    fn drain(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(completion) = self.ipc.completed() {
            self.on_completion(completion, ctx);
        }
    }

    fn on_completion(&mut self, completion: Completion<P>, ctx: &mut Ctx<'_>) {
        let Completion { call, server, outcome } = completion;
        let mut invocation = self.calls.remove(&call).expect("a call completes while it is known");
        let proxy = self.proxies.get_mut(&invocation.proxy).expect("a proxy outlives its calls");
        let at = proxy.servers.iter().position(|address| address.process == server);
        proxy.provider.used(at.expect("a call goes to a server of its proxy"));
        invocation.awaited -= 1;
        let failure = match outcome {
            CallOutcome::Reply(response) => {
                if invocation.awaited > 0 {
                    self.ipc.abandon(call, ctx); // the slower servers of a hedged call
                }
                return self.finish(call, Ok(response), invocation.maybe_executed);
            }
            CallOutcome::Remote(exception) => Failure::Remote(exception),
            CallOutcome::Failed(local) => {
                invocation.maybe_executed |= !local.not_sent();
                Failure::Local(local)
            }
        };
        invocation.failures.push(failure);
        if invocation.awaited > 0 {
            self.calls.insert(call, invocation);
            return;
        }
        let counters = invocation.counters;
        let word = ctx.dice(BACK_OFF, u64::from(call.0) << 8 | u64::from(counters.retries)).first();
        let action =
            proxy.retry.decide_many(&invocation.failures, counters, invocation.class, word);
        let (RetryAction::Retry { delay } | RetryAction::FailoverAndRetry { delay }) = action
        else {
            return self.finish(call, Err(failure), invocation.maybe_executed);
        };
        invocation.next = action;
        self.calls.insert(call, invocation);
        if delay.is_zero() {
            self.on_slept(u64::from(call.0), ctx);
        } else {
            ctx.arm(delay, Tag::with(self.back_off_tag, u64::from(call.0)));
        }
    }

    /// The thread has slept and fails over, unless another thread did meanwhile.
    fn on_slept(&mut self, call: u64, ctx: &mut Ctx<'_>) {
        let call = CallId(u32::try_from(call).expect("armed with a call id"));
        let mut invocation = self.calls.remove(&call).expect("a sleeping call is known");
        let proxy = self.proxies.get_mut(&invocation.proxy).expect("a proxy outlives its calls");
        if let RetryAction::FailoverAndRetry { .. } = invocation.next {
            proxy.provider.fail_over(invocation.remembered);
        }
        invocation.counters = invocation.counters.after(invocation.next);
        self.attempt(call, invocation, ctx);
    }

    fn finish(&mut self, call: CallId, result: Result<P::Response, Failure>, maybe_executed: bool) {
        self.finished.push_back(Finished { call, result, maybe_executed });
    }
}
