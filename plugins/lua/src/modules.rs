//! `require`: Lua's own searchers first, then modules of any language through `calog.import`.
//!
//! A Lua file beside the script is Lua's own module, private to this context; what no searcher of
//! Lua's finds is imported, and shared with everybody who imports it.

use std::path::Path;

use calog_plugin_api::{Args, Code, Outcome, View};

use crate::core::Core;
use crate::ffi::{Entry, Reply, Stack, Type, upvalue};
use crate::{calls, convert, errors, natives};

/// The native by which modules of other contexts are had.
const IMPORT: &str = "calog.import";

/// Appends our searcher to Lua's.
pub(crate) fn install(stack: Stack) {
    let top = stack.top();
    stack.globals();
    if stack.raw_field(-1, "package") == Type::Table && stack.raw_field(-1, "searchers") == Type::Table {
        let next = stack.raw_len(-1) as i64 + 1;
        stack.function::<Search>(0);
        stack.raw_set_int(-2, next);
    }
    stack.set_top(top);
}

/// Has Lua's own searcher look beside the script first.
pub(crate) fn look_beside(stack: Stack, folder: &Path) {
    let top = stack.top();
    stack.globals();
    if stack.raw_field(-1, "package") == Type::Table && stack.raw_field(-1, "path") == Type::String {
        let folder = folder.display();
        let beside = format!("{folder}/?.lua;{folder}/?/init.lua;");
        let path = stack.lossy(-1);
        if !path.starts_with(&beside) {
            stack.str(&(beside + &path));
            stack.set_raw_field(top + 2, "path");
        }
    }
    stack.set_top(top);
}

/// The searcher: imports the module named by its argument and gives a loader that returns it.
struct Search;

impl Entry for Search {
    fn run(core: &Core, stack: Stack) -> Reply {
        let name = stack.lossy(1);
        let result = match natives::named(core, IMPORT) {
            None => return not_found(stack, "no native 'calog.import'"),
            Some(Err(error)) => Err(error),
            Some(Ok(import)) => {
                let args = [View::string(name.as_bytes())];
                match import.call(core.current.info(), Args::new(&args)) {
                    Outcome::Ready(value) => Ok(value),
                    Outcome::Failed(error) => Err(error),
                    // `require` cannot be yielded across.
                    Outcome::Pending(completion) => calls::wait_in_place(core, stack, completion),
                }
            }
        };
        match result.and_then(|value| convert::push(core, stack, value.view())) {
            Ok(()) => {
                stack.function::<Load>(1);
                stack.str(IMPORT);
                Reply::Values(2)
            }
            Err(error) if error.code() == Code::NotFound => not_found(stack, &error.message()),
            Err(error) => errors::raise(core, stack, &error),
        }
    }
}

/// What `require` adds to its list of what was tried.
fn not_found(stack: Stack, reason: &str) -> Reply {
    stack.str(reason);
    Reply::Values(1)
}

/// The loader: gives the module in its first upvalue.
struct Load;

impl Entry for Load {
    fn run(_core: &Core, stack: Stack) -> Reply {
        stack.copy(upvalue(1));
        Reply::Values(1)
    }
}
