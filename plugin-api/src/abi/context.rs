//! One interpreter, as the host sees it: made, entered and dropped on one thread.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::{Args, CallInfo, Fallible, Head, Outcome, Text, guard, guard_drop, suffix};
use crate::completion::Completion;
use crate::engine::{Context, FunctionKey, ObjectKey, Source, SourceMode, Step, TaskKey, WaitKey};
use crate::error::{Code, Error, Frame, Result};
use crate::value::{Value, View};

/// What an entry answers: which step the outcome is, and whether the engine is still sound.
///
/// A step is written into the room for an outcome, so that a finished call's result reaches its
/// caller without being moved: `DONE` leaves ready or failed there, `WAITING` pending, `YIELDED`
/// ready; the last two also write the task's number.
const DONE: u8 = 0;
const WAITING: u8 = 1;
const YIELDED: u8 = 2;
const PANICKED: u8 = 3;

/// `PANICKED`, for entries without a step.
const SOUND: u8 = DONE;

/// Writes a step as the entry's answer.
///
/// # Safety
/// `out` is room for an outcome, `task` for a number.
#[inline]
unsafe fn write_step(step: Step, out: *mut Outcome, task: *mut u64) -> u8 {
    // SAFETY: the caller vouches for both.
    unsafe {
        match step {
            Step::Done(Ok(value)) => {
                Outcome::Ready(value).put(out);
                DONE
            }
            Step::Done(Err(error)) => {
                out.write(Outcome::Failed(error));
                DONE
            }
            Step::Waiting { task: number, on } => {
                out.write(Outcome::Pending(on));
                task.write(number.0);
                WAITING
            }
            Step::Yielded { task: number, value } => {
                out.write(Outcome::Ready(value));
                task.write(number.0);
                YIELDED
            }
        }
    }
}

/// An entry's answer as the host reads it.
pub enum Entered {
    /// The task ended; the outcome is ready or failed.
    Done(Outcome),
    /// The task waits for the completion.
    Waiting(TaskKey, Completion),
    /// The task gave way, with a value.
    Yielded(TaskKey, Value),
}

impl Entered {
    /// # Errors
    /// When the engine panicked.
    #[inline]
    fn read(status: u8, outcome: Outcome, task: u64) -> Result<Entered> {
        match (status, outcome) {
            (DONE, outcome) => Ok(Entered::Done(outcome)),
            (WAITING, Outcome::Pending(on)) => Ok(Entered::Waiting(TaskKey(task), on)),
            (YIELDED, Outcome::Ready(value)) => Ok(Entered::Yielded(TaskKey(task), value)),
            (_, Outcome::Failed(error)) => Err(error),
            _ => Err(panicked()),
        }
    }
}

#[repr(C)]
struct WireSource<'a> {
    mode: u32,
    reserved: u32,
    name: Text,
    path: Text,
    text: Text,
    info: &'a CallInfo,
}

