//! Who comes before whom: what `after` and `before` say, then the priority, then the name.
//!
//! Among those whom nobody holds back any more, the one of the lowest priority is next, and of these the
//! one whose name is first. So the order is the same whoever was registered first.

use std::collections::{BTreeSet, HashMap};

use super::Error;

/// One that is to be put in order.
pub(super) struct Place<'a> {
    pub(super) name: &'a str,
    pub(super) priority: u8,
    pub(super) after: Vec<String>,
    pub(super) before: Vec<String>,
}

/// Their order, by their numbers.
///
/// # Errors
/// When some come after each other in a circle.
pub(super) fn order(places: &[Place<'_>]) -> Result<Vec<usize>, Error> {
    let earlier = earlier(places);
    let mut left: Vec<usize> = earlier.iter().map(BTreeSet::len).collect();
    let key = |at: usize| (places[at].priority, places[at].name, at);
    let mut free: BTreeSet<_> = (0..places.len()).filter(|&at| left[at] == 0).map(key).collect();
    let mut order = Vec::with_capacity(places.len());
    while let Some((.., next)) = free.pop_first() {
        order.push(next);
        for later in (0..places.len()).filter(|&later| earlier[later].contains(&next)) {
            left[later] -= 1;
            if left[later] == 0 {
                free.insert(key(later));
            }
        }
    }
    if order.len() == places.len() { Ok(order) } else { Err(circle(places, &earlier, &order)) }
}

/// For each the numbers of those that come before it. Names that nobody has do not matter.
fn earlier(places: &[Place<'_>]) -> Vec<BTreeSet<usize>> {
    let numbers: HashMap<&str, usize> = places.iter().enumerate().map(|(at, place)| (place.name, at)).collect();
    let mut earlier = vec![BTreeSet::new(); places.len()];
    for (at, place) in places.iter().enumerate() {
        earlier[at].extend(place.after.iter().filter_map(|name| numbers.get(&**name)));
        for later in place.before.iter().filter_map(|name| numbers.get(&**name)) {
            earlier[*later].insert(at);
        }
    }
    earlier
}

/// A circle among those that could not be put in order: each of them comes after another such.
fn circle(places: &[Place<'_>], earlier: &[BTreeSet<usize>], done: &[usize]) -> Error {
    let stuck = |at: &usize| !done.contains(at);
    let by_name = |at: &usize| places[*at].name;
    let mut way: Vec<usize> = (0..places.len()).filter(stuck).min_by_key(by_name).into_iter().collect();
    loop {
        let next = way.last().and_then(|at| earlier[*at].iter().copied().filter(stuck).min_by_key(by_name));
        let known = next.and_then(|next| way.iter().position(|at| *at == next));
        // There always is a next one; if there were not, what was found so far is all that is known.
        if known.is_some() || next.is_none() {
            let names = way[known.unwrap_or(0)..].iter().chain(&next).map(|at| places[*at].name.to_owned());
            return Error::Cycle(names.collect());
        }
        way.extend(next);
    }
}
