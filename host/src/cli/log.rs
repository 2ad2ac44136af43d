//! Where logs go: standard error, filtered by `--log` or `CALOG_LOG`.

use calog::report::colour_wanted;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time;

use super::exit::{Exit, USAGE};

/// Starts logging. `quiet` is for commands that show by themselves what would be warned of.
pub(super) fn start(filter: Option<&str>, quiet: bool) -> Result<(), Exit> {
    let filter = filter.unwrap_or(if quiet { "error" } else { "warn" });
    let wrong = |error| Exit::new(USAGE, format!("error: --log: '{filter}' is no filter: {error}"));
    let filter = EnvFilter::try_new(filter).map_err(wrong)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour_wanted())
        .with_timer(time::uptime())
        .with_target(false)
        // It would be said on standard error, which is what failed, and panic there.
        .log_internal_errors(false)
        .init();
    Ok(())
}
