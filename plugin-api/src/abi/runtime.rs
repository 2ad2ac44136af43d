//! The runtime as plugins see it: promises, timers, threads, permissions, logging. Of any thread.

use std::sync::Arc;
use std::time::Duration;

use super::{
    Args, CallInfo, Callable, Callback, CancelToken, Fallible, Head, Native, Outcome, Text, answered, arc_ref, guard,
    guard_drop, release_arc, retain_arc, shared_handle,
};
use crate::completion::{Completion, Finisher};
use crate::error::{Error, Frame, Result};
use crate::log::Level;
use crate::value::{Value, View};

/// What makes a runtime handle: the host.
pub trait RuntimeType: Send + Sync + 'static {
    /// A number no other runtime of the process has.
    fn id(&self) -> u64;
    /// Its monotonic clock.
    fn now_ns(&self) -> u64;
    /// A promise of one result.
    fn completion(&self, text: &str, external: bool) -> (Completion, Finisher);
    /// A promise that finishes with nil after this many nanoseconds.
    fn after_ns(&self, nanoseconds: u64) -> Completion;
    /// A cancel token, raised with its parent.
    fn cancel_token(&self, parent: Option<&CancelToken>) -> CancelToken;
    /// Runs the callback on the pool for blocking work.
    fn blocking(&self, work: Callback);
    /// Counts reasons to keep the program alive up or down.
    fn keep_alive(&self, change: i32);
    /// A native as a function value.
    fn callable(&self, native: Native) -> Callable;
    /// Starts the callable as a new task of a context, never in place.
    ///
    /// # Errors
    /// `dead` when the context is gone, `limit` when its mailbox is full.
    fn post(&self, context: u64, callable: &Callable, info: &CallInfo, args: Args<'_>) -> Result<()>;
    /// Whether the calling context may use what is named.
    ///
    /// # Errors
    /// `permission`, naming the line of configuration that would allow it.
    fn permission(&self, info: &CallInfo, name: &str) -> Result<()>;
    /// Where a context's running code is, if this is its thread and it can tell.
    fn site(&self, context: u64) -> Option<Frame>;
    /// A log line.
    fn log(&self, level: Level, context: u64, message: &str);
    /// Runs the hook when a context closes; at once if it has, or never was.
    fn when_closed(&self, context: u64, hook: Callback);
    /// Whom to ask what the task of a call is called.
    fn name_tasks(&self, names: Native);
    /// Counts what a context uses until the callback is dropped; once it is called, for ever.
    ///
    /// # Errors
    /// `limit` when there may be no more, `dead` when the context is gone.
    fn count(&self, context: u64, what: &str, amount: u64) -> Result<Callback> {
        let _ = (context, what, amount);
        Ok(Callback::new(|_outcome| {}))
    }
}

/// Both sides of a promise, on their way to a plugin.
#[repr(C)]
struct Promise {
    completion: Completion,
    finisher: Finisher,
}

