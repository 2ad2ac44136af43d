//! The host as one context sees it, on its own thread.

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{
    CallInfo, Callable, Fallible, Head, KeptInfo, Native, Object, RuntimeHandle, Text, answered, arc_ref, guard,
    guard_drop, release_arc, retain_arc, suffix,
};
use crate::completion::Completion;
use crate::engine::{ContextOptions, FunctionKey, ObjectKey, WaitKey};
use crate::error::{Code, Error, Result};
use crate::log::Level;
use crate::value::Value;

/// In a stop flag: the context is to stop.
pub const STOP_CONTEXT: u32 = 1;

/// In a stop flag: the call whose code is on top was aborted.
pub const STOP_TASK: u32 = 2;

/// What makes a host handle. All of it is called on the context's thread.
pub trait HostType: 'static {
    /// The runtime.
    fn runtime(&self) -> RuntimeHandle;
    /// The dotted names of all natives this context may see: a list of strings.
    fn native_names(&self) -> Value;
    /// The native at this place of the list.
    fn native(&self, index: usize) -> Option<Native>;
    /// A callable for a function of this context; see [`Host::function`].
    ///
    /// # Errors
    /// `limit` when as many functions of the context are held as may be.
    fn function(&self, known: Option<FunctionKey>) -> Result<(Callable, FunctionKey)>;
    /// The key of a callable that is this context's own.
    fn own_key(&self, callable: &Callable) -> Option<FunctionKey>;
    /// An Object for something of this context; see [`Host::object`].
    fn object(&self, known: Option<ObjectKey>, type_name: &str, members: Value) -> (Object, ObjectKey);
    /// The key of an Object that is this context's own.
    fn own_object_key(&self, object: &Object) -> Option<ObjectKey>;
    /// Waits in place, serving the thread's mailbox meanwhile.
    ///
    /// # Errors
    /// The completion's own; `depth` when pumps nest too deeply; `cancelled`, `timeout`, `dead`.
    fn wait(&self, completion: Completion, info: &CallInfo) -> Result<Value>;
    /// Has the context resumed with this key when the completion is finished.
    fn watch(&self, completion: Completion, key: WaitKey, info: &CallInfo);
    /// The options the context was opened with.
    fn options(&self) -> ContextOptions;
    /// Circumstances for what the context does of its own accord.
    fn info(&self) -> KeptInfo;
    /// [`STOP_CONTEXT`] and [`STOP_TASK`]: not zero when running code shall stop; valid as long as the handle.
    fn stop_flag(&self) -> &AtomicU32;
    /// How many more pumps may nest here.
    fn remaining_depth(&self) -> u32;
    /// Adds to the context's standard output.
    fn print(&self, bytes: &[u8]);
    /// A log line in the context's name.
    fn log(&self, level: Level, message: &str);
    /// An error that no caller will see, as an uncaught rejection.
    fn report(&self, error: Error);
    /// Whether the interpreter's own library may do this; see [`Host::permit`].
    ///
    /// # Errors
    /// `permission`, naming the line of configuration that would allow it.
    fn permit(&self, access: Access, path: &[u8]) -> Result<Option<Vec<u8>>> {
        let _ = (access, path);
        Ok(None)
    }
    /// As `print`, and says when there may be no more.
    ///
    /// # Errors
    /// `limit` when the context has printed as much as it may.
    fn try_print(&self, bytes: &[u8]) -> Result<()> {
        self.print(bytes);
        Ok(())
    }
    /// The context's code has reached a limit that the interpreter keeps; see [`Host::reached`].
    fn reached(&self, limit: &str) -> Error {
        Error::new(Code::Limit, format!("the context has reached its limit of {limit}"))
    }
}

/// What an interpreter's own library does beyond the interpreter.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Access {
    /// Reads a file or lists a folder.
    Read = 0,
    /// Writes, makes, renames or removes a file.
    Write = 1,
    /// Loads machine code: a library, or code of the interpreter that nothing has checked.
    LoadNative = 2,
    /// Starts or ends processes.
    Processes = 3,
    /// Reads or changes the process's environment.
    Environment = 4,
}

