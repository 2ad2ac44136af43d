//! The bundle `task` in all languages: what each sentence of `docs/task.md` promises.

mod cancelling;
mod draining;
mod driver;
mod foreign;
mod joining;
mod many;
mod messages;
mod players;
mod reports;
mod roots;
mod scopes;
mod timeouts;
