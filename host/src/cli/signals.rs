//! SIGINT and SIGTERM end the program in order; a second one ends it at once.

use calog::Stopper;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::exit::SIGNALLED;

/// Listens on a thread of its own until the process ends.
pub(super) fn listen(stopper: Stopper) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let listen = move || {
        let mut asked = false;
        for signal in signals.forever() {
            let code = SIGNALLED + signal;
            if asked {
                signal_hook::low_level::exit(code);
            }
            asked = true;
            stopper.exit(code);
        }
    };
    std::thread::Builder::new().name("calog signals".into()).spawn(listen).map(drop)
}
