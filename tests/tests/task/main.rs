//! The bundle `task` in all languages: what each sentence of `docs/task.md` promises.

mod cancelling;
mod foreign;
mod joining;
mod messages;
mod roots;
mod scopes;
mod steps;
mod timeouts;
