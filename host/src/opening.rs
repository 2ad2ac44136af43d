//! How contexts come to be: from a file, a base name or a piece of source, on a thread of their own
//! or a shared one.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calog_plugin_api::{
    Access, Code, Completion, ContextOptions, Error, Restart, Result, SourceMode, Threading, Value,
};

use crate::context::{ContextShared, Identity, State};
use crate::core::Core;
use crate::envelope::{Envelope, Loading, Opening, SourceText};
use crate::ids::ContextId;
use crate::limits::{Limit, Rights, Taken, Terms};
use crate::plugins::EngineOffer;
use crate::restarting::{self, Supervised};
use crate::sync::atomic::Ordering;
use crate::thread::Place;

/// What a new context runs.
#[derive(Clone, Debug)]
enum Origin {
    /// A script, whose extension names the engine.
    File(PathBuf),
    /// A name without extension: the first registered extension that exists wins.
    Base(PathBuf),
    /// Source code.
    Source { engine: String, text: Vec<u8> },
    /// Nothing yet.
    Nothing { engine: String },
}

/// A context to be opened: what it runs, its name, thread and options.
#[derive(Clone, Debug)]
pub struct Open {
    origin: Origin,
    name: Option<String>,
    thread: Option<String>,
    options: Vec<(String, Value)>,
    imported: bool,
    restart: Restart,
    declared_at: Option<String>,
    /// The rights of the script that opens it.
    opener: Option<Arc<Rights>>,
}

impl Open {
    fn new(origin: Origin) -> Open {
        Open {
            origin,
            name: None,
            thread: None,
            options: Vec::new(),
            imported: false,
            restart: Restart::NEVER,
            declared_at: None,
            opener: None,
        }
    }

    /// A script file.
    pub fn file(path: impl Into<PathBuf>) -> Open {
        Open::new(Origin::File(path.into()))
    }

    /// A script by its name without extension: of the registered engines' extensions, in the order of
    /// registration, the first for which a file exists.
    pub fn base(path: impl Into<PathBuf>) -> Open {
        Open::new(Origin::Base(path.into()))
    }

    /// Source code in the language of an engine (or of a language's first engine).
    pub fn source(engine: impl Into<String>, text: impl Into<Vec<u8>>) -> Open {
        Open::new(Origin::Source { engine: engine.into(), text: text.into() })
    }

    /// An interpreter that runs nothing yet; see `Runtime::eval`.
    pub fn empty(engine: impl Into<String>) -> Open {
        Open::new(Origin::Nothing { engine: engine.into() })
    }

    /// Names it. By default a script's file name without extension.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Open {
        self.name = Some(name.into());
        self
    }

    /// Puts it on the thread of this name, which all contexts share that name it.
    #[must_use]
    pub fn thread(mut self, name: impl Into<String>) -> Open {
        self.thread = Some(name.into());
        self
    }

    /// Sets an option: a key of `[[context]]` in `calog.toml`.
    #[must_use]
    pub fn option(mut self, key: impl Into<String>, value: impl Into<Value>) -> Open {
        self.options.push((key.into(), value.into()));
        self
    }

    /// Starts it again when it has failed, or however it ended: under its name, with a new interpreter.
    /// What refers to it by the old [`ContextRef`](crate::ContextRef), or holds functions of it, finds it
    /// dead; imports, and [`Runtime::context`](crate::Runtime::context), find the new one.
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Open {
        self.restart = restart;
        self
    }

    /// Says where its options stand, for messages that name one of them: `calog.toml:7`.
    #[must_use]
    pub fn declared_at(mut self, place: impl Into<String>) -> Open {
        self.declared_at = Some(place.into());
        self
    }

    /// Has it opened by a script with these rights, of which it then has no more.
    pub(crate) fn by(mut self, opener: Option<&Arc<Rights>>) -> Open {
        self.opener = opener.cloned();
        self
    }

    /// Coerces what cannot be represented, instead of refusing it.
    #[must_use]
    pub fn lenient(self, lenient: bool) -> Open {
        self.option("lenient", lenient)
    }
}

/// An opening that found its file and engine.
struct Found {
    engine: EngineOffer,
    script: String,
    path: PathBuf,
    source: Option<SourceText>,
    default_name: String,
}

impl Core {
    /// Opens a context. It exists when this returns; its main chunk runs on its own thread, and the
    /// completion has its result. Relative paths are relative to `folder`, or to the process's.
    ///
    /// # Errors
    /// `not_found` for a missing file or engine, `io` when the file cannot be read or no thread be
    /// had, `closed` when the runtime closes, and the engine's own.
    pub(crate) fn open(
        self: &Arc<Core>,
        open: Open,
        folder: Option<&Path>,
    ) -> Result<(Arc<ContextShared>, Option<Completion>)> {
        let supervised = Supervised::new(open.restart, &open, folder.map(Path::to_path_buf));
        self.open_instead(open, folder, supervised, None)
    }

