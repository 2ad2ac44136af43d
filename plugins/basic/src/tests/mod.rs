//! The engine against a mock host: the language case by case, values, functions, errors, waits.

mod boundary;
mod dialect;
mod fuzz;
mod guide;
mod language;
mod limits;
pub(crate) mod typed;
mod waiting;

type Opened = calog_plugin_api::mock::Opened<crate::Basic>;
