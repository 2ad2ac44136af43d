//! Values out of Squirrel, in one pass over the main stack.
//!
//! Everything is read raw: no metamethod of the sender runs. A failed conversion leaves the stack as it
//! was.

use calog_plugin_api::{Builder, Code, Error, Result, Shape, Value};

use super::{plain, reserve, unsupported};
use crate::core::Core;
use crate::ffi::{Stack, Type};
use crate::functions;
use crate::objects::Held;

/// A reader that read more values than this is not kept, since its memory is as large.
const KEPT_READER_VALUES: usize = 1 << 16;

/// Steps of the path to a bad value that an error shows.
const SHOWN_STEPS: usize = 8;

/// The value at the index of any stack.
///
/// # Errors
/// `unsupported`, `cycle`, `depth` or `limit`, saying where inside the value.
pub(crate) fn read(core: &Core, stack: Stack, index: i64) -> Result<Value> {
    if let Some(view) = plain(&stack, index) {
        return Ok(view.to_value());
    }
    reserve(core.main)?;
    let top = core.main.top();
    core.main.copy_from(stack, index);
    let result = read_top(core);
    core.main.set_top(top);
    result
}

/// The value on top of the main stack.
fn read_top(core: &Core) -> Result<Value> {
    let main = core.main;
    match main.kind(-1) {
        kind if kind.is_function() => functions::callable(core).map(Value::Callable),
        Type::Instance if main.held::<Held>(-1).is_some() => {
            Ok(main.held::<Held>(-1).map_or(Value::Nil, |held| Value::Object(held.object.clone())))
        }
        _ => {
            // Taken, not borrowed: pinning a function asks the host.
            let mut reader = core.reader.take().unwrap_or_default();
            let result = reader.read(core);
            if result.as_ref().map_or(0, Value::size) <= KEPT_READER_VALUES {
                core.reader.set(Some(reader));
            }
            result
        }
    }
}

/// Reads one value of Squirrel's into a block.
#[derive(Default)]
pub(crate) struct Reader {
    builder: Builder,
    /// The containers that are being read, outermost first.
    ancestors: Vec<usize>,
    /// The way to the value that failed, innermost step first.
    path: Vec<String>,
    lenient: bool,
}

impl Reader {
    fn read(&mut self, core: &Core) -> Result<Value> {
        self.builder.reset();
        self.ancestors.clear();
        self.path.clear();
        self.lenient = core.lenient();
        match self.value(core) {
            Ok(()) => self.builder.finish(),
            Err(error) if self.path.is_empty() => Err(error),
            Err(error) => Err(error.inside(&self.place())),
        }
    }

    /// The way to the value that failed, as Squirrel would write it.
    fn place(&self) -> String {
        let dots = if self.path.len() > SHOWN_STEPS { "..." } else { "" };
        let steps: String = self.path.iter().rev().take(SHOWN_STEPS).map(String::as_str).collect();
        format!("at {}{dots}", steps.trim_start_matches('.'))
    }

    /// The value on top.
    fn value(&mut self, core: &Core) -> Result<()> {
        let main = core.main;
        match main.kind(-1) {
            Type::Null => self.builder.nil(),
            Type::Integer => self.builder.int(main.integer(-1)),
            Type::Float => self.builder.real(main.float(-1)),
            Type::Bool => self.builder.bool(main.boolean(-1)),
            Type::String => return self.builder.string(main.bytes(-1)),
            Type::Array => return self.inside(core, Reader::array),
            Type::Table => return self.inside(core, Reader::table),
            Type::Closure | Type::NativeClosure => self.builder.callable(functions::callable(core)?),
            kind => return self.reference(core, kind),
        }
        Ok(())
    }

    fn reference(&mut self, core: &Core, kind: Type) -> Result<()> {
        if kind == Type::Instance {
            if let Some(held) = core.main.held::<Held>(-1) {
                self.builder.object(held.object.clone());
                return Ok(());
            }
            if self.lenient {
                return self.inside(core, Reader::instance);
            }
        }
        if self.lenient {
            self.builder.nil();
            return Ok(());
        }
        let what = kind.with_article();
        Err(unsupported(format!("{what} cannot leave Squirrel: wanted data, a function or an object")))
    }