#[repr(C)]
pub(crate) struct RuntimeTable {
    head: Head,
    retain: unsafe extern "C" fn(*mut ()),
    release: unsafe extern "C" fn(*mut ()),
    id: unsafe extern "C" fn(*const ()) -> u64,
    now_ns: unsafe extern "C" fn(*const ()) -> u64,
    completion: unsafe extern "C" fn(*const (), Text, bool, *mut Fallible<Promise>),
    after_ns: unsafe extern "C" fn(*const (), u64, *mut Fallible<Completion>),
    cancel_token: unsafe extern "C" fn(*const (), *const CancelToken, *mut Fallible<CancelToken>),
    blocking: unsafe extern "C" fn(*const (), Callback),
    keep_alive: unsafe extern "C" fn(*const (), i32),
    callable: unsafe extern "C" fn(*const (), *const Native, *mut Fallible<Callable>),
    post: unsafe extern "C" fn(*const (), u64, &Callable, &CallInfo, *const View<'_>, usize, *mut Fallible<Value>),
    permission: unsafe extern "C" fn(*const (), &CallInfo, Text, *mut Fallible<Value>),
    site: unsafe extern "C" fn(*const (), u64, *mut Value),
    log: unsafe extern "C" fn(*const (), u32, u64, Text),
    when_closed: unsafe extern "C" fn(*const (), u64, Callback),
    name_tasks: unsafe extern "C" fn(*const (), *const Native),
    count: unsafe extern "C" fn(*const (), u64, Text, u64, *mut Fallible<Callback>),
}

shared_handle! {
    /// A runtime: one broker with its plugins, natives and contexts.
    RuntimeHandle, RuntimeTable
}

struct Maker<T>(std::marker::PhantomData<T>);

impl<T: RuntimeType> Maker<T> {
    const TABLE: RuntimeTable = RuntimeTable {
        head: Head::of::<RuntimeTable>(),
        retain: retain_arc::<T>,
        release: release_arc::<T>,
        id: id::<T>,
        now_ns: now_ns::<T>,
        completion: completion::<T>,
        after_ns: after_ns::<T>,
        cancel_token: cancel_token::<T>,
        blocking: blocking::<T>,
        keep_alive: keep_alive::<T>,
        callable: callable::<T>,
        post: post::<T>,
        permission: permission::<T>,
        site: site::<T>,
        log: log::<T>,
        when_closed: when_closed::<T>,
        name_tasks: name_tasks::<T>,
        count: count::<T>,
    };
}

impl RuntimeHandle {
    /// A handle of this making.
    pub fn new<T: RuntimeType>(data: Arc<T>) -> RuntimeHandle {
        RuntimeHandle::from_arc(&Maker::<T>::TABLE, data)
    }

    /// A number no other runtime of the process has.
    pub fn id(&self) -> u64 {
        // SAFETY: here and below, the handle keeps the maker's data alive and arguments are borrowed
        // for the call or handed over.
        unsafe { ((*self.table.as_ptr()).id)(self.data.as_ptr()) }
    }

    /// Nanoseconds on the runtime's monotonic clock, never zero.
    pub fn now_ns(&self) -> u64 {
        // SAFETY: see `id`.
        unsafe { ((*self.table.as_ptr()).now_ns)(self.data.as_ptr()) }
    }

    /// A promise that someone outside the scripts will finish (a socket, a timer, a thread).
    /// `text` says what is waited for: "net.recv on 127.0.0.1:80".
    pub fn completion(&self, text: &str) -> (Completion, Finisher) {
        self.promise(text, true)
    }

    /// A promise that only scripts can finish: a queue's item, a task's end. A program in which all
    /// wait for such is stuck.
    pub fn internal_completion(&self, text: &str) -> (Completion, Finisher) {
        self.promise(text, false)
    }

    fn promise(&self, text: &str, external: bool) -> (Completion, Finisher) {
        // SAFETY: see `id`.
        let result = unsafe {
            answered(|out| ((*self.table.as_ptr()).completion)(self.data.as_ptr(), Text::of(text), external, out))
        };
        match result {
            Ok(Promise { completion, finisher }) => (completion, finisher),
            // The host panicked; this promise is not counted among those that keep the program going.
            Err(_) => crate::completion::promise(text, external, None),
        }
    }

    /// A promise that finishes with nil after this time.
    pub fn after(&self, time: Duration) -> Completion {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: see `id`.
        let result = unsafe { answered(|out| ((*self.table.as_ptr()).after_ns)(self.data.as_ptr(), nanoseconds, out)) };
        result.unwrap_or_else(|error| broken("a timer", error))
    }

    /// A cancel token; with a parent it is raised when the parent is.
    ///
    /// # Errors
    /// Only when the host itself fails.
    pub fn cancel_token(&self, parent: Option<&CancelToken>) -> Result<CancelToken> {
        let parent = parent.map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: see `id`.
        unsafe { answered(|out| ((*self.table.as_ptr()).cancel_token)(self.data.as_ptr(), parent, out)) }
    }