impl Access {
    fn from_number(number: u32) -> Option<Access> {
        let all = [Access::Read, Access::Write, Access::LoadNative, Access::Processes, Access::Environment];
        all.into_iter().find(|access| *access as u32 == number)
    }
}

#[repr(C)]
struct HostTable {
    head: Head,
    retain: unsafe extern "C" fn(*mut ()),
    release: unsafe extern "C" fn(*mut ()),
    runtime: unsafe extern "C" fn(*const (), *mut Fallible<RuntimeHandle>),
    native_names: unsafe extern "C" fn(*const (), *mut Value),
    native: unsafe extern "C" fn(*const (), usize, *mut Fallible<Native>),
    function: unsafe extern "C" fn(*const (), u64, *mut Fallible<Keyed<Callable>>),
    own_key: unsafe extern "C" fn(*const (), &Callable) -> u64,
    object: unsafe extern "C" fn(*const (), u64, Text, *const Value, *mut Fallible<Keyed<Object>>),
    own_object_key: unsafe extern "C" fn(*const (), &Object) -> u64,
    wait: unsafe extern "C" fn(*const (), *mut Completion, &CallInfo, *mut Fallible<Value>),
    watch: unsafe extern "C" fn(*const (), *mut Completion, u64, &CallInfo),
    options: unsafe extern "C" fn(*const (), *mut Value),
    info: unsafe extern "C" fn(*const (), *mut Fallible<KeptInfo>),
    stop_flag: unsafe extern "C" fn(*const ()) -> *const AtomicU32,
    remaining_depth: unsafe extern "C" fn(*const ()) -> u32,
    print: unsafe extern "C" fn(*const (), Text),
    log: unsafe extern "C" fn(*const (), u32, Text),
    report: unsafe extern "C" fn(*const (), &Error),
    permit: unsafe extern "C" fn(*const (), u32, Text, *mut Fallible<Value>),
    try_print: unsafe extern "C" fn(*const (), Text, *mut Fallible<Value>),
    reached: unsafe extern "C" fn(*const (), Text, *mut Fallible<Value>),
}

/// A reference together with its owner's key for it.
#[repr(C)]
struct Keyed<T> {
    reference: T,
    key: u64,
}

/// What a context asks of calog. It stays on the context's thread; clones are the same host.
#[repr(C)]
pub struct Host {
    table: NonNull<HostTable>,
    data: NonNull<()>,
    stop: NonNull<AtomicU32>,
    one_thread: PhantomData<*const ()>,
}

struct Maker<T>(PhantomData<T>);

impl<T: HostType> Maker<T> {
    const TABLE: HostTable = HostTable {
        head: Head::of::<HostTable>(),
        retain: retain_arc::<T>,
        release: release_arc::<T>,
        runtime: runtime::<T>,
        native_names: native_names::<T>,
        native: native::<T>,
        function: function::<T>,
        own_key: own_key::<T>,
        object: object::<T>,
        own_object_key: own_object_key::<T>,
        wait: wait::<T>,
        watch: watch::<T>,
        options: options::<T>,
        info: info::<T>,
        stop_flag: stop_flag::<T>,
        remaining_depth: remaining_depth::<T>,
        print: print::<T>,
        log: log::<T>,
        report: report::<T>,
        permit: permit::<T>,
        try_print: try_print::<T>,
        reached: reached::<T>,
    };
}

impl Clone for Host {
    fn clone(&self) -> Host {
        // SAFETY: this handle keeps the maker's data alive.
        unsafe { ((*self.table.as_ptr()).retain)(self.data.as_ptr()) };
        Host { table: self.table, data: self.data, stop: self.stop, one_thread: PhantomData }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: this handle owns one reference.
        unsafe { ((*self.table.as_ptr()).release)(self.data.as_ptr()) };
    }
}

#[cold]
fn too_deep(callee: &Callable) -> Result<()> {
    // A native that does not wait can be called at any depth; one that does fails when it is waited for.
    match callee.identity().context {
        0 => Ok(()),
        _ => Err(Error::new(Code::Depth, "too many calls and waits are nested on this thread already")),
    }
}

