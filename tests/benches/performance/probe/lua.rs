//! Where no `lua` command is installed: the least program that runs a script.

use std::fs;
use std::path::Path;

use mlua::Lua;

pub(super) fn probe(script: &Path) -> Vec<f64> {
    let text = fs::read_to_string(script).expect("a script");
    Lua::new().load(text).exec().expect("a sound script");
    Vec::new()
}
