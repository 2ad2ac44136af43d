//! Model checks: the runtime itself, with a checker deciding who runs when. See "Model checks" in
//! `docs/contributing.md` for how they are run and replayed.
//!
//! Under shuttle whole runtimes run, with all their threads, along many schedules that are drawn.
//! Under loom, which tries every schedule and knows weak memory, the few places do that rely on it.

#[cfg(calog_model = "loom")]
mod orderings;

#[cfg(calog_model = "shuttle")]
mod callables;
#[cfg(calog_model = "shuttle")]
mod cancelling;
#[cfg(calog_model = "shuttle")]
mod check;
#[cfg(calog_model = "shuttle")]
mod closing;
#[cfg(calog_model = "shuttle")]
mod completions;
#[cfg(calog_model = "shuttle")]
mod counting;
#[cfg(calog_model = "shuttle")]
mod ending;
#[cfg(calog_model = "shuttle")]
mod hosting;
#[cfg(calog_model = "shuttle")]
mod lost;
#[cfg(calog_model = "shuttle")]
mod mailboxes;
#[cfg(calog_model = "shuttle")]
mod probe;
#[cfg(calog_model = "shuttle")]
mod providers;
#[cfg(calog_model = "shuttle")]
mod pumping;
#[cfg(calog_model = "shuttle")]
mod scene;
#[cfg(calog_model = "shuttle")]
#[path = "../../tests/runtime/toy.rs"]
// It can more than the models ask of it.
#[allow(dead_code)]
mod toy;
