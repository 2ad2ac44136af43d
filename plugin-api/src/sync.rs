//! What completions lock with: the standard library's, or a checker's when its models are built
//! (`docs/contributing.md`, "Model checks").

#[cfg(all(feature = "models", calog_model = "loom"))]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(all(feature = "models", calog_model = "shuttle"))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(all(feature = "models", any(calog_model = "shuttle", calog_model = "loom"))))]
pub(crate) use std::sync::{Mutex, MutexGuard};
