//! The contract, tested from outside: what a plugin author and the host can rely on.
#![forbid(unsafe_code)]

mod builder;
mod common;
mod completion;
mod engine;
mod error;
mod function;
mod golden;
mod handles;
mod random;
mod structure;
mod value;
