//! Sockets for every language: the bundle `net`.
//!
//! | native | gives |
//! | --- | --- |
//! | `net.connect(host, port, options)` | a connection: `send`, `recv`, `recv_line`, `recv_exact`, `close`, `shutdown`, `peer`, `address`, `on_data`, `on_close` |
//! | `net.listen(host, port, options)` | a listener: `accept`, `on_connection`, `address`, `close` |
//! | `net.udp(host, port, options)` | a UDP socket: `send_to`, `recv_from`, `address`, `close` |
//!
//! A host `unix:/path` is a Unix-domain socket, and has no port. `docs/net.md` is for those who write
//! scripts.
//!
//! Invariants: one thread owns all sockets of a runtime and enters no interpreter; the commands of a
//! socket are done in the order of the calls; no buffer grows without a bound; a wait that is cancelled
//! takes no bytes.
//!
//! | module | holds |
//! | --- | --- |
//! | `place`, `options`, `config`, `arguments` | what scripts and `calog.toml` say |
//! | `handle`, `socket` | the Objects |
//! | `tls` | certificates, and sessions made of them |
//! | `reactor` | the thread, and the way to it |
//! | `reactor/turn` | its loop |
//! | `reactor/opening`, `greeting`, `listener`, `stream`, `datagram` | what a socket can be |
//! | `reactor/incoming`, `outgoing` | a connection's bytes |
//! | `reactor/callback` | functions that are called when something comes |
#![forbid(unsafe_code)]

mod arguments;
mod config;
mod handle;
mod options;
mod place;
mod reactor;
mod socket;
mod tls;

use std::io;
use std::sync::Arc;

use calog_plugin_api::prelude::*;

use config::Config;
use options::{OF_CONNECT, OF_LISTEN, OF_UDP, Options};
use place::{Place, Target, Whereabouts, look_up};
use reactor::{Deed, Goal, Opening, Prepared, Thread};
use socket::LookUp;
use tls::Files;

#[cfg(feature = "plugin")]
export_plugin! { bundle: net }

/// The bundle, with a thread of its own as soon as there is a socket.
///
/// # Errors
/// None; it has the form of those that need the runtime.
pub fn net(runtime: RuntimeHandle) -> Result<Bundle> {
    let thread = Arc::new(Thread::new(runtime));
    let [connect, listen, udp, boot, reload, end] = std::array::from_fn(|_| Arc::clone(&thread));
    let bundle = Bundle::new("net")
        .function("connect", move |info: &CallInfo, host: View<'_>, port: View<'_>, options: View<'_>| {
            open(&connect, info, Goal::Connect, [host, port, options])
        })
        .params(["host", "port", "options"])
        .returns("connection")
        .flags(Descriptor::WAITS)
        .doc("Connects to a host and port, or to a Unix-domain socket, `unix:/path`.")
        .function("listen", move |info: &CallInfo, host: View<'_>, port: View<'_>, options: View<'_>| {
            open(&listen, info, Goal::Listen, [host, port, options])
        })
        .params(["host", "port", "options"])
        .returns("listener")
        .flags(Descriptor::WAITS)
        .doc("Listens on a host and port, or on a Unix-domain socket; port 0 picks a free one.")
        .function("udp", move |info: &CallInfo, host: View<'_>, port: View<'_>, options: View<'_>| {
            open(&udp, info, Goal::Udp, [host, port, options])
        })
        .params(["host", "port", "options"])
        .returns("udp")
        .flags(Descriptor::WAITS)
        .doc("A UDP socket on a host and port; port 0 picks a free one.")
        .validate(|config| Config::read(config).map(drop))
        .boot(priority::NORMAL, move |_, config| {
            boot.configure(Config::read(config)?);
            Ok(())
        })
        .reload(priority::NORMAL, move |config| {
            reload.configure(Config::read(config)?);
            Ok(())
        })
        // One that is wrong is refused by `validate`.
        .lifecycle(|config| Config::read(config).unwrap_or_default().lifecycle())
        .shutdown(priority::NORMAL, move || {
            end.end();
            Ok(())
        });
    Ok(bundle)
}

fn open(thread: &Thread, info: &CallInfo, goal: Goal, args: [View<'_>; 3]) -> Result<Completion> {
    let (least, known) = match goal {
        Goal::Connect => (1, OF_CONNECT),
        Goal::Listen => (0, OF_LISTEN),
        Goal::Udp => (0, OF_UDP),
    };
    let (place, options) = Place::read(goal.native(), least, args)?;
    let options = Options::read(goal.native(), known, options)?;
    info.runtime().permission(info, goal.native())?;
    let counted = info.count("sockets", 1)?;
    let line = thread.line()?;
    let id = line.number();
    line.own(info.context());
    let (completion, _, finisher) = line.promise(info, id, &format!("{} {}", goal.native(), place.text));
    // What must not hold up a thread is done before the opening goes on.
    let (target, name) = match place.whereabouts {
        Whereabouts::Known(target) if options.tls.is_none() => (Some(target), None),
        Whereabouts::Known(target) => (None, Some(Err(target))),
        Whereabouts::Named(name, port) => (None, Some(Ok((name, port)))),
    };
    let files = options.tls.clone();
    let opening = Opening::new(id, goal, place.text, info.context(), options, target, finisher);
    line.send(id, Deed::Open(Box::new(opening), counted));
    if let Some(name) = name {
        info.runtime().look_up(move || line.send(id, Deed::Resolved(prepare(name, files.as_ref()))));
    }
    Ok(completion)
}

/// Looks a name up and reads certificates. Blocks.
fn prepare(place: std::result::Result<(String, u16), Target>, files: Option<&Files>) -> io::Result<Prepared> {
    let host = match &place {
        Ok((name, _)) => name.clone(),
        Err(Target::Inet(address)) => address.ip().to_string(),
        Err(Target::Unix(path)) => path.display().to_string(),
    };
    let security = files.map(|files| files.load(&host)).transpose()?;
    let targets = match place {
        Ok((name, port)) => look_up(&name, port)?,
        Err(target) => [target].into(),
    };
    Ok(Prepared { targets, security })
}

#[cfg(test)]
mod tests;
