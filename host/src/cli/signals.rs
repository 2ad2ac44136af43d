//! SIGINT ends the program in order, SIGTERM lets it finish what is under way first; a second one ends it
//! at once. SIGHUP has it read `calog.toml` again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use calog::Stopper;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::exit::SIGNALLED;

/// Listens on a thread of its own until the process ends. Tells, by the flag, that the program is to finish
/// what is under way.
pub(super) fn listen(stopper: Stopper, draining: Arc<AtomicBool>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let listen = move || {
        let mut asked = false;
        for signal in signals.forever() {
            let code = SIGNALLED + signal;
            if asked {
                signal_hook::low_level::exit(code);
            }
            asked = true;
            if signal == SIGTERM {
                // ORDERING: seen by whoever sees the exit code, which is set after it.
                draining.store(true, Ordering::Release);
                stopper.drain(code);
            } else {
                stopper.exit(code);
            }
        }
    };
    std::thread::Builder::new().name("calog signals".into()).spawn(listen).map(drop)
}

/// Calls this at each SIGHUP, on a thread of its own: it may take its time.
pub(super) fn on_hangup(reload: impl Fn() + Send + 'static) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGHUP])?;
    let listen = move || signals.forever().for_each(|_| reload());
    std::thread::Builder::new().name("calog reload".into()).spawn(listen).map(drop)
}
