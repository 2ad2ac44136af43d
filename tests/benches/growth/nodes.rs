//! Data: lists of maps of five fields, handed from Lua to JavaScript, by nodes.

use calog::{Open, Value};

use crate::series::Series;
use crate::stage::{best, builder, function, int, open, runtime, timed};

const SIZES: [u64; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// Nodes in a round, at least.
const NODES: u64 = 20_000;

/// Of a map: itself and its fields.
const MAP: u64 = 6;

const GIVER: &str = "
    local records
    return {
        make = function(n)
            records = {}
            for i = 1, n do records[i] = { id = i, name = 'n' .. i, ok = true, x = i * 0.5, y = i * 0.25 } end
        end,
        give = function(f, n) for i = 1, n do f(records) end end,
    }
";

const TAKER: &str = "export function take(records) { return records.length }";

/// For each node.
pub(crate) fn handed_over() -> Series {
    let runtime = runtime(builder());
    let lua = open(&runtime, Open::source("lua", GIVER).thread("shared"));
    let javascript = open(&runtime, Open::source("javascript", TAKER).thread("shared"));
    let take = Value::Callable(function(&javascript, "take"));
    Series::measure("a node of an aggregate of so many, Lua to JavaScript", &SIZES, |size| {
        let (maps, times) = ((size / MAP).max(1), (NODES / size).max(1));
        timed(&runtime, &lua, "make", &[int(maps)]);
        best((maps * MAP + 1) * times, || timed(&runtime, &lua, "give", &[take.clone(), int(times)]))
    })
}
