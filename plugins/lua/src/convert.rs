//! Values both ways: `docs/scripts.md` has the table and the precise points.
//!
//! Out of Lua everything is read raw: no metamethod of the sender runs. Plain arguments are borrowed
//! where they lie on the stack; tables are written into one block by a reader that is used again. A
//! failed conversion leaves the stack as it was.

use std::ops::Range;

use calog_plugin_api::{
    AggregateView, Args, Builder, Callee, Code, Error, Kind, MAX_STRING_BYTES, Result, Shape, Value, View,
};

use crate::core::Core;
use crate::ffi::{Stack, Type};
use crate::objects::Held;
use crate::{errors, functions, objects};

/// Up to so many arguments need no allocation.
const FEW_ARGUMENTS: usize = 8;

/// Strings up to this length are interned by Lua: their address is their identity.
const INTERNED_BYTES: usize = 40;

/// A reader that read more values than this is not kept, since its memory is as large.
const KEPT_READER_VALUES: usize = 1 << 16;

/// Elements that are fetched at once from a table.
const FETCHED: i64 = 8;

/// Steps of the path to a bad value that an error shows.
const SHOWN_STEPS: usize = 8;

/// `calog.null`: a light userdata of this address. Whoever takes it for a cell reads a mark of zero.
static NULL: u64 = 0;

fn null_address() -> usize {
    &raw const NULL as usize
}

/// Pushes `calog.null`, which stands for nil where Lua cannot hold it.
pub(crate) fn push_null(stack: Stack) {
    stack.light(null_address());
}

/// Whether the light userdata at the index is `calog.null`.
pub(crate) fn is_null(stack: Stack, index: i32) -> bool {
    stack.address(index) == null_address()
}

/// The value at the index where it lies, if it is plain data: neither a table nor a reference.
#[inline(always)]
fn plain(stack: &Stack, index: i32) -> Option<View<'_>> {
    if stack.is_integer(index) {
        return Some(View::int(stack.integer(index)));
    }
    match stack.kind(index) {
        Type::Number => Some(View::real(stack.real(index))),
        Type::String => Some(stack.bytes(index)).filter(|it| it.len() <= MAX_STRING_BYTES).map(View::string),
        Type::Boolean => Some(View::bool(stack.boolean(index))),
        Type::Nil | Type::None => Some(View::NIL),
        Type::Light if is_null(*stack, index) => Some(View::NIL),
        _ => None,
    }
}

/// Runs the body with the values from index `first` on as arguments.
///
/// # Errors
/// Those of [`read`], naming the argument.
pub(crate) fn with_args<R>(
    core: &Core,
    stack: &Stack,
    first: i32,
    callee: Callee<'_>,
    body: impl FnOnce(Args<'_>) -> R,
) -> Result<R> {
    let count = count_args(stack, first);
    if count <= FEW_ARGUMENTS {
        let mut views = [View::NIL; FEW_ARGUMENTS];
        if view_plain(stack, first, &mut views[..count]) {
            return Ok(body(Args::new(&views[..count])));
        }
    }
    with_owned_args(core, stack, first..first + count as i32, callee, body)
}

/// How many values there are from index `first` on.
#[inline(always)]
pub(crate) fn count_args(stack: &Stack, first: i32) -> usize {
    (stack.top() + 1 - first).max(0) as usize
}

/// Views the arguments where they lie. Whether all of them are plain.
#[inline(always)]
pub(crate) fn view_plain<'a>(stack: &'a Stack, first: i32, views: &mut [View<'a>]) -> bool {
    // A loop by hand: an iterator's closure would stay a call of its own.
    for (at, place) in views.iter_mut().enumerate() {
        match plain(stack, first + at as i32) {
            Some(view) => *place = view,
            None => return false,
        }
    }
    true
}

/// The same where some arguments have to be owned for the length of the call.
fn with_owned_args<R>(
    core: &Core,
    stack: &Stack,
    indices: Range<i32>,
    callee: Callee<'_>,
    body: impl FnOnce(Args<'_>) -> R,
) -> Result<R> {
    let (first, count) = (indices.start, indices.len());
    if count <= FEW_ARGUMENTS {
        let mut owned = [const { Value::Nil }; FEW_ARGUMENTS];
        let mut views = [View::NIL; FEW_ARGUMENTS];
        own_args(core, stack, first, callee, &mut owned[..count])?;
        view_args(stack, first, &owned[..count], &mut views[..count]);
        return Ok(body(Args::new(&views[..count])));
    }
    let mut owned = vec![Value::Nil; count];
    let mut views = vec![View::NIL; count];
    own_args(core, stack, first, callee, &mut owned)?;
    view_args(stack, first, &owned, &mut views);
    Ok(body(Args::new(&views)))
}

/// Reads the arguments that are not plain; the others stay nil.
fn own_args(core: &Core, stack: &Stack, first: i32, callee: Callee<'_>, owned: &mut [Value]) -> Result<()> {
    for (at, place) in owned.iter_mut().enumerate() {
        let index = first + at as i32;
        if plain(stack, index).is_none() {
            *place = read(core, stack, index).map_err(|error| callee.argument(at, &error))?;
        }
    }
    Ok(())
}

fn view_args<'a>(stack: &'a Stack, first: i32, owned: &'a [Value], views: &mut [View<'a>]) {
    for ((place, value), index) in views.iter_mut().zip(owned).zip(first..) {
        *place = plain(stack, index).unwrap_or_else(|| value.view());
    }
}

