//! Plugins: where they are looked for, what they offer, and how they are opened.
//!
//! The order is that of `docs/abi.md`, and every step can refuse a file with a reason while the
//! others go on:
//!
//! ```text
//! SearchPath   which folders, in which order                      search.rs
//! Trust        who may have written a file, and which locks        trust.rs, place.rs, lock.rs
//!              have it
//! inspect      one file, without running any of its code           inspect.rs, elf/, header.rs
//! Registry     which offer wins its names, which is shadowed       registry.rs
//! Catalog      all of it for one runtime; opens a file when a      catalog.rs, load.rs
//!              script first needs it, at most once
//! listing      the same for a person                               listing.rs
//! ```

mod catalog;
mod elf;
mod header;
mod inspect;
mod listing;
mod load;
mod lock;
mod place;
mod refusal;
mod registry;
mod search;
mod trust;

#[cfg(test)]
mod tests;

pub use catalog::{Catalog, FileId, FileState, LoadError, PluginFile};
pub use header::{Offer, PluginName};
pub use inspect::{differences, inspect, inspect_bytes, inspect_under, lock_entry};
pub use listing::{describe, listing, missing_engine};
pub use load::try_opening;
pub use lock::{LOCK, Lock, LockError, Locked};
pub use refusal::Refusal;
pub use registry::{BundleOffer, Claim, EngineOffer, Provider, Registry, Shadowed};
pub use search::{Folder, FolderState, Origin, SearchPath};
pub use trust::Trust;
