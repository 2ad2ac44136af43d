//! What goes from thread to thread: one closed set of envelopes.

use std::sync::Arc;

use calog_plugin_api::host_side::EngineHandle;
use calog_plugin_api::{
    Callable, CancelToken, ContextOptions, Error, Facts, Finisher, FunctionKey, Native, ObjectKey, Result, SourceMode,
    Value, WaitKey,
};

use crate::context::ContextShared;
use crate::ids::ContextId;
use crate::liveness::Counted;
use crate::stuck::Waiting;
use crate::sync::channel::Sender;

/// An envelope on its way, counted until it is dispatched or dropped.
pub(crate) struct Parcel {
    pub(crate) envelope: Envelope,
    pub(crate) counted: Counted,
}

impl Parcel {
    pub(crate) fn is_call(&self) -> bool {
        matches!(self.envelope, Envelope::Call { .. } | Envelope::Method { .. } | Envelope::Native { .. })
    }
}

/// The circumstances of a call on its way to another thread.
pub(crate) struct Circumstances {
    pub(crate) facts: Facts,
    pub(crate) cancel: Option<CancelToken>,
}

/// A piece of source code on its way.
pub(crate) struct SourceText {
    pub(crate) mode: SourceMode,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) text: Vec<u8>,
}

/// Everything one thread can ask of another.
pub(crate) enum Envelope {
    /// Open a context here.
    Open { shared: Arc<ContextShared>, engine: EngineHandle, options: ContextOptions },
    /// Run a main chunk or a piece of code.
    Load { context: Arc<ContextShared>, source: SourceText, reply: Finisher },
    /// Call a function of a context.
    Call { context: ContextId, function: FunctionKey, args: Vec<Value>, with: Circumstances, reply: Finisher },
    /// Call a method of an Object a context made.
    Method {
        context: ContextId,
        object: ObjectKey,
        member: String,
        args: Vec<Value>,
        with: Circumstances,
        reply: Finisher,
    },
    /// Call any callable here, as a task of this thread's context.
    Start { callable: Callable, args: Vec<Value>, with: Circumstances },
    /// Run a native on the embedding program's thread.
    Native { native: Native, args: Vec<Value>, with: Circumstances, reply: Finisher },
    /// Go on with what waited.
    Resume { context: ContextId, key: WaitKey, result: Result<Value> },
    /// The last reference to a function is gone.
    Release { context: ContextId, function: FunctionKey },
    /// The last reference to an Object is gone.
    ReleaseObject { context: ContextId, object: ObjectKey },
    /// Close a context; the reply comes when it is gone.
    Close { context: ContextId, reply: Option<Finisher> },
    /// Tell the embedding program of an error nobody else sees.
    Report { context: ContextId, error: Error },
    /// Say who waits here, and for what.
    Inspect { reply: Sender<Vec<Waiting>> },
}