/// The value at the index.
///
/// # Errors
/// `unsupported`, `cycle`, `depth` or `limit`, saying where inside the value.
pub(crate) fn read(core: &Core, stack: &Stack, index: i32) -> Result<Value> {
    if stack.is_integer(index) {
        return Ok(Value::Int(stack.integer(index)));
    }
    if let Some(view) = plain(stack, index) {
        return Ok(view.to_value());
    }
    match stack.kind(index) {
        Type::Function => functions::callable_at(core, stack, index).map(Value::Callable),
        Type::Userdata if stack.cell::<Held>(index).is_some() => {
            Ok(stack.cell::<Held>(index).map_or(Value::Nil, |held| Value::Object(held.object.clone())))
        }
        _ => read_with_builder(core, stack, stack.absolute(index)),
    }
}

fn read_with_builder(core: &Core, stack: &Stack, index: i32) -> Result<Value> {
    // Taken, not borrowed: pinning a function asks the host.
    let mut reader = core.reader.take().unwrap_or_default();
    let top = stack.top();
    let result = reader.read(core, stack, index);
    stack.set_top(top);
    if result.as_ref().map_or(0, Value::size) <= KEPT_READER_VALUES {
        core.reader.set(Some(reader));
    }
    result
}

/// Reads one value of Lua into a block.
#[derive(Default)]
pub(crate) struct Reader {
    builder: Builder,
    /// The tables that are being read, outermost first.
    ancestors: Vec<usize>,
    /// The way to the value that failed, innermost step first.
    path: Vec<String>,
    lenient: bool,
}

impl Reader {
    fn read(&mut self, core: &Core, stack: &Stack, index: i32) -> Result<Value> {
        self.builder.reset();
        self.ancestors.clear();
        self.path.clear();
        self.lenient = core.lenient();
        // A failure drops what lies above the table it happened in: not the caller's own values.
        reserve(*stack)?;
        stack.copy(index);
        match self.value(core, stack, stack.top()) {
            Ok(()) => self.builder.finish(),
            Err(error) if self.path.is_empty() => Err(error),
            Err(error) => Err(error.inside(&self.place())),
        }
    }

    /// The way to the value that failed, as Lua would write it.
    fn place(&self) -> String {
        let dots = if self.path.len() > SHOWN_STEPS { "..." } else { "" };
        let steps: String = self.path.iter().rev().take(SHOWN_STEPS).map(String::as_str).collect();
        format!("at {}{dots}", steps.trim_start_matches('.'))
    }