    /// Runs blocking work on a bounded pool of threads; the completion has its result.
    pub fn blocking(&self, text: &str, work: impl FnOnce() -> Result<Value> + Send + 'static) -> Completion {
        let (completion, finisher) = self.completion(text);
        let work = Callback::new(move |_outcome| {
            let result = guard(work).and_then(|result| result);
            // A waiter that left does not miss the result.
            let _ = finisher.finish(result);
        });
        // SAFETY: see `id`.
        unsafe { ((*self.table.as_ptr()).blocking)(self.data.as_ptr(), work) };
        completion
    }

    /// Keeps the program from ending while the guard lives.
    pub fn keep_alive(&self) -> KeepAlive {
        // SAFETY: see `id`.
        unsafe { ((*self.table.as_ptr()).keep_alive)(self.data.as_ptr(), 1) };
        KeepAlive(self.clone())
    }

    /// A native as a function value that scripts can hold and pass on.
    ///
    /// # Errors
    /// Only when the host itself fails.
    pub fn callable(&self, native: &Native) -> Result<Callable> {
        // SAFETY: see `id`.
        unsafe { answered(|out| ((*self.table.as_ptr()).callable)(self.data.as_ptr(), native, out)) }
    }

    /// Starts the callable as a new task of a context: later, never in place. Its failure goes to
    /// the runtime's error handler.
    ///
    /// # Errors
    /// `dead` when the context is gone, `limit` when its mailbox is full.
    pub fn post(&self, context: u64, callable: &Callable, info: &CallInfo, args: Args<'_>) -> Result<()> {
        let mut result = Fallible::Fine(Value::Nil);
        let (start, count) = args.raw();
        // SAFETY: see `id`; `result` is initialised.
        unsafe {
            ((*self.table.as_ptr()).post)(self.data.as_ptr(), context, callable, info, start, count, &mut result);
        }
        Result::from(result).map(drop)
    }

    /// Whether the calling context may use what is named: `"net.connect"`, `"fs.read:/etc"`.
    ///
    /// # Errors
    /// `permission`, naming the line of configuration that would allow it.
    pub fn permission(&self, info: &CallInfo, name: &str) -> Result<()> {
        // SAFETY: see `id`.
        let result = unsafe {
            answered(|out| ((*self.table.as_ptr()).permission)(self.data.as_ptr(), info, Text::of(name), out))
        };
        result.map(drop)
    }

    pub(crate) fn site(&self, context: u64) -> Option<Frame> {
        let mut value = Value::Nil;
        // SAFETY: see `id`; `value` is initialised.
        unsafe { ((*self.table.as_ptr()).site)(self.data.as_ptr(), context, &mut value) };
        Frame::from_value(value.view())
    }

    /// Writes a log line in the name of a context; 0 is the program.
    pub fn log(&self, level: Level, context: u64, message: &str) {
        // SAFETY: see `id`.
        unsafe { ((*self.table.as_ptr()).log)(self.data.as_ptr(), level as u32, context, Text::of(message)) };
    }

    /// Runs the closure when a context has begun to close, on some thread, so that a bundle can end
    /// what it does in the context's name; at once if it has, or never was. The program's own context,
    /// 0, closes with the runtime.
    pub fn when_closed(&self, context: u64, hook: impl FnOnce() + Send + 'static) {
        let hook = Callback::new(move |_outcome| hook());
        // SAFETY: see `id`; the callback is handed over.
        unsafe { ((*self.table.as_ptr()).when_closed)(self.data.as_ptr(), context, hook) };
    }

    /// Has the host ask this native what the task of a call is called, when it writes a log line for
    /// that call: it is called without arguments in the call's circumstances, on the caller's thread,
    /// and gives a text or nil. One native is asked, the last that was named.
    pub fn name_tasks(&self, names: &Native) {
        // SAFETY: see `id`; the native is borrowed for the call.
        unsafe { ((*self.table.as_ptr()).name_tasks)(self.data.as_ptr(), names) };
    }

