//! What the targets share: values made of the fuzzer's bytes, and a runtime over the plugins that
//! were built beside the target.

pub mod dough;
pub mod languages;