    #[inline]
    fn value(&mut self, core: &Core, stack: &Stack, index: i32) -> Result<()> {
        if stack.is_integer(index) {
            self.builder.int(stack.integer(index));
            return Ok(());
        }
        match stack.kind(index) {
            Type::String => return self.builder.string(stack.bytes(index)),
            Type::Number => self.builder.real(stack.real(index)),
            Type::Boolean => self.builder.bool(stack.boolean(index)),
            Type::Nil | Type::None => self.builder.nil(),
            Type::Light if is_null(*stack, index) => self.builder.nil(),
            Type::Table => return self.table(core, stack, stack.absolute(index)),
            Type::Function => self.builder.callable(functions::callable_at(core, stack, index)?),
            kind => return self.reference(stack, index, kind),
        }
        Ok(())
    }

    fn reference(&mut self, stack: &Stack, index: i32, kind: Type) -> Result<()> {
        if let Some(held) = stack.cell::<Held>(index) {
            self.builder.object(held.object.clone());
        } else if let Some(error) = stack.cell::<Error>(index) {
            return errors::write(error, &mut self.builder);
        } else if self.lenient {
            self.builder.nil();
        } else {
            let name = kind.name();
            return Err(unsupported(format!("a {name} cannot leave Lua: wanted data, a function or an object")));
        }
        Ok(())
    }

    /// Whether a value is one that lenient mode drops.
    fn is_droppable(&self, stack: &Stack, index: i32) -> bool {
        self.lenient
            && match stack.kind(index) {
                Type::Light => !is_null(*stack, index),
                Type::Thread => true,
                Type::Userdata => stack.cell::<Held>(index).is_none() && stack.cell::<Error>(index).is_none(),
                _ => false,
            }
    }

    /// The table at this absolute index.
    fn table(&mut self, core: &Core, stack: &Stack, table: i32) -> Result<()> {
        let address = stack.address(table);
        if self.ancestors.contains(&address) {
            return Err(Error::new(Code::Cycle, "the table contains itself"));
        }
        reserve(*stack)?;
        self.builder.begin(Shape::List)?;
        self.ancestors.push(address);
        self.entries(core, stack, table).inspect_err(|_| stack.set_top(table))?;
        self.ancestors.pop();
        self.builder.end_distinct()
    }

    /// The sequence as list part, the rest as pairs.
    fn entries(&mut self, core: &Core, stack: &Stack, table: i32) -> Result<()> {
        let listed = self.elements(core, stack, table, stack.raw_len(table) as i64)?;
        // A walk goes through the table's array part first, in order: where the list part ends
        // there, the walk can begin behind it.
        if listed > 0 && listed <= stack.array_size(table) {
            stack.int(listed);
        } else {
            stack.nil();
        }
        while stack.next(table) {
            if !(stack.is_integer(-2) && (1..=listed).contains(&stack.integer(-2))) {
                self.pair(core, stack)?;
            }
            stack.pop(1);
        }
        Ok(())
    }

    /// The elements up to the first nil, at most so many, as list part. How many there are.
    fn elements(&mut self, core: &Core, stack: &Stack, table: i32, length: i64) -> Result<i64> {
        let mut listed = 0;
        while listed < length {
            let fetched = fetch(stack, table, listed, length.min(listed + FETCHED));
            let first = stack.top() + 1 - fetched as i32;
            for index in first..first + fetched as i32 {
                listed += 1;
                if stack.is_integer(index) {
                    self.builder.int(stack.integer(index));
                } else {
                    self.value(core, stack, index).inspect_err(|_| self.path.push(format!("[{listed}]")))?;
                }
            }
            stack.pop(fetched as i32);
            if fetched < FETCHED {
                break;
            }
        }
        Ok(listed)
    }

    /// The key and value on top as a pair; leaves them.
    #[inline]
    fn pair(&mut self, core: &Core, stack: &Stack) -> Result<()> {
        if self.is_droppable(stack, -1) {
            return Ok(());
        }
        match stack.kind(-2) {
            Type::String => {
                let key = stack.bytes(-2);
                if key.len() <= INTERNED_BYTES {
                    self.builder.key_interned(key.as_ptr() as usize, key)?;
                } else {
                    self.builder.key_str(key)?;
                }
            }
            Type::Number if stack.is_integer(-2) => self.builder.key_int(stack.integer(-2))?,
            Type::Number => self.builder.key_real(stack.real(-2))?,
            _ if self.lenient => return Ok(()),
            kind => {
                let name = kind.name();
                return Err(unsupported(format!(
                    "a {name} as a table's key cannot leave Lua: keys are strings and numbers"
                )));
            }
        }
        self.value(core, stack, -1).inspect_err(|_| self.path.push(step(stack, -2)))
    }
}

