//! Memory that is refused at one request after another of an interpreter's whole life: always an error,
//! or it gets by; never a panic, and nothing that ends the process.

#[path = "../tests/world/mod.rs"]
mod world;

use std::sync::{Arc, Mutex};

use calog_plugin_api::Native;
use calog_plugin_api::prelude::*;

use crate::ffi::{Refusal, requests};
use world::{World, foreign, native, slow_native};

/// Strings, objects, functions both ways, natives, errors, promises, generators, modules of a file's own.
const SCRIPT: &str = r#"
    const kept = []
    function builtins(text, i) {
        const bytes = new TextEncoder().encode(text)
        new TextDecoder().decode(bytes)
        const copy = new Uint16Array(bytes).slice(2).map(x => x + 1).toReversed()
        const { a, ...rest } = { a: copy, b: [...bytes.subarray(0, 9)], c: { ...[1, 2] }, [text]: i }
        const set = new Set(Object.keys(rest)).add(Symbol(text)).add(new Date(i * 1e9).toISOString())
        for (const [index, value] of [...set].entries()) rest[index] = value
        const proxy = new Proxy(rest, { get: (it, key) => Reflect.get(it, key) ?? text })
        text.split(' ').flatMap(x => [x, proxy[x]]).sort().join('-').padEnd(500, '*').normalize('NFD')
        class Base { static count = 0; #own = [i]; constructor(x) { this.x = x } get own() { return this.#own } }
        class Derived extends Base { constructor(...args) { super(...args); Base.count++ } toString() { return `<${this.x}>` } }
        Object.freeze(structuredCloned([new Derived(text), `${new Derived(i)}`, new WeakMap([[rest, i]]), new WeakRef(rest)]))
        text.match(/(?<word>\w+) (\d+)/g)?.map(x => x.toUpperCase())
        Object.groupBy([1, 2, 3], x => x % 2 ? 'odd' : text)
        new Error(text, { cause: new AggregateError([1, 2], text) }).stack
        Object.defineProperties({}, Object.getOwnPropertyDescriptors(Base.prototype))
        return (2n ** 200n).toString() + (0.1 + i).toFixed(30) + JSON.stringify(rest, null, 2) + [1, [2, [3]]].flat(9)
    }
    const structuredCloned = value => Array.isArray(value) ? value.map(structuredCloned) : value
    export async function work(other, n) {
        for (let i = 1; i <= n; i++) {
            let text = `item ${i} `.repeat(20)
            const item = { text, list: [i, i + 0.5, text], f: x => x + i, map: new Map([[text, i]]), n: 10n ** 18n }
            kept.push(item)
            other(item.f, { text, list: item.list, map: item.map, bytes: new Uint8Array(100) })
            try { test.fail(text) } catch (error) { text += String(error?.message) + error?.stack }
            text += await test.slow(text)
            try { await test.slow('fail') } catch (error) { text += String(error) }
            const steps = (function* (a) { const b = yield a + text; return b + a })('one')
            text = steps.next().value + steps.next('two').value
            text = text.replace(/\d/g, digit => digit + digit) + item.list.join()
            item.list.sort((a, b) => String(a) < String(b) ? -1 : 1)
            JSON.parse(JSON.stringify(item.list))
            new Function('a', 'b', `return { a, b: [${i}, a => { for (const x of [1, 2]) if (x > ${i}) return x }] }`)(1, 2)
            eval(`class Evaluated${i} { #x = 1; get x() { return this.#x } }; new Evaluated${i}().x`)
            await Promise.all([1, 2].map(async x => x + i))
            builtins(text, i)
        }
        console.log('done', kept.length)
        return { count: kept.length, f: () => n, data: [{ n }, 'x'.repeat(1000)] }
    }
"#;

/// Where the world is put that finishes the waits of `test.slow`.
type Place = Arc<Mutex<Option<Arc<world::Shared>>>>;

fn natives() -> (Vec<(&'static str, Native)>, Place) {
    let (slow, place) = slow_native(Descriptor::WAITS);
    let fail = native(0, |_info, args| {
        let text = args.get(0).as_str().unwrap_or_default().to_owned();
        Outcome::Failed(Error::new(Code::Io, text).with_thrown(args.get(0).to_value()))
    });
    (vec![("test.slow", slow), ("test.fail", fail)], place)
}

/// A whole life, with a refusal from where it is opened on, or from where it is open.
fn live(refusal: Refusal, opening: bool) -> (Result<Value>, u64) {
    let (natives, place) = natives();
    if opening {
        refusal.set();
    }
    let lived = World::try_with_options(natives, Value::map([("name", "test")]).expect("a map")).and_then(|world| {
        *place.lock().expect("one thread") = Some(world.shared.clone());
        // So that the compiler is left alone, as it is wherever there is a limit.
        let is_limited = world.handle().set_memory_limit(1 << 40);
        if !opening {
            refusal.set();
        }
        let lived = if is_limited { work(&world) } else { Err(Error::new(Code::Limit, "no memory for a limit")) };
        world.pump();
        world.shared.forget();
        *place.lock().expect("one thread") = None;
        lived
    });
    let made = requests();
    Refusal::Never.set();
    (lived, made)
}

fn work(world: &World) -> Result<Value> {
    let exports = world.load(SCRIPT)?;
    let work = exports.view().field("work").to_value();
    let other = foreign(|info, args| {
        let again = args.get(0).as_callable().expect("a function").call(info, Args::new(&[View::int(1)]));
        match again.settled() {
            Ok(Ok(_)) => Outcome::Ready(args.get(1).to_value()),
            Ok(Err(error)) => Outcome::Failed(error),
            Err(_) => Outcome::Failed(Error::new(Code::Script, "it waits")),
        }
    });
    world.call(&work, &[Value::Callable(other), 1.into()])
}

/// Every request is refused once, alone or with all after it. What each comes to, and how many there are.
fn sweep(opening: bool, check: impl Fn(Refusal, Result<Value>)) -> u64 {
    let mut most = 0;
    for refusal in [Refusal::Only as fn(u64) -> Refusal, Refusal::From] {
        for number in 0.. {
            let (lived, made) = live(refusal(number), opening);
            check(refusal(number), lived);
            most = most.max(made);
            if made <= number {
                break;
            }
        }
    }
    most
}

#[test]
fn whichever_request_is_refused_there_is_an_error() {
    let (all, _) = live(Refusal::Never, false);
    assert_eq!(all.expect("nothing is refused").view().field("count").as_int(), Some(1));
    let requests = sweep(false, |refusal, lived| {
        let known = lived.as_ref().map_or_else(|error| [Code::Limit, Code::Script].contains(&error.code()), |_| true);
        assert!(known, "{refusal:?}: {lived:?}");
    });
    assert!(requests > 100, "only {requests} requests");
}

#[test]
fn where_it_cannot_be_opened_nothing_ends() {
    let requests = sweep(true, |_, _| ());
    assert!(requests > 150, "only {requests} requests");
}