    /// The same in the place of another context, whose name and file it takes over.
    ///
    /// # Errors
    /// As `open`.
    pub(crate) fn open_instead(
        self: &Arc<Core>,
        open: Open,
        folder: Option<&Path>,
        supervised: Option<Supervised>,
        instead_of: Option<ContextId>,
    ) -> Result<(Arc<ContextShared>, Option<Completion>)> {
        // Sooner than making an engine for nothing; what decides is `Threads::open`.
        if self.closing.load(Ordering::Acquire) {
            return Err(Error::new(Code::Closed, "the runtime is closing: no new contexts"));
        }
        let found = self.find(&open.origin, folder, open.opener.as_deref())?;
        let engine_name = found.engine.description.name.clone();
        let engine = self.engine(&engine_name)?;
        let name = open.name.clone().unwrap_or(found.default_name);
        let options = make_options(&name, &found.script, &open)?;
        let terms = Terms::read(options.clone().into_value().view(), folder)?;
        let counted = open.opener.as_ref().map(|opener| Taken::one(opener, Limit::Contexts)).transpose()?;
        let identity = Identity {
            rights: Rights::new(&name, open.declared_at.as_deref(), &terms, open.opener.as_ref()),
            counted,
            name: name.clone(),
            engine: engine_name,
            language: found.engine.description.language.clone(),
            script: found.script,
            path: found.path.to_string_lossy().into_owned(),
            options: options.clone(),
            imported: open.imported,
            supervised,
        };
        let mut shared = None;
        let threading = found.engine.description.threading;
        let shared_name = shared_thread(&open, threading, &identity.engine);
        let place = match (threading, &shared_name) {
            (Threading::MainThread, _) => Place::Host,
            (_, Some(name)) => Place::Shared(name),
            (_, None) => Place::Own,
        };
        let sent = self.threads.open(self, &place, &name, |thread| {
            let mut made = None;
            self.contexts.write().insert(|id| {
                let context = Arc::new(ContextShared::new(self, id, thread, identity));
                made = Some(Arc::clone(&context));
                context
            });
            // `insert` has just called the closure.
            let context = made.unwrap_or_else(|| unreachable!("the table made the context"));
            // Before it begins, for it may end at once, and then is forgotten.
            self.modules.add(&name, &found.path, context.id, instead_of);
            restarting::watch(&context);
            shared = Some(Arc::clone(&context));
            Envelope::Open(Box::new(Opening { shared: context, engine, options }))
        });
        if let (Err(_), Some(context)) = (&sent, &shared) {
            self.forget_context(context);
        }
        sent?;
        let shared = shared.ok_or_else(|| Error::new(Code::Io, "the context's thread could not be started"))?;
        let main = found.source.map(|source| self.load(&shared, source));
        Ok((shared, main))
    }

    /// Has a context run a piece of source code.
    pub(crate) fn load(&self, context: &Arc<ContextShared>, source: SourceText) -> Completion {
        let (completion, reply) = self.promise(format!("the code of context '{}'", context.name), false);
        if context.state() == State::Closed {
            // The promise was just made, so it takes the error.
            let _ = reply.finish(Err(context.main_error().unwrap_or_else(|| context.dead())));
            return completion;
        }
        let loading = Loading { context: Arc::clone(context), source, reply };
        self.send(&context.thread, Envelope::Load(Box::new(loading)));
        completion
    }

    fn find(&self, origin: &Origin, folder: Option<&Path>, opener: Option<&Rights>) -> Result<Found> {
        match origin {
            Origin::File(path) => self.find_file(path, &beside(folder, path), opener),
            Origin::Base(base) => {
                let candidates = self.engines.candidates(&beside(folder, base));
                let path = first_existing(&candidates, &base.to_string_lossy())?;
                self.find_file(&path, &path, opener)
            }
            Origin::Source { engine, text } => {
                let source = SourceText {
                    mode: SourceMode::File,
                    name: "(source)".into(),
                    path: String::new(),
                    text: text.clone(),
                };
                self.find_engine(engine, Some(source))
            }
            Origin::Nothing { engine } => self.find_engine(engine, None),
        }
    }

    fn find_engine(&self, engine: &str, source: Option<SourceText>) -> Result<Found> {
        Ok(Found {
            engine: self.engines.named(engine)?,
            script: source.as_ref().map_or_else(String::new, |source| source.name.clone()),
            path: PathBuf::new(),
            source,
            default_name: engine.to_owned(),
        })
    }

