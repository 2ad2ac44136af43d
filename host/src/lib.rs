//! Under construction.
pub mod plugins;