impl Host {
    /// A handle of this making.
    pub fn new<T: HostType>(data: Arc<T>) -> Host {
        let stop = NonNull::from(data.stop_flag());
        let data = Arc::into_raw(data).cast_mut().cast::<()>();
        // SAFETY: a pointer from an Arc is never null.
        let data = unsafe { NonNull::new_unchecked(data) };
        Host { table: NonNull::from(&Maker::<T>::TABLE), data, stop, one_thread: PhantomData }
    }

    /// The runtime, for threads and natives.
    ///
    /// # Errors
    /// Only when the host itself fails.
    pub fn runtime(&self) -> Result<RuntimeHandle> {
        // SAFETY: here and below, the handle keeps the maker's data alive, results have room,
        // and arguments are borrowed for the call or handed over.
        unsafe { answered(|out| ((*self.table.as_ptr()).runtime)(self.data.as_ptr(), out)) }
    }

    /// The dotted names of all natives this context may see. Bind one, by its place in this list,
    /// when a script first asks for it: an idle context then stays small.
    pub fn native_names(&self) -> Value {
        let mut names = Value::Nil;
        // SAFETY: see `runtime`.
        unsafe { ((*self.table.as_ptr()).native_names)(self.data.as_ptr(), &mut names) };
        names
    }

    /// The native at this place of [`native_names`](Host::native_names).
    ///
    /// # Errors
    /// `not_found` beyond the end.
    pub fn native(&self, index: usize) -> Result<Native> {
        // SAFETY: see `runtime`.
        unsafe { answered(|out| ((*self.table.as_ptr()).native)(self.data.as_ptr(), index, out)) }
    }

    /// A callable for a function of this context.
    ///
    /// With the key of an earlier callable for the same function it is revived, if references to it
    /// are still alive; otherwise, and without, there is a new key, under which the engine pins the
    /// function until [`Context::release`](crate::Context::release) names that key. Keys are never
    /// used twice.
    ///
    /// # Errors
    /// `limit` when others hold as many of the context's functions as may be.
    pub fn function(&self, known: Option<FunctionKey>) -> Result<(Callable, FunctionKey)> {
        let known = known.map_or(0, |key| key.0);
        // SAFETY: see `runtime`.
        let result = unsafe { answered(|out| ((*self.table.as_ptr()).function)(self.data.as_ptr(), known, out)) };
        result.map(|Keyed { reference, key }| (reference, FunctionKey(key)))
    }

    /// The key of a callable that is this context's own, so that a function which comes home is itself.
    pub fn own_key(&self, callable: &Callable) -> Option<FunctionKey> {
        // SAFETY: see `runtime`.
        let key = unsafe { ((*self.table.as_ptr()).own_key)(self.data.as_ptr(), callable) };
        (key != 0).then_some(FunctionKey(key))
    }

    /// An Object for something of this context; keys as in [`function`](Host::function). `members` is
    /// a list of descriptors.
    ///
    /// # Errors
    /// Only when the host itself fails.
    pub fn object(&self, known: Option<ObjectKey>, type_name: &str, members: &Value) -> Result<(Object, ObjectKey)> {
        let (known, type_name) = (known.map_or(0, |key| key.0), Text::of(type_name));
        // SAFETY: see `runtime`.
        let result = unsafe {
            answered(|out| ((*self.table.as_ptr()).object)(self.data.as_ptr(), known, type_name, members, out))
        };
        result.map(|Keyed { reference, key }| (reference, ObjectKey(key)))
    }

    /// The key of an Object that is this context's own.
    pub fn own_object_key(&self, object: &Object) -> Option<ObjectKey> {
        // SAFETY: see `runtime`.
        let key = unsafe { ((*self.table.as_ptr()).own_object_key)(self.data.as_ptr(), object) };
        (key != 0).then_some(ObjectKey(key))
    }

    /// Waits in place, where the language cannot suspend: serves the thread's mailbox, nested, until
    /// the result is there.
    ///
    /// # Errors
    /// The result's own; `depth` when pumps nest too deeply; `cancelled`, `timeout` or `dead` when
    /// the wait was ended.
    pub fn wait(&self, completion: Completion, info: &CallInfo) -> Result<Value> {
        let mut completion = std::mem::ManuallyDrop::new(completion);
        // SAFETY: see `runtime`; the completion is handed over.
        unsafe { answered(|out| ((*self.table.as_ptr()).wait)(self.data.as_ptr(), &raw mut *completion, info, out)) }
    }

