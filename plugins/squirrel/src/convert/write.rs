//! Values into Squirrel.

use calog_plugin_api::{AggregateView, Kind, Result, Shape, View};

use super::{reserve, unsupported};
use crate::core::Core;
use crate::ffi::Stack;
use crate::{functions, objects};

/// Pushes what a view shows, onto any stack.
///
/// # Errors
/// `unsupported` when a pair's key meets the list part, `limit` when there is no room.
pub(crate) fn push(core: &Core, stack: Stack, view: View<'_>) -> Result<()> {
    if push_plain(stack, view) {
        return Ok(());
    }
    push_main(core, view)?;
    if stack != core.main {
        stack.copy_from(core.main, -1);
        core.main.pop(1);
    }
    Ok(())
}

/// Pushes what a view shows onto the main stack; errors as [`push`].
pub(crate) fn push_main(core: &Core, view: View<'_>) -> Result<()> {
    let top = core.main.top();
    push_any(core, view).inspect_err(|_| core.main.set_top(top))
}

fn push_plain(stack: Stack, view: View<'_>) -> bool {
    match view.kind() {
        Kind::Nil => stack.null(),
        Kind::Bool => stack.bool(view.as_bool() == Some(true)),
        Kind::Int => stack.int(view.as_int().unwrap_or_default()),
        Kind::Real => stack.real(view.as_real().unwrap_or_default()),
        Kind::String => stack.bytes_of(view.as_bytes().unwrap_or_default()),
        Kind::Aggregate | Kind::Callable | Kind::Object => return false,
    }
    true
}

fn push_any(core: &Core, view: View<'_>) -> Result<()> {
    reserve(core.main)?;
    if let Some(aggregate) = view.as_aggregate() {
        return push_aggregate(core, aggregate);
    }
    if let Some(callable) = view.as_callable() {
        functions::push(core, callable);
    } else if let Some(object) = view.as_object() {
        objects::push(core, object);
    } else {
        push_plain(core.main, view);
    }
    Ok(())
}

fn push_aggregate(core: &Core, aggregate: AggregateView<'_>) -> Result<()> {
    if aggregate.shape() == Shape::List && aggregate.pair_len() == 0 {
        return push_list(core, aggregate);
    }
    push_table(core, aggregate)
}

fn push_list(core: &Core, list: AggregateView<'_>) -> Result<()> {
    let main = core.main;
    main.array(list.list_len() as i64);
    for (place, element) in (0..).zip(list.elements()) {
        main.int(place);
        push_any(core, element)?;
        main.raw_set(-3);
    }
    Ok(())
}

/// A map, with its list part under 0, 1, ...
fn push_table(core: &Core, map: AggregateView<'_>) -> Result<()> {
    let main = core.main;
    let listed = map.list_len() as i64;
    main.table(listed.saturating_add(map.pair_len() as i64));
    for (place, element) in (0..).zip(map.elements()) {
        main.int(place);
        push_any(core, element)?;
        main.raw_set(-3);
    }
    for pair in map.pairs() {
        if let Some(number) = pair.key.as_int()
            && (0..listed).contains(&number)
            && !core.lenient()
        {
            return Err(unsupported(format!(
                "the key {number} is also a place of the list part, and Squirrel has one table"
            )));
        }
        push_any(core, pair.key)?;
        push_any(core, pair.value)?;
        main.raw_set(-3);
    }
    Ok(())
}
