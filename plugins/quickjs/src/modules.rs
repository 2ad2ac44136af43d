//! Where imports lead.
//!
//! `./x.js` is read from disk and stays in the context. Everything else is a script of another
//! language (or context), opened by the native `calog.import`, and stands in JavaScript as a module
//! whose exports are the map's keys. Opening may wait, and nothing may wait while QuickJS resolves
//! modules: so a graph is first walked in a scratch context, what is foreign in it is opened, and only
//! then is it compiled for good.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use calog_plugin_api::{Access, AggregateView, Args, CallInfo, Code, Error, Outcome, Result, Value, View};
use rquickjs::{Ctx, Value as Js};

use crate::ffi::{self, Fail};
use crate::realm::Realm;

/// What the names of modules begin with that are not files of this context.
const FOREIGN: &str = "calog:";

/// Extensions of this engine's own modules.
const OWN: [&str; 2] = ["js", "mjs"];

/// What a context knows of modules.
#[derive(Default)]
pub(crate) struct Modules {
    /// The folder of the main script, for code that comes from no file.
    folder: RefCell<PathBuf>,
    /// The exports of foreign modules that were opened, by their names here.
    opened: RefCell<HashMap<String, Value>>,
    /// Files that were loaded for good.
    loaded: RefCell<HashSet<String>>,
    /// The foreign modules met so far, while a graph is walked in a scratch context.
    scan: RefCell<Option<Vec<String>>>,
    /// Compilations on the stack: while there is one, imports are static ones.
    compiling: Cell<u32>,
}

/// A module's content, for the loader.
pub(crate) enum Loaded {
    /// A file's text.
    Source(Vec<u8>),
    /// The names a foreign module exports.
    Foreign(Vec<String>),
}

impl Modules {
    /// Names the main script's file.
    pub(crate) fn set_main(&self, path: &str) {
        let folder = Path::new(path).parent().unwrap_or(Path::new("")).to_owned();
        *self.folder.borrow_mut() = folder;
    }

    /// Whether a foreign module was opened.
    pub(crate) fn is_open(&self, module: &str) -> bool {
        self.opened.borrow().contains_key(module)
    }

    /// A foreign module's exports are there.
    pub(crate) fn put(&self, module: &str, exports: Value) {
        self.opened.borrow_mut().insert(module.to_owned(), exports);
    }

    /// Marks a compilation, as long as the guard lives.
    pub(crate) fn compiling(&self) -> Compiling<'_> {
        self.compiling.set(self.compiling.get() + 1);
        Compiling(self)
    }

    fn scanning(&self) -> bool {
        self.scan.borrow().is_some()
    }
}

/// See [`Modules::compiling`].
pub(crate) struct Compiling<'m>(&'m Modules);

impl Drop for Compiling<'_> {
    fn drop(&mut self) {
        self.0.compiling.set(self.0.compiling.get() - 1);
    }
}

/// The name of the module that an import means. A dynamic import is made ready here: no module is
/// half resolved then, so this may wait.
pub(crate) fn normalise(realm: &Realm, base: &str, name: &str) -> Result<String, Fail> {
    let modules = &realm.modules;
    let module = resolve(modules, base, name)?;
    if modules.compiling.get() == 0 && !modules.loaded.borrow().contains(&module) {
        prepare(realm, &module)?;
    }
    Ok(module)
}

fn resolve(modules: &Modules, base: &str, name: &str) -> Result<String> {
    if name.starts_with(FOREIGN) {
        return Ok(name.to_owned());
    }
    let relative = name.starts_with("./") || name.starts_with("../") || name.starts_with('/');
    let folder = match Path::new(base).parent() {
        Some(folder) if base.starts_with('/') => folder.to_owned(),
        _ => modules.folder.borrow().clone(),
    };
    let path = clean(&folder.join(name));
    if has_own_extension(&path) {
        return match path.is_file() {
            true => Ok(path.to_string_lossy().into_owned()),
            false if relative => Err(not_found(name, base)),
            false => Ok(format!("{FOREIGN}{name}")),
        };
    }
    if path.extension().is_none()
        && let Some(file) = OWN.iter().map(|extension| path.with_extension(extension)).find(|file| file.is_file())
        && relative
    {
        return Ok(file.to_string_lossy().into_owned());
    }
    if relative { Ok(format!("{FOREIGN}{}", path.display())) } else { Ok(format!("{FOREIGN}{name}")) }
}

fn has_own_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| OWN.iter().any(|own| extension == *own))
}

fn not_found(name: &str, base: &str) -> Error {
    Error::new(Code::NotFound, format!("there is no module '{name}' (imported by {base})"))
}

/// The path without `.` and `..`, without asking the file system.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}