/// Pushes the elements behind place `from`, up to the first nil or place `to`. How many.
#[inline]
fn fetch(stack: &Stack, table: i32, from: i64, to: i64) -> i64 {
    for place in from + 1..=to {
        if stack.raw_get_int(table, place) == Type::Nil {
            stack.pop(1);
            return place - from - 1;
        }
    }
    to - from
}

/// A key as a step of a path.
fn step(stack: &Stack, key: i32) -> String {
    match stack.kind(key) {
        Type::String => {
            let text = stack.lossy(key);
            let plain = text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
            if plain && !text.is_empty() { format!(".{text}") } else { format!("[{text:?}]") }
        }
        Type::Number if stack.is_integer(key) => format!("[{}]", stack.integer(key)),
        _ => format!("[{:?}]", stack.real(key)),
    }
}

/// Pushes what a view shows.
///
/// # Errors
/// `limit` when Lua's stack is full, `unsupported` when a pair's key meets the list part.
#[inline]
pub(crate) fn push(core: &Core, stack: Stack, view: View<'_>) -> Result<()> {
    match view.kind() {
        Kind::Int => stack.int(view.as_int().unwrap_or_default()),
        Kind::Nil => stack.nil(),
        Kind::Aggregate => {
            let top = stack.top();
            return push_inside(core, stack, view).inspect_err(|_| stack.set_top(top));
        }
        _ => return push_inside(core, stack, view),
    }
    Ok(())
}

/// The same inside an aggregate, where nil becomes `calog.null`.
#[inline]
fn push_inside(core: &Core, stack: Stack, view: View<'_>) -> Result<()> {
    match view.kind() {
        Kind::Nil => push_null(stack),
        Kind::Bool => stack.bool(view.as_bool() == Some(true)),
        Kind::Int => stack.int(view.as_int().unwrap_or_default()),
        Kind::Real => stack.number(view.as_real().unwrap_or_default()),
        Kind::String => stack.bytes_of(view.as_bytes().unwrap_or_default()),
        Kind::Aggregate => return view.as_aggregate().map_or(Ok(()), |it| push_aggregate(core, stack, it)),
        Kind::Callable => return view.as_callable().map_or(Ok(()), |it| functions::push(core, stack, it)),
        Kind::Object => return view.as_object().map_or(Ok(()), |it| objects::push(core, stack, it)),
    }
    Ok(())
}

fn push_aggregate(core: &Core, stack: Stack, aggregate: AggregateView<'_>) -> Result<()> {
    reserve(stack)?;
    let room = |len: usize| i32::try_from(len).unwrap_or(i32::MAX);
    stack.table(room(aggregate.list_len()), room(aggregate.pair_len()));
    for (number, element) in (1..).zip(aggregate.elements()) {
        // Most long lists are numbers, which need no call of their own.
        match element.as_int() {
            Some(int) => stack.int(int),
            None => push_inside(core, stack, element)?,
        }
        stack.raw_set_int(-2, number);
    }
    for pair in aggregate.pairs() {
        if let Some(number) = pair.key.as_int()
            && (1..=aggregate.list_len() as i64).contains(&number)
            && !core.lenient()
        {
            return Err(unsupported(format!(
                "the key {number} is also a place of the list part, and Lua has one table"
            )));
        }
        push_inside(core, stack, pair.key)?;
        push_inside(core, stack, pair.value)?;
        stack.raw_set(-3);
    }
    Ok(())
}

/// Room for one more level of a value.
fn reserve(stack: Stack) -> Result<()> {
    const SLOTS: i32 = FETCHED as i32 + 12;
    if stack.reserve(SLOTS) { Ok(()) } else { Err(Error::new(Code::Limit, "Lua's stack is full")) }
}

fn unsupported(message: String) -> Error {
    Error::new(Code::Unsupported, message)
}
