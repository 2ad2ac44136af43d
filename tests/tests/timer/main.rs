//! The bundle `timer` in all languages: what each sentence of `docs/timer.md` promises, and what
//! JavaScript makes of it.

mod browser;
mod closing;
mod errors;
mod foreign;
mod once;
mod players;
mod repeated;