    /// Counts what a context uses of something that its configuration may limit: `"sockets"`,
    /// `"queue_items"`, or what a bundle has of its own, with the bundle's name: `"db.connections"`, which
    /// is the key `limits.db.connections`. In a call, [`CallInfo::count`] is the faster way.
    ///
    /// # Errors
    /// `limit` when there may be no more, naming the key; then nothing is counted. `dead` when the context
    /// is gone.
    pub fn count(&self, context: u64, what: &str, amount: u64) -> Result<Counted> {
        // SAFETY: see `id`.
        let counted = unsafe {
            answered(|out| ((*self.table.as_ptr()).count)(self.data.as_ptr(), context, Text::of(what), amount, out))
        };
        counted.map(|counted| Counted(Some(counted)))
    }
}

/// Something that is counted as used by a context, until this is dropped, on whatever thread.
///
/// What a context may have so much of is counted where it comes to be, and stays with the thing:
///
/// ```
/// use calog_plugin_api::{CallInfo, Counted, Result};
///
/// struct Database {
///     _counted: Counted,
/// }
///
/// fn open(info: &CallInfo) -> Result<Database> {
///     Ok(Database { _counted: info.count("db.connections", 1)? })
/// }
/// ```
#[must_use = "it is given back when it is dropped"]
#[derive(Default)]
pub struct Counted(Option<Callback>);

// SAFETY: by reference it only tells whether there is something.
unsafe impl Sync for Counted {}

impl Counted {
    /// Nothing: nobody limits it.
    pub const NOTHING: Counted = Counted(None);

    /// It is never given back: what counts is how much there was.
    pub fn for_ever(mut self) {
        if let Some(counted) = self.0.take() {
            counted.call(Outcome::Ready(Value::Nil));
        }
    }
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Counted" } else { "Counted(nothing)" })
    }
}

fn broken(text: &str, error: Error) -> Completion {
    let (completion, finisher) = crate::completion::promise(text, false, None);
    // The completion was just made, so it takes the error.
    let _ = finisher.finish(Err(error));
    completion
}

/// While it lives, the program does not end.
pub struct KeepAlive(RuntimeHandle);

impl Drop for KeepAlive {
    fn drop(&mut self) {
        // SAFETY: the handle keeps the maker's data alive.
        unsafe { ((*self.0.table.as_ptr()).keep_alive)(self.0.data.as_ptr(), -1) };
    }
}

unsafe extern "C" fn id<T: RuntimeType>(data: *const ()) -> u64 {
    // SAFETY: here and below, the handle made from an `Arc<T>` is borrowed for the call, texts and
    // arguments likewise, and `out` is room for the answer.
    let runtime = unsafe { arc_ref::<T>(data) };
    guard(|| runtime.id()).unwrap_or(0)
}

unsafe extern "C" fn now_ns<T: RuntimeType>(data: *const ()) -> u64 {
    // SAFETY: see `id`.
    let runtime = unsafe { arc_ref::<T>(data) };
    guard(|| runtime.now_ns()).unwrap_or(1)
}

unsafe extern "C" fn completion<T: RuntimeType>(
    data: *const (),
    text: Text,
    external: bool,
    out: *mut Fallible<Promise>,
) {
    // SAFETY: see `id`.
    unsafe {
        let runtime = arc_ref::<T>(data);
        let pair = guard(|| runtime.completion(&text.text(), external));
        out.write(pair.map(|(completion, finisher)| Promise { completion, finisher }).into());
    }
}

unsafe extern "C" fn after_ns<T: RuntimeType>(data: *const (), nanoseconds: u64, out: *mut Fallible<Completion>) {
    // SAFETY: see `id`.
    unsafe {
        let runtime = arc_ref::<T>(data);
        out.write(guard(|| runtime.after_ns(nanoseconds)).into());
    }
}

