//! How long a script's call of a native takes, against rquickjs's typed functions: P3 of the
//! performance goals, to be run with `--release -- --ignored --nocapture` on a quiet machine.

mod world;

use std::collections::HashMap;
use std::time::Instant;

use calog_plugin_api::Function;
use calog_plugin_api::prelude::*;
use rquickjs::{Context as JsContext, Function as JsFunction, Runtime};
use world::{World, native};

/// Calls in one measurement, and how often it is repeated; the best counts.
const CALLS: i64 = 20_000;
const ROUNDS: usize = 25;

const LOOP: &str = "(f, a, b, n) => { for (let i = 0; i < n; i++) f(a, b); return n }";

fn best(mut run: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_nanos() as f64 / CALLS as f64);
    }
    best
}

fn theirs(make: &str, arguments: &str) -> f64 {
    let runtime = Runtime::new().unwrap();
    let context = JsContext::full(&runtime).unwrap();
    context.with(|ctx| {
        let function = match make {
            "add" => JsFunction::new(ctx.clone(), |a: i64, b: i64| a + b),
            "string" => JsFunction::new(ctx.clone(), |text: String| text),
            "list" => JsFunction::new(ctx.clone(), |list: Vec<i32>| list),
            _ => JsFunction::new(ctx.clone(), |map: HashMap<String, i32>| map),
        };
        ctx.globals().set("f", function.unwrap()).unwrap();
        let code = format!("let [a, b] = {arguments}; let run = {LOOP}; (n) => run(f, a, b, n)");
        let run: JsFunction<'_> = ctx.eval(code).unwrap();
        best(|| {
            run.call::<_, i64>((CALLS,)).unwrap();
        })
    })
}

fn ours(make: &str, arguments: &str) -> f64 {
    let native = match make {
        "add" => Function::new("f", |a: i64, b: i64| a + b).build().unwrap(),
        "string" => native(0, |_info, args| Outcome::Ready(args.get(0).to_value())),
        _ => native(0, |_info, args| Outcome::Ready(args.get(0).to_value())),
    };
    let world = World::new(vec![("f", native)]);
    let run = world.eval(&format!("let [a, b] = {arguments}; let run = {LOOP}; (n) => run(f, a, b, n)")).unwrap();
    best(|| {
        world.call(&run, &[Value::Int(CALLS)]).unwrap();
    })
}

#[test]
#[ignore = "a measurement, for a quiet machine and a release build"]
fn natives() {
    let cases = [
        ("add", "[1, 2]"),
        ("string", "['x'.repeat(32), 0]"),
        ("list", "[Array.from({length: 100}, (_, i) => i), 0]"),
        ("map", "[Object.fromEntries(Array.from({length: 20}, (_, i) => ['key' + i, i])), 0]"),
    ];
    let only = std::env::var("SPEED_CASE").unwrap_or_default();
    for (make, arguments) in cases.into_iter().filter(|(make, _)| make.contains(&only)) {
        let (theirs, ours) = (theirs(make, arguments), ours(make, arguments));
        println!("{make:8} ours {ours:8.1} ns, typed rquickjs {theirs:8.1} ns, ratio {:.2}, goal 0.75", ours / theirs);
    }
}
