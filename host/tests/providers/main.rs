//! Providers by themselves: registering, order, validating, booting, running, reloading, the end. And
//! bundles of a runtime, which are providers like all others.

mod booting;
mod bundles;
mod ending;
mod engines;
mod order;
mod registering;
mod reloading;
mod running;
mod stub;