    fn find_file(&self, shown: &Path, path: &Path, opener: Option<&Rights>) -> Result<Found> {
        let engine = self.engines.for_file(path)?;
        let followed = match opener {
            Some(rights) => rights.permit(Access::Read, path.as_os_str().as_bytes())?,
            None => None,
        };
        let absolute = fs::canonicalize(followed.as_deref().unwrap_or(path)).map_err(|error| {
            let code = if error.kind() == std::io::ErrorKind::NotFound { Code::NotFound } else { Code::Io };
            Error::new(code, format!("{} cannot be opened: {error}", shown.display()))
        })?;
        let text = fs::read(&absolute)
            .map_err(|error| Error::new(Code::Io, format!("{} cannot be read: {error}", shown.display())))?;
        let script = shown.to_string_lossy().into_owned();
        let source = SourceText {
            mode: SourceMode::File,
            name: script.clone(),
            path: absolute.to_string_lossy().into_owned(),
            text,
        };
        let default_name = path.file_stem().map_or_else(|| script.clone(), |stem| stem.to_string_lossy().into_owned());
        Ok(Found { engine, script, path: absolute, source: Some(source), default_name })
    }

    /// Imports a module for a context: opens it if it is not open. Gives the module's context.
    ///
    /// # Errors
    /// `not_found`, listing what was tried, and as `open`.
    pub(crate) fn find_module(
        self: &Arc<Core>,
        importer: Option<&ContextShared>,
        module: &str,
    ) -> Result<Arc<ContextShared>> {
        // One at a time, so that a module is opened once.
        let _one = self.modules.opening.lock();
        if let Some(context) = self.modules.named(module).and_then(|id| self.context(id)) {
            return Ok(context);
        }
        let folder = importer.and_then(|context| Path::new(&context.path).parent()).map(Path::to_path_buf);
        let path = self.module_file(folder.as_deref(), module)?;
        let absolute = fs::canonicalize(&path)
            .map_err(|error| Error::new(Code::NotFound, format!("{} cannot be opened: {error}", path.display())))?;
        if let Some(context) = self.modules.at(&absolute).and_then(|id| self.context(id)) {
            return Ok(context);
        }
        let thread = importer.and_then(|context| context.options.get("thread").as_str()).map(str::to_owned);
        let mut open = Open::file(path);
        open.thread = thread;
        open.imported = true;
        open = open.by(importer.and_then(|context| context.rights.as_ref()));
        let (context, _main) = self.open(open, None).map(|(context, main)| {
            // Whoever imports waits for the main chunk through the context itself.
            if let Some(main) = main {
                main.then(drop);
            }
            (context, ())
        })?;
        Ok(context)
    }

    /// The file a module's name stands for: literally with a known extension, else by base name.
    fn module_file(&self, folder: Option<&Path>, module: &str) -> Result<PathBuf> {
        let base = beside(folder, Path::new(module));
        let literal = base
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|extension| self.engines.catalog.engine_for_extension(extension).is_some());
        let candidates = if literal { vec![base.clone()] } else { self.engines.candidates(&base) };
        first_existing(&candidates, module).or_else(|none| {
            // A script is there; what is missing is its engine.
            if base.is_file() { self.engines.for_file(&base).map(|_| base) } else { Err(none) }
        })
    }
}

fn beside(folder: Option<&Path>, path: &Path) -> PathBuf {
    folder.map_or_else(|| path.to_path_buf(), |folder| folder.join(path))
}

fn first_existing(candidates: &[PathBuf], wanted: &str) -> Result<PathBuf> {
    candidates.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
        let tried: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
        let tried = if tried.is_empty() { "nothing, as no engine is registered".into() } else { tried.join(", ") };
        Error::new(Code::NotFound, format!("there is no module or script '{wanted}'; tried {tried}"))
    })
}

/// The thread a context shares: the one it names, or that of an engine which has only one.
fn shared_thread(open: &Open, threading: Threading, engine: &str) -> Option<String> {
    match threading {
        Threading::OneThread => Some(format!("engine {engine}")),
        Threading::PerContext | Threading::MainThread => open.thread.clone(),
    }
}

fn make_options(name: &str, script: &str, open: &Open) -> Result<ContextOptions> {
    let mut all = vec![("name".to_owned(), Value::from(name)), ("script".to_owned(), Value::from(script))];
    if let Some(thread) = &open.thread {
        all.push(("thread".to_owned(), Value::from(thread.as_str())));
    }
    let given = open.options.iter().filter(|(key, _)| !["name", "script", "thread"].contains(&key.as_str()));
    all.extend(given.cloned());
    Value::map(all.into_iter().map(|(key, value)| (Value::from(key), value))).map(ContextOptions::new)
}

/// The id of a context, or that of the embedding program.
pub(crate) fn id_of(context: Option<&ContextShared>) -> ContextId {
    context.map_or(ContextId::HOST, |context| context.id)
}