    /// Has [`Context::resume`](crate::Context::resume) called with this key once the result is there.
    pub fn watch(&self, completion: Completion, key: WaitKey, info: &CallInfo) {
        let mut completion = std::mem::ManuallyDrop::new(completion);
        // SAFETY: see `runtime`; the completion is handed over.
        unsafe { ((*self.table.as_ptr()).watch)(self.data.as_ptr(), &raw mut *completion, key.0, info) };
    }

    /// The options the context was opened with.
    pub fn options(&self) -> ContextOptions {
        let mut options = Value::Nil;
        // SAFETY: see `runtime`.
        unsafe { ((*self.table.as_ptr()).options)(self.data.as_ptr(), &mut options) };
        ContextOptions::new(options)
    }

    /// Circumstances for what the context does of its own accord: finalisers, timers of its own.
    ///
    /// # Errors
    /// Only when the host itself fails.
    pub fn info(&self) -> Result<KeptInfo> {
        // SAFETY: see `runtime`.
        unsafe { answered(|out| ((*self.table.as_ptr()).info)(self.data.as_ptr(), out)) }
    }

    /// Whether the running call alone shall stop, because it was aborted: the context goes on, and other
    /// code of it must not notice.
    pub fn aborting(&self) -> bool {
        // SAFETY: as `stopping`.
        unsafe { self.stop.as_ref() }.load(Ordering::Relaxed) == STOP_TASK
    }

    /// Whether running code shall stop, be it the whole context's or that of a call that was aborted: it is
    /// to end with an error that scripts cannot catch.
    #[inline]
    pub fn stopping(&self) -> bool {
        // ORDERING: relaxed, as nothing else is read by what the flag says.
        // SAFETY: the flag lives as long as the maker's data.
        unsafe { self.stop.as_ref() }.load(Ordering::Relaxed) != 0
    }

    /// How many more pumps may nest here.
    pub fn remaining_depth(&self) -> u32 {
        // SAFETY: see `runtime`.
        unsafe { ((*self.table.as_ptr()).remaining_depth)(self.data.as_ptr()) }
    }

    /// To be asked before a call whose answer would be waited for in place: one that was made cannot
    /// be taken back, so it would run though its caller was told that it failed.
    ///
    /// # Errors
    /// `depth` when no more pumps may nest here, and the function is a context's.
    #[inline]
    pub fn check_depth(&self, callee: &Callable) -> Result<()> {
        if self.remaining_depth() > 0 { Ok(()) } else { too_deep(callee) }
    }

    /// To be asked before the interpreter's own library does what reaches beyond the interpreter: whether
    /// the context may. Of files, with the path; then the answer may be another path, to be used in its
    /// place: the file that it leads to, through no link any more.
    ///
    /// # Errors
    /// `permission`, naming the line of configuration that would allow it.
    pub fn permit(&self, access: Access, path: &[u8]) -> Result<Option<Vec<u8>>> {
        let text = Text { start: path.as_ptr(), len: path.len() };
        // SAFETY: see `runtime`; a host that does not know the question has no permissions.
        let answer = unsafe {
            match suffix!(self.table.as_ptr(), HostTable, permit) {
                Some(permit) => answered(|out| permit(self.data.as_ptr(), access as u32, text, out))?,
                None => Value::Nil,
            }
        };
        Ok(answer.view().as_bytes().map(<[u8]>::to_vec))
    }

    /// Prints, as [`print`](Host::print); for the print functions of scripts, which can tell of an error.
    ///
    /// # Errors
    /// `limit` when the context has printed as much as it may: then nothing was printed.
    pub fn try_print(&self, bytes: &[u8]) -> Result<()> {
        let text = Text { start: bytes.as_ptr(), len: bytes.len() };
        // SAFETY: see `runtime`.
        unsafe {
            match suffix!(self.table.as_ptr(), HostTable, try_print) {
                Some(try_print) => answered(|out| try_print(self.data.as_ptr(), text, out)).map(drop),
                None => {
                    self.print(bytes);
                    Ok(())
                }
            }
        }
    }