unsafe extern "C" fn cancel_token<T: RuntimeType>(
    data: *const (),
    parent: *const CancelToken,
    out: *mut Fallible<CancelToken>,
) {
    // SAFETY: see `id`; the parent is null or borrowed.
    unsafe {
        let runtime = arc_ref::<T>(data);
        out.write(guard(|| runtime.cancel_token(parent.as_ref())).into());
    }
}

unsafe extern "C" fn blocking<T: RuntimeType>(data: *const (), work: Callback) {
    // SAFETY: see `id`.
    let runtime = unsafe { arc_ref::<T>(data) };
    guard_drop(|| runtime.blocking(work));
}

unsafe extern "C" fn keep_alive<T: RuntimeType>(data: *const (), change: i32) {
    // SAFETY: see `id`.
    let runtime = unsafe { arc_ref::<T>(data) };
    guard_drop(|| runtime.keep_alive(change));
}

unsafe extern "C" fn callable<T: RuntimeType>(data: *const (), native: *const Native, out: *mut Fallible<Callable>) {
    // SAFETY: see `id`.
    unsafe {
        let runtime = arc_ref::<T>(data);
        out.write(guard(|| runtime.callable((*native).clone())).into());
    }
}

unsafe extern "C" fn post<T: RuntimeType>(
    data: *const (),
    context: u64,
    callable: &Callable,
    info: &CallInfo,
    args: *const View<'_>,
    count: usize,
    out: *mut Fallible<Value>,
) {
    // SAFETY: see `id`.
    unsafe {
        let runtime = arc_ref::<T>(data);
        let result = guard(|| runtime.post(context, callable, info, Args::from_raw(args, count)));
        out.write(result.and_then(|result| result).map(|()| Value::Nil).into());
    }
}

unsafe extern "C" fn permission<T: RuntimeType>(
    data: *const (),
    info: &CallInfo,
    name: Text,
    out: *mut Fallible<Value>,
) {
    // SAFETY: see `id`.
    unsafe {
        let runtime = arc_ref::<T>(data);
        let result = guard(|| runtime.permission(info, &name.text())).and_then(|result| result);
        out.write(result.map(|()| Value::Nil).into());
    }
}

unsafe extern "C" fn site<T: RuntimeType>(data: *const (), context: u64, out: *mut Value) {
    // SAFETY: see `id`.
    unsafe {
        let runtime = arc_ref::<T>(data);
        let frame = guard(|| runtime.site(context)).ok().flatten();
        *out = frame.and_then(|frame| frame.to_value().ok()).unwrap_or_default();
    }
}

unsafe extern "C" fn when_closed<T: RuntimeType>(data: *const (), context: u64, hook: Callback) {
    // SAFETY: see `id`.
    let runtime = unsafe { arc_ref::<T>(data) };
    super::guard_drop(|| runtime.when_closed(context, hook));
}

unsafe extern "C" fn name_tasks<T: RuntimeType>(data: *const (), names: *const Native) {
    // SAFETY: see `id`.
    unsafe {
        let runtime = arc_ref::<T>(data);
        guard_drop(|| runtime.name_tasks((*names).clone()));
    }
}

unsafe extern "C" fn count<T: RuntimeType>(
    data: *const (),
    context: u64,
    what: Text,
    amount: u64,
    out: *mut Fallible<Callback>,
) {
    // SAFETY: see `id`.
    unsafe {
        let runtime = arc_ref::<T>(data);
        out.write(guard(|| runtime.count(context, &what.text(), amount)).and_then(|counted| counted).into());
    }
}

unsafe extern "C" fn log<T: RuntimeType>(data: *const (), level: u32, context: u64, message: Text) {
    // SAFETY: see `id`.
    unsafe {
        let runtime = arc_ref::<T>(data);
        guard_drop(|| runtime.log(Level::from_number(level), context, &message.text()));
    }
}
