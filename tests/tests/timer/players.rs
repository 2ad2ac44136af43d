//! The players, one script per language, and the steps that they know; `calog_tests::stage` has the rest.
//!
//! A step is a list: what to do, and up to three things to do it with. Where a step takes steps, it
//! may take a function instead, of any context.
//!
//! | step | does |
//! | --- | --- |
//! | `note text`, `gate name` | notes; waits at a gate |
//! | `mark text` | notes in a turn of the mailbox that is asked for now: behind all that wait there |
//! | `after name ms steps`, `every name ms steps` | the natives; the timer is kept under the name |
//! | `cancel name`, `give name`, `take name timer` | with a timer that was kept; with one of elsewhere |
//! | `tick name most` | notes how often it was done; at `most` cancels the timer of that name |
//! | `spin ms` | holds the thread so long, by `timer.now` |
//! | `now`, `here`, `task` | takes the time; notes the context's name; notes whether it is in a task |
//! | `catch steps` | notes `fine`, or `code: message` |
//! | `fail message`, `return value`, `last` | ends so; `last` with what came of the last step |
//! | `call function`, `bad path arguments` | calls; notes what came of a wrong call |

use calog_tests::stage::Players;

/// Longer than any test takes.
pub(crate) const HOUR: i64 = 3_600_000;

pub(crate) const PLAYERS: Players = Players {
    lua: include_str!("player.lua"),
    javascript: include_str!("player.js"),
    squirrel: include_str!("player.nut"),
    basic: include_str!("player.bas"),
};