    /// To be told when the context's code reaches a limit that the interpreter keeps, which is `"memory"`:
    /// gives the error to raise, and ends the context if that is its policy.
    #[cold]
    pub fn reached(&self, limit: &str) -> Error {
        // SAFETY: see `runtime`.
        let answer = unsafe {
            match suffix!(self.table.as_ptr(), HostTable, reached) {
                Some(reached) => answered(|out| reached(self.data.as_ptr(), Text::of(limit), out)),
                None => Ok(Value::Nil),
            }
        };
        let unnamed = || Error::new(Code::Limit, format!("the context has reached its limit of {limit}"));
        answer.err().unwrap_or_else(unnamed)
    }

    /// Prints: bytes are gathered and written in whole lines. What is beyond the context's limit is dropped.
    pub fn print(&self, bytes: &[u8]) {
        let text = Text { start: bytes.as_ptr(), len: bytes.len() };
        // SAFETY: see `runtime`.
        unsafe { ((*self.table.as_ptr()).print)(self.data.as_ptr(), text) };
    }

    /// A log line in the context's name.
    pub fn log(&self, level: Level, message: &str) {
        // SAFETY: see `runtime`.
        unsafe { ((*self.table.as_ptr()).log)(self.data.as_ptr(), level as u32, Text::of(message)) };
    }

    /// Reports an error that no caller will see, as a rejection nobody handles. It counts as a
    /// failure of the program.
    pub fn report(&self, error: &Error) {
        // SAFETY: see `runtime`.
        unsafe { ((*self.table.as_ptr()).report)(self.data.as_ptr(), error) };
    }
}

unsafe extern "C" fn runtime<T: HostType>(data: *const (), out: *mut Fallible<RuntimeHandle>) {
    // SAFETY: here and below, the handle made from an `Arc<T>` is borrowed for the call, on the
    // context's thread; texts and arguments likewise, and `out` is room for the answer.
    unsafe {
        let host = arc_ref::<T>(data);
        out.write(guard(|| host.runtime()).into());
    }
}

unsafe extern "C" fn native_names<T: HostType>(data: *const (), out: *mut Value) {
    // SAFETY: see `runtime`.
    unsafe {
        let host = arc_ref::<T>(data);
        *out = guard(|| host.native_names()).unwrap_or_default();
    }
}

unsafe extern "C" fn native<T: HostType>(data: *const (), index: usize, out: *mut Fallible<Native>) {
    // SAFETY: see `runtime`.
    unsafe {
        let host = arc_ref::<T>(data);
        let native = guard(|| host.native(index));
        let missing = || Error::new(Code::NotFound, format!("there is no native number {index}"));
        out.write(native.and_then(|native| native.ok_or_else(missing)).into());
    }
}

unsafe extern "C" fn function<T: HostType>(data: *const (), known: u64, out: *mut Fallible<Keyed<Callable>>) {
    // SAFETY: see `runtime`.
    unsafe {
        let host = arc_ref::<T>(data);
        let pair = guard(|| host.function((known != 0).then_some(FunctionKey(known)))).and_then(|pair| pair);
        out.write(pair.map(|(reference, key)| Keyed { reference, key: key.0 }).into());
    }
}

unsafe extern "C" fn own_key<T: HostType>(data: *const (), callable: &Callable) -> u64 {
    // SAFETY: see `runtime`.
    let host = unsafe { arc_ref::<T>(data) };
    guard(|| host.own_key(callable)).ok().flatten().map_or(0, |key| key.0)
}

unsafe extern "C" fn object<T: HostType>(
    data: *const (),
    known: u64,
    type_name: Text,
    members: *const Value,
    out: *mut Fallible<Keyed<Object>>,
) {
    // SAFETY: see `runtime`.
    unsafe {
        let host = arc_ref::<T>(data);
        let known = (known != 0).then_some(ObjectKey(known));
        let pair = guard(|| host.object(known, &type_name.text(), (*members).clone()));
        out.write(pair.map(|(reference, key)| Keyed { reference, key: key.0 }).into());
    }
}

unsafe extern "C" fn own_object_key<T: HostType>(data: *const (), object: &Object) -> u64 {
    // SAFETY: see `runtime`.
    let host = unsafe { arc_ref::<T>(data) };
    guard(|| host.own_object_key(object)).ok().flatten().map_or(0, |key| key.0)
}

