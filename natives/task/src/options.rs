//! What scripts may say besides the function.

use std::time::Duration;

use calog_plugin_api::Milliseconds;
use calog_plugin_api::prelude::*;

/// How long a timed-out scope's tasks may clean up, unless `[natives.task]` or the call says otherwise.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// How a task is driven. Under the coroutine driver Lua's `coroutine.yield` gives way, and a task that is
/// cancelled already does not start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Driver {
    #[default]
    AsyncFn,
    Coroutine,
}

/// The second argument of `spawn`.
#[derive(Default, Debug)]
pub(crate) struct SpawnOptions {
    pub(crate) name: Option<String>,
    pub(crate) driver: Driver,
}

impl SpawnOptions {
    pub(crate) fn read(info: &CallInfo, options: Option<View<'_>>) -> Result<SpawnOptions> {
        let mut read = SpawnOptions::default();
        for (key, value) in pairs("task.spawn", options, "'name' or 'driver'")? {
            match key.as_str() {
                "name" => read.name = Some(text("task.spawn", "name", value)?),
                "driver" => read.driver = driver(info, &text("task.spawn", "driver", value)?)?,
                other => return Err(unknown("task.spawn", other, "'name' or 'driver'")),
            }
        }
        Ok(read)
    }
}

fn driver(info: &CallInfo, name: &str) -> Result<Driver> {
    let driver = match name {
        "async_fn" => Driver::AsyncFn,
        "coroutine" => Driver::Coroutine,
        other => {
            let message = format!("task.spawn: unknown driver '{other}' (expected 'async_fn' or 'coroutine')");
            return Err(Error::new(Code::Type, message));
        }
    };
    match info.site() {
        Some(site) if site.language == "lua" => Ok(driver),
        _ => Err(Error::new(Code::Unsupported, "task.spawn: opts key 'driver' is for Lua alone: leave it out")),
    }
}

/// The third argument of `with_timeout`.
#[derive(Debug)]
pub(crate) struct TimeoutOptions {
    pub(crate) grace: Duration,
}

impl TimeoutOptions {
    pub(crate) fn read(options: Option<View<'_>>, grace: Duration) -> Result<TimeoutOptions> {
        let mut read = TimeoutOptions { grace };
        for (key, value) in pairs("task.with_timeout", options, "'grace_ms'")? {
            match key.as_str() {
                "grace_ms" => read.grace = Milliseconds::read("task.with_timeout", "grace_ms", value)?.duration,
                other => return Err(unknown("task.with_timeout", other, "'grace_ms'")),
            }
        }
        Ok(read)
    }
}

fn unknown(native: &str, key: &str, expected: &str) -> Error {
    Error::new(Code::Type, format!("{native}: unknown opts key '{key}' (expected {expected})"))
}

fn pairs<'a>(native: &str, options: Option<View<'a>>, expected: &str) -> Result<Vec<(String, View<'a>)>> {
    let Some(options) = options.filter(|it| !it.is_nil()) else { return Ok(Vec::new()) };
    let Some(map) = options.as_aggregate() else {
        let found = options.kind().name();
        return Err(Error::new(Code::Type, format!("{native}: 'opts': wanted a map with {expected}, got {found}")));
    };
    if map.list_len() > 0 {
        return Err(unknown(native, "1", expected));
    }
    let key = |key: View<'_>| key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned);
    Ok(map.pairs().map(|pair| (key(pair.key), pair.value)).collect())
}

fn text(native: &str, key: &str, value: View<'_>) -> Result<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| {
        Error::new(Code::Type, format!("{native}: opts key '{key}': wanted string, got {}", value.kind().name()))
    })
}

/// The arguments of `scope`: a function, with or without a name before it.
pub(crate) struct ScopeArgs {
    pub(crate) name: Option<String>,
    pub(crate) function: Callable,
}

impl ScopeArgs {
    pub(crate) fn read(args: Args<'_>) -> Result<ScopeArgs> {
        let wrong = |message: &str| Err(Error::new(Code::Type, message));
        let first = args.get(0);
        if args.is_empty() {
            return wrong("task.scope requires at least a function");
        }
        if args.len() > 2 {
            return Err(Error::new(Code::Arity, format!("task.scope: takes at most 2 arguments, got {}", args.len())));
        }
        match (first.as_callable(), first.as_str()) {
            (Some(function), _) if args.len() == 1 => Ok(ScopeArgs { name: None, function: function.clone() }),
            (Some(_), _) => wrong("task.scope: first argument must be a function or a name string"),
            (None, Some(name)) => match args.get(1).as_callable() {
                Some(function) => Ok(ScopeArgs { name: Some(name.to_owned()), function: function.clone() }),
                None => wrong("task.scope: second argument must be a function"),
            },
            (None, None) => wrong("task.scope: first argument must be a function or a name string"),
        }
    }
}