    /// Whether the value on top is one that lenient mode drops.
    fn is_droppable(&self, main: Stack) -> bool {
        self.lenient
            && matches!(
                main.kind(-1),
                Type::Generator | Type::Thread | Type::Class | Type::WeakRef | Type::Userdata | Type::UserPointer
            )
    }

    /// A container on top, whose parts the body reads.
    fn inside(&mut self, core: &Core, body: impl FnOnce(&mut Reader, &Core, i64) -> Result<()>) -> Result<()> {
        let main = core.main;
        let address = main.raw_at(-1).address();
        if self.ancestors.contains(&address) {
            return Err(Error::new(Code::Cycle, format!("the {} contains itself", main.kind(-1).name())));
        }
        reserve(main)?;
        let shape = if main.kind(-1) == Type::Array { Shape::List } else { Shape::Map };
        self.builder.begin(shape)?;
        self.ancestors.push(address);
        let container = main.top();
        body(self, core, container).inspect_err(|_| main.set_top(container))?;
        self.ancestors.pop();
        Ok(())
    }

    fn array(&mut self, core: &Core, array: i64) -> Result<()> {
        let main = core.main;
        // Asked again each time: pinning a function calls the host, which may be anything.
        let mut place = 0;
        while place < main.size(array) {
            main.int(place);
            if !main.raw_get(array) {
                main.reset_error();
                break;
            }
            self.value(core).inspect_err(|_| self.path.push(format!("[{place}]")))?;
            main.pop(1);
            place += 1;
        }
        self.builder.end_distinct()
    }

    fn table(&mut self, core: &Core, table: i64) -> Result<()> {
        let main = core.main;
        let mut has_reals = false;
        main.null();
        while main.next(table) {
            if !self.is_droppable(main) {
                has_reals |= main.kind(-2) == Type::Float;
                self.pair(core, table)?;
            }
            main.pop(2);
        }
        main.pop(1);
        // A real key that equals an int is that int, and both may be there.
        if has_reals { self.builder.end() } else { self.builder.end_distinct() }
    }

    /// The fields of a class instance, which is lenient.
    fn instance(&mut self, core: &Core, instance: i64) -> Result<()> {
        let main = core.main;
        main.class_of(instance);
        let class = main.top();
        main.null();
        while main.next(class) {
            // The class has what the field began as; the instance has what it is.
            main.pop(1);
            main.copy(-1);
            if main.raw_get(instance) {
                if !main.kind(-1).is_function() && !self.is_droppable(main) {
                    self.pair(core, instance)?;
                }
                main.pop(1);
            } else {
                main.reset_error();
            }
            main.pop(1);
        }
        main.pop(2);
        self.builder.end_distinct()
    }

    /// The key and value on top as a pair; leaves them.
    fn pair(&mut self, core: &Core, table: i64) -> Result<()> {
        let main = core.main;
        match main.kind(-2) {
            Type::String => {
                // Squirrel interns every string: its address is its identity.
                let key = main.bytes(-2);
                self.builder.key_interned(key.as_ptr().addr(), key)?;
            }
            Type::Integer => self.builder.key_int(main.integer(-2))?,
            Type::Float if self.lenient && self.is_no_key(main, table) => return Ok(()),
            Type::Float => self.builder.key_real(main.float(-2))?,
            _ if self.lenient => return Ok(()),
            kind => {
                let what = kind.with_article();
                return Err(unsupported(format!(
                    "{what} as a table's key cannot leave Squirrel: keys are strings and numbers"
                )));
            }
        }
        self.value(core).inspect_err(|_| self.path.push(step(main)))
    }

    /// Whether the real key at -2 is NaN, or an int that the table has as well.
    fn is_no_key(&self, main: Stack, table: i64) -> bool {
        let real = main.float(-2);
        if real.is_nan() {
            return true;
        }
        let int = real as i64;
        if int as f64 != real {
            return false;
        }
        main.int(int);
        let found = main.raw_get(table);
        if found {
            main.pop(1);
        } else {
            main.reset_error();
        }
        found
    }
}

/// The key below the top, or below what was left above it, as a step of a path.
fn step(main: Stack) -> String {
    match main.kind(-2) {
        Type::String => {
            let text = main.lossy(-2);
            let plain = text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
            if plain && !text.is_empty() { format!(".{text}") } else { format!("[{text:?}]") }
        }
        Type::Integer => format!("[{}]", main.integer(-2)),
        _ => format!("[{:?}]", main.float(-2)),
    }
}
