//! A plugin that misbehaves on order, to show that the host stands it, and what it does.
//!
//! | file | holds |
//! | --- | --- |
//! | `deed` | what can be ordered of any entry: to panic, to never return, ... |
//! | `engine` | an engine, whose every entry obeys orders |
//! | `garbage` | answers and requests of its contexts that make no sense |
//! | `natives` | natives that misbehave |
//! | `objects` | Objects and functions of its own making: they panic, and lie about who they are |
//! | `kept` | values, handles and promises that outlive whatever they are of |
//! | `foreign` | a context's host, used on another thread |
//! | `hooks` | the bundle's life, in each step of which it obeys orders |
//! | `beyond` | what no host can stand |
//!
//! What the contract's types rule out (to finish a promise twice, say) cannot be ordered: it does
//! not compile. `tests/tests/wicked` gives the orders.
#![deny(unsafe_code)]

mod beyond;
mod deed;
mod engine;
mod foreign;
mod garbage;
mod hooks;
mod kept;
mod natives;
mod objects;

use calog_plugin_api::prelude::*;

use engine::Wicked;
use hooks::wicked;

export_plugin! { engine: Wicked, bundle: wicked }
