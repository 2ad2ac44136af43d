//! A plugin that misbehaves wherever it can (`tests/wicked`), and what the host does about it.
//!
//! Each test is a table of rows: what is done, what the host says to it, and what it cannot end when
//! the runtime closes. After each row the runtime has to be as good as new: see `stage`. What no host
//! can stand is in `beyond`, where processes end.

mod beyond;
mod entries;
mod garbage;
mod kept;
mod life;
mod natives;
mod stage;