#[repr(C)]
struct ContextTable {
    head: Head,
    drop: unsafe extern "C" fn(*mut ()) -> u8,
    load: unsafe extern "C" fn(*const (), &WireSource<'_>, *mut Outcome, *mut u64) -> u8,
    call: unsafe extern "C" fn(*const (), u64, &CallInfo, *const View<'_>, usize, *mut Outcome, *mut u64) -> u8,
    release: unsafe extern "C" fn(*const (), u64) -> u8,
    resume: unsafe extern "C" fn(*const (), u64, *mut Fallible<Value>, *mut Outcome, *mut u64) -> u8,
    abandon: unsafe extern "C" fn(*const (), u64) -> u8,
    method: unsafe extern "C" fn(*const (), u64, Text, &CallInfo, *const View<'_>, usize, *mut Outcome, *mut u64) -> u8,
    release_object: unsafe extern "C" fn(*const (), u64) -> u8,
    interrupt: unsafe extern "C" fn(*const ()),
    memory_used: unsafe extern "C" fn(*const ()) -> u64,
    set_memory_limit: unsafe extern "C" fn(*const (), u64) -> bool,
    describe: unsafe extern "C" fn(*const (), u32, u64, Text, *mut Value),
    end: unsafe extern "C" fn(*const ()) -> u8,
}

const SIGNATURE: u32 = 0;
const IS_COMPLETE: u32 = 1;
const SITE: u32 = 2;
const WAIT_SITE: u32 = 3;

/// The host's handle to a context. It stays on its thread; dropping it ends the interpreter.
///
/// Entries answer `Err` when the engine panicked: the context is then dead and must not be entered
/// again.
#[repr(C)]
pub struct ContextHandle {
    table: NonNull<ContextTable>,
    data: NonNull<()>,
    one_thread: PhantomData<*const ()>,
}

struct Maker<C>(PhantomData<C>);

impl<C: Context> Maker<C> {
    const TABLE: ContextTable = ContextTable {
        head: Head::of::<ContextTable>(),
        drop: drop_context::<C>,
        load: load::<C>,
        call: call::<C>,
        release: release::<C>,
        resume: resume::<C>,
        abandon: abandon::<C>,
        method: method::<C>,
        release_object: release_object::<C>,
        interrupt: interrupt::<C>,
        memory_used: memory_used::<C>,
        set_memory_limit: set_memory_limit::<C>,
        describe: describe::<C>,
        end: end::<C>,
    };
}

fn panicked() -> Error {
    Error::new(Code::Panic, "the engine panicked; this context is dead")
}

impl ContextHandle {
    /// A handle of this making.
    pub fn new<C: Context>(context: C) -> ContextHandle {
        let data = Box::into_raw(Box::new(context)).cast::<()>();
        // SAFETY: a pointer from a Box is never null.
        let data = unsafe { NonNull::new_unchecked(data) };
        ContextHandle { table: NonNull::from(&Maker::<C>::TABLE), data, one_thread: PhantomData }
    }

    /// Makes room for an answer, has the entry write it, reads it.
    #[inline(always)]
    fn enter(entry: impl FnOnce(*mut Outcome, *mut u64) -> u8) -> Result<Entered> {
        let mut outcome = MaybeUninit::uninit();
        let mut task = 0;
        let status = entry(outcome.as_mut_ptr(), &mut task);
        // SAFETY: every entry writes the outcome, whatever happens.
        let outcome = unsafe { Outcome::take(&outcome) };
        if status == DONE { Ok(Entered::Done(outcome)) } else { Entered::read(status, outcome, task) }
    }

    /// Runs a main chunk.
    ///
    /// # Errors
    /// When the engine panicked; here and below.
    pub fn load(&self, source: &Source<'_>) -> Result<Entered> {
        let wire = WireSource {
            mode: source.mode as u32,
            reserved: 0,
            name: Text::of(source.name),
            path: Text::of(source.path),
            text: Text { start: source.text.as_ptr(), len: source.text.len() },
            info: source.info,
        };
        // SAFETY: here and below, the context is alive and this is its thread, as the handle cannot
        // leave it; arguments are borrowed for the call or handed over, and there is room for results.
        ContextHandle::enter(|out, task| unsafe { ((*self.table.as_ptr()).load)(self.data.as_ptr(), &wire, out, task) })
    }

    /// Runs an exported function.
    ///
    /// # Errors
    /// When the engine panicked.
    #[inline(always)]
    pub fn call(&self, function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Result<Entered> {
        let (start, count) = args.raw();
        // SAFETY: see `load`.
        ContextHandle::enter(|out, task| unsafe {
            ((*self.table.as_ptr()).call)(self.data.as_ptr(), function.0, info, start, count, out, task)
        })
    }

    /// Tells it that the last reference to a function is gone.
    ///
    /// # Errors
    /// When the engine panicked.
    pub fn release(&self, function: FunctionKey) -> Result<()> {
        // SAFETY: see `load`.
        let status = unsafe { ((*self.table.as_ptr()).release)(self.data.as_ptr(), function.0) };
        sound(status)
    }

    /// Goes on with what waited under this key.
    ///
    /// # Errors
    /// When the engine panicked.
    pub fn resume(&self, key: WaitKey, result: Result<Value>) -> Result<Entered> {
        let mut result = std::mem::ManuallyDrop::new(Fallible::from(result));
        // SAFETY: see `load`; the result is handed over.
        ContextHandle::enter(|out, task| unsafe {
            ((*self.table.as_ptr()).resume)(self.data.as_ptr(), key.0, &raw mut *result, out, task)
        })
    }

    /// Drops a task for good.
    ///
    /// # Errors
    /// When the engine panicked.
    pub fn abandon(&self, task: TaskKey) -> Result<()> {
        // SAFETY: see `load`.
        let status = unsafe { ((*self.table.as_ptr()).abandon)(self.data.as_ptr(), task.0) };
        sound(status)
    }

    /// Calls a method of an Object this context made.
    ///
    /// # Errors
    /// When the engine panicked.
    pub fn method(&self, object: ObjectKey, member: &str, info: &CallInfo, args: Args<'_>) -> Result<Entered> {
        let ((start, count), member) = (args.raw(), Text::of(member));
        // SAFETY: see `load`.
        ContextHandle::enter(|out, task| unsafe {
            ((*self.table.as_ptr()).method)(self.data.as_ptr(), object.0, member, info, start, count, out, task)
        })
    }

    /// Tells it that the last reference to an Object is gone.
    ///
    /// # Errors
    /// When the engine panicked.
    pub fn release_object(&self, object: ObjectKey) -> Result<()> {
        // SAFETY: see `load`.
        let status = unsafe { ((*self.table.as_ptr()).release_object)(self.data.as_ptr(), object.0) };
        sound(status)
    }

    /// Has running code look at the stop flag. May be called from a signal handler on its thread.
    pub fn interrupt(&self) {
        // SAFETY: see `load`.
        unsafe { ((*self.table.as_ptr()).interrupt)(self.data.as_ptr()) };
    }

    /// Has it run what its language runs at the end. Nothing but the drop comes after this.
    ///
    /// # Errors
    /// When the engine panicked.
    pub fn end(&self) -> Result<()> {
        // SAFETY: see `load`.
        match unsafe { suffix!(self.table.as_ptr(), ContextTable, end) } {
            // SAFETY: see `load`.
            Some(end) => sound(unsafe { end(self.data.as_ptr()) }),
            None => Ok(()),
        }
    }

    /// Bytes the interpreter has allocated; 0 when it cannot tell.
    pub fn memory_used(&self) -> u64 {
        // SAFETY: see `load`.
        unsafe { ((*self.table.as_ptr()).memory_used)(self.data.as_ptr()) }
    }

    /// Bounds what the interpreter may allocate. Whether it can.
    pub fn set_memory_limit(&self, bytes: u64) -> bool {
        // SAFETY: see `load`.
        unsafe { ((*self.table.as_ptr()).set_memory_limit)(self.data.as_ptr(), bytes) }
    }

    fn describe(&self, what: u32, key: u64, text: &str) -> Value {
        let mut value = Value::Nil;
        // SAFETY: see `load`.
        unsafe {
            if let Some(describe) = suffix!(self.table.as_ptr(), ContextTable, describe) {
                describe(self.data.as_ptr(), what, key, Text::of(text), &mut value);
            }
        }
        value
    }

    /// What a function takes and gives, where the language knows.
    pub fn signature(&self, function: FunctionKey) -> Option<crate::Descriptor> {
        let map = self.describe(SIGNATURE, function.0, "");
        map.view().as_aggregate().map(|_| crate::Descriptor::from_view(map.view()))
    }

    /// Whether a REPL's input so far is a whole piece of code.
    pub fn is_complete(&self, input: &str) -> bool {
        self.describe(IS_COMPLETE, 0, input).view().as_bool() != Some(false)
    }

    /// Where the running code is.
    pub fn site(&self) -> Option<Frame> {
        Frame::from_value(self.describe(SITE, 0, "").view())
    }

    /// Where something waits under this key.
    pub fn wait_site(&self, key: WaitKey) -> Option<Frame> {
        Frame::from_value(self.describe(WAIT_SITE, key.0, "").view())
    }
}

impl Drop for ContextHandle {
    fn drop(&mut self) {
        // SAFETY: see `load`; the context is dropped once.
        unsafe { ((*self.table.as_ptr()).drop)(self.data.as_ptr()) };
    }
}

fn sound(status: u8) -> Result<()> {
    if status == SOUND { Ok(()) } else { Err(panicked()) }
}

/// # Safety
/// `data` is the box of this C, borrowed for 'a on its thread.
unsafe fn context_ref<'a, C>(data: *const ()) -> &'a C {
    // SAFETY: the caller vouches for it.
    unsafe { &*data.cast::<C>() }
}

/// Writes an entry's step; a panic is the step's error and makes the context unsound.
///
/// # Safety
/// As `write_step`.
#[inline]
unsafe fn enter(out: *mut Outcome, task: *mut u64, entry: impl FnOnce() -> Step) -> u8 {
    // SAFETY: the caller vouches for both; what a panicking entry left unwritten is written here.
    unsafe {
        guard(|| write_step(entry(), out, task)).unwrap_or_else(|error| {
            out.write(Outcome::Failed(error));
            PANICKED
        })
    }
}

fn enter_plain(entry: impl FnOnce()) -> u8 {
    if guard(entry).is_ok() { SOUND } else { PANICKED }
}

unsafe extern "C" fn drop_context<C: Context>(data: *mut ()) -> u8 {
    // SAFETY: the handle gives its box back, once, on its thread.
    enter_plain(|| drop(unsafe { Box::from_raw(data.cast::<C>()) }))
}

unsafe extern "C" fn load<C: Context>(
    data: *const (),
    source: &WireSource<'_>,
    out: *mut Outcome,
    task: *mut u64,
) -> u8 {
    // SAFETY: here and below, the context is borrowed for the call on its thread, texts and
    // arguments likewise, and `out` and `task` are room for the answer.
    unsafe {
        let context = context_ref::<C>(data);
        let (name, path) = (source.name.text(), source.path.text());
        let text = source.text.bytes();
        let mode = SourceMode::from_number(source.mode);
        enter(out, task, || context.load(Source { mode, name: &name, path: &path, text, info: source.info }))
    }
}

unsafe extern "C" fn call<C: Context>(
    data: *const (),
    function: u64,
    info: &CallInfo,
    args: *const View<'_>,
    count: usize,
    out: *mut Outcome,
    task: *mut u64,
) -> u8 {
    // SAFETY: see `load`.
    unsafe {
        let context = context_ref::<C>(data);
        enter(out, task, || context.call(FunctionKey(function), info, Args::from_raw(args, count)))
    }
}

unsafe extern "C" fn release<C: Context>(data: *const (), function: u64) -> u8 {
    // SAFETY: see `load`.
    let context = unsafe { context_ref::<C>(data) };
    enter_plain(|| context.release(FunctionKey(function)))
}

unsafe extern "C" fn resume<C: Context>(
    data: *const (),
    key: u64,
    result: *mut Fallible<Value>,
    out: *mut Outcome,
    task: *mut u64,
) -> u8 {
    // SAFETY: see `load`; the result is handed over.
    unsafe {
        let context = context_ref::<C>(data);
        let result = result.read();
        enter(out, task, || context.resume(WaitKey(key), result.into()))
    }
}

unsafe extern "C" fn abandon<C: Context>(data: *const (), task: u64) -> u8 {
    // SAFETY: see `load`.
    let context = unsafe { context_ref::<C>(data) };
    enter_plain(|| context.abandon(TaskKey(task)))
}

unsafe extern "C" fn method<C: Context>(
    data: *const (),
    object: u64,
    member: Text,
    info: &CallInfo,
    args: *const View<'_>,
    count: usize,
    out: *mut Outcome,
    task: *mut u64,
) -> u8 {
    // SAFETY: see `load`.
    unsafe {
        let context = context_ref::<C>(data);
        enter(out, task, || context.method(ObjectKey(object), &member.text(), info, Args::from_raw(args, count)))
    }
}

unsafe extern "C" fn release_object<C: Context>(data: *const (), object: u64) -> u8 {
    // SAFETY: see `load`.
    let context = unsafe { context_ref::<C>(data) };
    enter_plain(|| context.release_object(ObjectKey(object)))
}

unsafe extern "C" fn interrupt<C: Context>(data: *const ()) {
    // SAFETY: see `load`. No guard: this may run in a signal handler, where nothing may be caught;
    // the trait forbids panicking there.
    unsafe { context_ref::<C>(data) }.interrupt();
}

unsafe extern "C" fn end<C: Context>(data: *const ()) -> u8 {
    // SAFETY: see `load`.
    let context = unsafe { context_ref::<C>(data) };
    enter_plain(|| context.end())
}

unsafe extern "C" fn memory_used<C: Context>(data: *const ()) -> u64 {
    // SAFETY: see `load`.
    let context = unsafe { context_ref::<C>(data) };
    guard(|| context.memory_used()).unwrap_or(0)
}

unsafe extern "C" fn set_memory_limit<C: Context>(data: *const (), bytes: u64) -> bool {
    // SAFETY: see `load`.
    let context = unsafe { context_ref::<C>(data) };
    guard(|| context.set_memory_limit(bytes)).unwrap_or(false)
}

unsafe extern "C" fn describe<C: Context>(data: *const (), what: u32, key: u64, text: Text, out: *mut Value) {
    // SAFETY: see `load`.
    let (context, text) = unsafe { (context_ref::<C>(data), text.text()) };
    let mut value = Value::Nil;
    guard_drop(|| {
        value = match what {
            SIGNATURE => context.signature(FunctionKey(key)).and_then(|it| it.to_value().ok()).unwrap_or_default(),
            IS_COMPLETE => Value::Bool(context.is_complete(&text)),
            SITE => frame_value(context.site()),
            WAIT_SITE => frame_value(context.wait_site(WaitKey(key))),
            _ => Value::Nil,
        };
    });
    // SAFETY: see `load`.
    unsafe { *out = value };
}

fn frame_value(frame: Option<Frame>) -> Value {
    frame.and_then(|frame| frame.to_value().ok()).unwrap_or_default()
}
