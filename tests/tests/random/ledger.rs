//! Counts: every call when it is made, when its function begins and when it is answered.
//!
//! A call begins once at most and is answered once. Who breaks that is noted at once; who is missing is
//! asked for at the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;

/// Who made a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Caller {
    /// The program that embeds the runtime.
    Program,
    /// Native code.
    Native,
    /// A context's code.
    Context(usize),
}

#[derive(Clone, Debug)]
struct Entry {
    caller: Caller,
    begun: bool,
    answered: bool,
}

/// The calls of one program.
#[derive(Default)]
struct Page {
    /// What the numbers of this program's calls begin with.
    first: i64,
    calls: Vec<Entry>,
    recorded: Vec<i64>,
    forms: BTreeMap<(usize, usize), u64>,
    faults: Vec<String>,
}

/// The calls of the programs of one runtime.
#[derive(Default)]
pub(crate) struct Ledger {
    page: Mutex<Page>,
    /// Function values made for single calls that are still alive.
    tokens: AtomicI64,
}

/// Far more than the calls of one program.
const PAGE: i64 = 1 << 20;

impl Ledger {
    /// A new program begins: calls of those before are faults from now on.
    pub(crate) fn turn_page(&self) {
        let mut page = self.page.lock();
        *page = Page { first: page.first + PAGE, ..Page::default() };
    }

    /// A call is made; gives its number. `form` is how, if a context makes it.
    pub(crate) fn begin(&self, caller: Caller, form: usize) -> i64 {
        let mut page = self.page.lock();
        if let Caller::Context(context) = caller {
            *page.forms.entry((context, form)).or_default() += 1;
        }
        page.calls.push(Entry { caller, begun: false, answered: false });
        page.first + page.calls.len() as i64 - 1
    }

    /// Its function begins.
    pub(crate) fn enter(&self, id: i64) {
        self.mark(id, "began", |entry| &mut entry.begun);
    }

    /// Its answer is there.
    pub(crate) fn answer(&self, id: i64) {
        self.mark(id, "was answered", |entry| &mut entry.answered);
    }

    fn mark(&self, id: i64, what: &str, field: impl Fn(&mut Entry) -> &mut bool) {
        let mut page = self.page.lock();
        let at = usize::try_from(id - page.first).unwrap_or(usize::MAX);
        match page.calls.get_mut(at).map(|entry| (entry.caller, std::mem::replace(field(entry), true))) {
            Some((_, false)) => {}
            Some((caller, true)) => page.faults.push(format!("call {at} of {caller:?} {what} twice")),
            None => page.faults.push(format!("call {id}, which this program did not make, {what}")),
        }
    }

    /// What a detached call came to.
    pub(crate) fn record(&self, number: i64) {
        self.page.lock().recorded.push(number);
    }

    /// What has been recorded since it was last asked, in order of size.
    pub(crate) fn take_recorded(&self) -> Vec<i64> {
        let mut recorded = std::mem::take(&mut self.page.lock().recorded);
        recorded.sort_unstable();
        recorded
    }

    /// The calls without an answer whose callers may not be left without.
    pub(crate) fn unanswered(&self, may_be: impl Fn(Caller) -> bool) -> Vec<String> {
        let page = self.page.lock();
        let open = page.calls.iter().enumerate().filter(|(_, entry)| !entry.answered && !may_be(entry.caller));
        open.map(|(at, entry)| format!("call {at} of {:?} was never answered (begun: {})", entry.caller, entry.begun))
            .collect()
    }

    /// Who broke the rule since it was last asked.
    pub(crate) fn take_faults(&self) -> Vec<String> {
        std::mem::take(&mut self.page.lock().faults)
    }

    /// How many calls were made.
    pub(crate) fn calls(&self) -> usize {
        self.page.lock().calls.len()
    }

    /// How often each context made calls in each form.
    pub(crate) fn forms(&self) -> BTreeMap<(usize, usize), u64> {
        self.page.lock().forms.clone()
    }

    pub(crate) fn token_made(&self) {
        self.tokens.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn token_dropped(&self) {
        self.tokens.fetch_sub(1, Ordering::SeqCst);
    }

    /// How many function values made for single calls are alive.
    pub(crate) fn tokens(&self) -> i64 {
        self.tokens.load(Ordering::SeqCst)
    }
}
