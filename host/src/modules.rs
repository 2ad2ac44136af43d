//! Modules: contexts that were opened by import, once per runtime, and who waits for whose main chunk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::context::ContextShared;
use crate::ids::ContextId;
use crate::sync::Mutex;

/// The modules of a runtime.
#[derive(Default)]
pub(crate) struct Modules {
    /// Held while a module is looked for and opened, so that nobody else opens it too.
    pub(crate) opening: Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    by_path: HashMap<PathBuf, ContextId>,
    by_name: HashMap<String, ContextId>,
    /// The main chunks that wait for another's: importer, imported.
    waits: Vec<(ContextId, ContextId)>,
}

impl Modules {
    /// Notes a context that can be imported: by its name, and by its file. Who was there first stays, but
    /// for the one whose place it takes.
    pub(crate) fn add(&self, name: &str, path: &Path, context: ContextId, instead_of: Option<ContextId>) {
        let mut state = self.state.lock();
        let take = |place: &mut ContextId| {
            if Some(*place) == instead_of {
                *place = context;
            }
        };
        state.by_name.entry(name.to_owned()).and_modify(take).or_insert(context);
        if !path.as_os_str().is_empty() {
            state.by_path.entry(path.to_owned()).and_modify(take).or_insert(context);
        }
    }

    pub(crate) fn named(&self, name: &str) -> Option<ContextId> {
        self.state.lock().by_name.get(name).copied()
    }

    pub(crate) fn at(&self, path: &Path) -> Option<ContextId> {
        self.state.lock().by_path.get(path).copied()
    }

    /// Forgets a context that is gone; its file may be opened again.
    pub(crate) fn forget(&self, context: &ContextShared) {
        let mut state = self.state.lock();
        if state.by_path.get(Path::new(&context.path)) == Some(&context.id) {
            state.by_path.remove(Path::new(&context.path));
        }
        if state.by_name.get(&context.name) == Some(&context.id) {
            state.by_name.remove(&context.name);
        }
        state.waits.retain(|(importer, imported)| *importer != context.id && *imported != context.id);
    }

    /// Notes that one main chunk waits for another's. False when that one waits, directly or through
    /// others, for this one: then nobody may wait, and what is exported so far has to do.
    pub(crate) fn wait(&self, importer: ContextId, imported: ContextId) -> bool {
        let mut state = self.state.lock();
        if state.reaches(imported, importer) {
            return false;
        }
        state.waits.push((importer, imported));
        true
    }

    /// The wait is over.
    pub(crate) fn end_wait(&self, importer: ContextId, imported: ContextId) {
        let mut state = self.state.lock();
        if let Some(at) = state.waits.iter().position(|wait| *wait == (importer, imported)) {
            state.waits.swap_remove(at);
        }
    }
}

impl State {
    /// Whether `from` waits for `to`, directly or through others. The waits have no circles, as
    /// `wait` refuses the one that would close it.
    fn reaches(&self, from: ContextId, to: ContextId) -> bool {
        from == to || self.waits.iter().any(|(importer, imported)| *importer == from && self.reaches(*imported, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_wait_that_would_close_a_circle_is_refused() {
        let modules = Modules::default();
        let [a, b, c] = [1, 2, 3].map(ContextId);
        assert!(modules.wait(a, b));
        assert!(modules.wait(b, c));
        assert!(!modules.wait(c, a));
        assert!(!modules.wait(c, c));
        modules.end_wait(a, b);
        assert!(modules.wait(c, a));
    }
}