/// Opens what a dynamic import needs, in place.
fn prepare(realm: &Realm, module: &str) -> Result<()> {
    let needed = match module.starts_with(FOREIGN) {
        true => vec![module.to_owned()],
        false => scan(realm, module, &read(realm, module)?)?,
    };
    for module in needed {
        if realm.modules.is_open(&module) {
            continue;
        }
        let kept;
        let info = match realm.info.get() {
            Some(info) => info,
            None => {
                kept = realm.host.info()?;
                &kept
            }
        };
        let exports = match open(realm, &module, info) {
            Outcome::Ready(exports) => exports,
            Outcome::Failed(error) => return Err(error),
            Outcome::Pending(completion) => realm.host.wait(completion, info)?,
        };
        realm.modules.put(&module, exports);
    }
    Ok(())
}

/// Asks the host for a foreign module.
pub(crate) fn open(realm: &Realm, module: &str, info: &CallInfo) -> Outcome {
    let name = module.strip_prefix(FOREIGN).unwrap_or(module);
    match realm.natives.import(&realm.host) {
        Some(import) => import.call(info, Args::new(&[View::string(name.as_bytes())])),
        None => Outcome::Failed(Error::new(Code::NotFound, format!("there is no module '{name}'"))),
    }
}

/// The foreign modules that a module imports, directly or through files of its own language.
pub(crate) fn scan(realm: &Realm, name: &str, text: &[u8]) -> Result<Vec<String>> {
    let has = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
    if !has(b"import") && !has(b"from") {
        return Ok(Vec::new());
    }
    walk(realm, name, text)
}

/// The same, but compiled in any case, to see whether it can be.
pub(crate) fn walk(realm: &Realm, name: &str, text: &[u8]) -> Result<Vec<String>> {
    *realm.modules.scan.borrow_mut() = Some(Vec::new());
    let result = ffi::scratch(realm, name, text);
    let found = realm.modules.scan.take().unwrap_or_default();
    match result {
        Ok(()) => Ok(found),
        Err(Fail::Error(error)) => Err(error),
        Err(Fail::Thrown) => Err(ffi::enter(realm, crate::errors::caught)),
    }
}

/// A module's content, once its name is known.
pub(crate) fn load(realm: &Realm, module: &str) -> Result<Loaded> {
    let modules = &realm.modules;
    if !module.starts_with(FOREIGN) {
        let text = read(realm, module)?;
        if !modules.scanning() {
            modules.loaded.borrow_mut().insert(module.to_owned());
        }
        return Ok(Loaded::Source(text));
    }
    if let Some(found) = modules.scan.borrow_mut().as_mut() {
        found.push(module.to_owned());
        return Ok(Loaded::Foreign(Vec::new()));
    }
    modules.loaded.borrow_mut().insert(module.to_owned());
    let opened = modules.opened.borrow();
    let exports = opened.get(module).map(|exports| names(exports.view()));
    exports.map(Loaded::Foreign).ok_or_else(|| Error::new(Code::NotFound, format!("{module} was not opened")))
}

/// A file's text, if the context may read it.
fn read(realm: &Realm, path: &str) -> Result<Vec<u8>> {
    let followed = realm.host.permit(Access::Read, path.as_bytes())?.map(OsString::from_vec);
    let text = std::fs::read(followed.as_deref().unwrap_or(OsStr::new(path)));
    text.map_err(|error| Error::new(Code::Io, format!("cannot read module '{path}': {error}")))
}

/// The pairs of an exports map that can be imported by name.
fn named(exports: View<'_>) -> impl Iterator<Item = (&str, View<'_>)> {
    let pairs = exports.as_aggregate().into_iter().flat_map(AggregateView::pairs);
    pairs.filter_map(|pair| Some((pair.key.as_str()?, pair.value)))
}

fn names(exports: View<'_>) -> Vec<String> {
    let mut names: Vec<String> = named(exports).map(|(name, _)| name.to_owned()).collect();
    if !names.iter().any(|name| name == "default") {
        names.push("default".into());
    }
    names
}

/// The exports of a foreign module; `default` is the whole map, unless the map has one of its own.
pub(crate) fn foreign_exports<'js>(ctx: &Ctx<'js>, module: &str) -> Result<Vec<(String, Js<'js>)>, Fail> {
    let realm = ffi::realm_of(ctx);
    let exports = realm.modules.opened.borrow().get(module).cloned().unwrap_or_default();
    let lenient = realm.lenient_now();
    let mut written = Vec::new();
    for (name, value) in named(exports.view()) {
        written.push((name.to_owned(), ffi::write(ctx, value, lenient)?));
    }
    if !written.iter().any(|(name, _)| name == "default") {
        written.push(("default".into(), ffi::write(ctx, exports.view(), lenient)?));
    }
    Ok(written)
}
