//! The engine against a mock host: the language case by case, values, functions, errors, waits.

pub(crate) mod mock;

mod boundary;
mod dialect;
mod fuzz;
mod guide;
mod language;
mod limits;
mod waiting;
