//! The players, one script per language, and the steps that they know; `calog_tests::stage` has the rest.
//!
//! A step is a list: what to do, and up to three things to do it with. Where a step takes steps, it
//! may take a function instead, of any context.
//!
//! | step | does |
//! | --- | --- |
//! | `note text`, `gate name` | notes; waits at a gate |
//! | `sleep ms`, `yield`, `checkpoint` | the natives |
//! | `spawn name steps opts`, `child name steps opts` | `task.spawn`; `spawn` of the scope it is in |
//! | `scope name steps`, `timeout ms steps opts` | a new scope; without name it is `false` |
//! | `join name`, `abort name`, `finished name`, `about name` | with the handle of that name |
//! | `keep name`, `use name steps` | keeps the scope it is in; plays steps in a kept one |
//! | `cancel`, `token name` | with the scope it is in |
//! | `new_token`, `cancel_token`, `is_cancelled`, `check` | with the token of that name |
//! | `catch steps` | notes `fine`, or `code: message` |
//! | `fail message`, `return value`, `last` | ends so; `last` with what came of the last step |
//! | `call function`, `bad path arguments` | calls; notes what came of a wrong call |
//! | `current`, `here` | notes, or takes, what `task.current` says |
//! | `forever`, `swallow`, `spin`, `beat` | never ends: no checkpoint; swallows at each; notes `beat` |

use calog_tests::stage::Players;

pub(crate) const PLAYERS: Players = Players {
    lua: include_str!("player.lua"),
    javascript: include_str!("player.js"),
    squirrel: include_str!("player.nut"),
    basic: include_str!("player.bas"),
};
