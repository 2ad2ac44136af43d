//! What goes from thread to thread: one closed set of envelopes.
//!
//! What is large travels in a box, so that an envelope is moved as a few words: it is copied into the
//! queue and out of it.

use std::sync::Arc;

use calog_plugin_api::host_side::EngineHandle;
use calog_plugin_api::{
    Args, CallInfo, Callable, CancelToken, ContextOptions, Error, Facts, Finisher, FunctionKey, Native, ObjectKey,
    Result, SourceMode, Value, View, WaitKey,
};
use smallvec::SmallVec;

use crate::context::ContextShared;
use crate::ids::ContextId;
use crate::liveness::Counted;
use crate::stuck::Waiting;
use crate::sync::channel;

/// An envelope on its way, counted until it is dispatched or dropped.
pub(crate) struct Parcel {
    pub(crate) envelope: Envelope,
    pub(crate) counted: Counted,
}

impl Parcel {
    pub(crate) fn is_call(&self) -> bool {
        matches!(self.envelope, Envelope::Call(_))
    }
}

/// The arguments of a call on its way to another thread; the usual few lie where the call does.
pub(crate) struct Arguments(SmallVec<[Value; 4]>);

impl Arguments {
    pub(crate) fn of(args: Args<'_>) -> Arguments {
        Arguments(args.iter().map(View::to_value).collect())
    }
}

/// What a call carries, whoever is called.
pub(crate) struct Parameters {
    pub(crate) args: Arguments,
    pub(crate) facts: Facts,
    pub(crate) cancel: Option<CancelToken>,
}

impl Parameters {
    /// Those of a call that `info`'s code makes.
    pub(crate) fn of(info: &CallInfo, args: Args<'_>) -> Parameters {
        Parameters { args: Arguments::of(args), facts: info.facts(), cancel: info.cancel_token().cloned() }
    }

    /// Uses the arguments where they lie.
    pub(crate) fn with_args<T>(&self, run: impl FnOnce(Args<'_>) -> T) -> T {
        let views: SmallVec<[View<'_>; 8]> = self.args.0.iter().map(Value::view).collect();
        run(Args::new(&views))
    }
}

/// Whom a call is for.
pub(crate) enum Callee {
    /// A function of a context.
    Function(ContextId, FunctionKey),
    /// A method of an Object that a context made.
    Method(ContextId, ObjectKey, String),
    /// A native of the embedding program, which runs on its thread.
    Native(Native),
}

/// A call that is answered.
pub(crate) struct Request {
    pub(crate) callee: Callee,
    pub(crate) parameters: Parameters,
    pub(crate) reply: Finisher,
}

/// A context to be opened.
pub(crate) struct Opening {
    pub(crate) shared: Arc<ContextShared>,
    pub(crate) engine: EngineHandle,
    pub(crate) options: ContextOptions,
}

/// A piece of source code to be run.
pub(crate) struct Loading {
    pub(crate) context: Arc<ContextShared>,
    pub(crate) source: SourceText,
    pub(crate) reply: Finisher,
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
    Open(Box<Opening>),
    /// Run a main chunk or a piece of code.
    Load(Box<Loading>),
    /// Call a function, a method or a native here, and answer.
    Call(Box<Request>),
    /// Call any callable here, as a task of this thread's context; nobody is answered.
    Start(Box<(Callable, Parameters)>),
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
    Inspect { reply: channel::Sender<Vec<Waiting>> },
}

impl Envelope {
    /// The context that is entered for it.
    pub(crate) fn context(&self) -> Option<ContextId> {
        match self {
            Envelope::Load(loading) => Some(loading.context.id),
            Envelope::Call(request) => match request.callee {
                Callee::Function(context, _) | Callee::Method(context, ..) => Some(context),
                Callee::Native(_) => None,
            },
            Envelope::Resume { context, .. }
            | Envelope::Release { context, .. }
            | Envelope::ReleaseObject { context, .. }
            | Envelope::Close { context, .. } => Some(*context),
            Envelope::Open(_) | Envelope::Start(_) | Envelope::Report { .. } | Envelope::Inspect { .. } => None,
        }
    }
}

impl Envelope {
    /// Nobody will serve it: who waits for that is told why.
    pub(crate) fn refuse(self, error: &Error) {
        let reply = match self {
            Envelope::Call(request) => request.reply,
            Envelope::Load(loading) => loading.reply,
            // Who is told when it closes has been, and the rest is nobody's loss.
            _ => return,
        };
        // A caller that left is no loss.
        let _ = reply.finish(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parcel_is_a_cache_line() {
        assert!(size_of::<Parcel>() <= 64, "{} bytes", size_of::<Parcel>());
    }
}