unsafe extern "C" fn wait<T: HostType>(
    data: *const (),
    completion: *mut Completion,
    info: &CallInfo,
    out: *mut Fallible<Value>,
) {
    // SAFETY: see `runtime`; the completion is handed over.
    unsafe {
        let host = arc_ref::<T>(data);
        let completion = completion.read();
        out.write(guard(|| host.wait(completion, info)).and_then(|result| result).into());
    }
}

unsafe extern "C" fn watch<T: HostType>(data: *const (), completion: *mut Completion, key: u64, info: &CallInfo) {
    // SAFETY: see `runtime`; the completion is handed over.
    unsafe {
        let host = arc_ref::<T>(data);
        let completion = completion.read();
        guard_drop(|| host.watch(completion, WaitKey(key), info));
    }
}

unsafe extern "C" fn options<T: HostType>(data: *const (), out: *mut Value) {
    // SAFETY: see `runtime`.
    unsafe {
        let host = arc_ref::<T>(data);
        *out = guard(|| host.options()).map(ContextOptions::into_value).unwrap_or_default();
    }
}

unsafe extern "C" fn info<T: HostType>(data: *const (), out: *mut Fallible<KeptInfo>) {
    // SAFETY: see `runtime`.
    unsafe {
        let host = arc_ref::<T>(data);
        out.write(guard(|| host.info()).into());
    }
}

unsafe extern "C" fn stop_flag<T: HostType>(data: *const ()) -> *const AtomicU32 {
    // SAFETY: see `runtime`.
    let host = unsafe { arc_ref::<T>(data) };
    guard(|| std::ptr::from_ref(host.stop_flag())).unwrap_or(std::ptr::null())
}

unsafe extern "C" fn remaining_depth<T: HostType>(data: *const ()) -> u32 {
    // SAFETY: see `runtime`.
    let host = unsafe { arc_ref::<T>(data) };
    guard(|| host.remaining_depth()).unwrap_or(0)
}

unsafe extern "C" fn print<T: HostType>(data: *const (), text: Text) {
    // SAFETY: see `runtime`.
    let (host, bytes) = unsafe { (arc_ref::<T>(data), text.bytes()) };
    guard_drop(|| host.print(bytes));
}

unsafe extern "C" fn log<T: HostType>(data: *const (), level: u32, message: Text) {
    // SAFETY: see `runtime`.
    let (host, message) = unsafe { (arc_ref::<T>(data), message.text()) };
    guard_drop(|| host.log(Level::from_number(level), &message));
}

unsafe extern "C" fn report<T: HostType>(data: *const (), error: &Error) {
    // SAFETY: see `runtime`.
    let host = unsafe { arc_ref::<T>(data) };
    guard_drop(|| host.report(error.clone()));
}

unsafe extern "C" fn permit<T: HostType>(data: *const (), access: u32, path: Text, out: *mut Fallible<Value>) {
    // SAFETY: see `runtime`.
    unsafe {
        let (host, path) = (arc_ref::<T>(data), path.bytes());
        let unknown = || Error::new(Code::Permission, "this host does not know what is asked for");
        let answer = Access::from_number(access).ok_or_else(unknown);
        let answer = answer.and_then(|access| guard(|| host.permit(access, path)).and_then(|answer| answer));
        out.write(answer.map(|path| path.map_or(Value::Nil, |path| Value::from(path.as_slice()))).into());
    }
}

unsafe extern "C" fn try_print<T: HostType>(data: *const (), text: Text, out: *mut Fallible<Value>) {
    // SAFETY: see `runtime`.
    unsafe {
        let (host, bytes) = (arc_ref::<T>(data), text.bytes());
        out.write(guard(|| host.try_print(bytes)).and_then(|printed| printed).map(|()| Value::Nil).into());
    }
}

unsafe extern "C" fn reached<T: HostType>(data: *const (), limit: Text, out: *mut Fallible<Value>) {
    // SAFETY: see `runtime`.
    unsafe {
        let (host, limit) = (arc_ref::<T>(data), limit.text());
        out.write(guard(|| host.reached(&limit)).and_then(Err).into());
    }
}
