//! A hundred thousand timers at once, in each language: each rings once, those that are cancelled leave
//! nothing behind, however far off they were, and all of them need one thread.

use calog::{ContextRef, Runtime};
use calog_plugin_api::Value;
use calog_tests::{Footprint, LANGUAGES, Scene, resident_kib, run_alone};

/// Timers at once.
const MANY: i64 = 100_000;

/// Timers that are set and cancelled at once, and how often. Then what each leaves behind has added up.
const CANCELLED: i64 = 50_000;
const ROUNDS: usize = 3;

/// What may come on top of what the process had after the first round: some 80 bytes for each timer
/// since. An alarm that stays takes several hundred. Interpreters collect their garbage when they like,
/// and the system's allocator keeps room.
const GROWTH_KIB: u64 = 8192;

const HOUR: i64 = 3_600_000;

fn main() {
    run_alone(&[
        // First, as long as nothing that others gave back could hide what this one keeps.
        ("those_that_are_cancelled_leave_nothing_behind", those_that_are_cancelled_leave_nothing_behind),
        ("all_ring_once_and_need_one_thread", all_ring_once_and_need_one_thread),
    ]);
}

fn script(name: &str) -> &'static str {
    match name {
        "lua" => {
            "local kept, rung = {}, 0
             local function ring() rung = rung + 1 end
             return {
                 set = function(n, ms) for i = 1, n do kept[i] = timer.after(ms, function() ring() end) end end,
                 cancel = function() for _, t in ipairs(kept) do t.cancel() end kept = {} end,
                 collect = function() collectgarbage() collectgarbage() end,
                 rung = function() return rung end,
             }"
        }
        "javascript" => {
            "let kept = [], rung = 0
             export const set = (n, ms) => { for (let i = 0; i < n; i++) kept.push(setTimeout(() => { rung++ }, ms)) }
             export const cancel = () => { kept.forEach(clearTimeout); kept = [] }
             export const collect = () => null
             export const count = () => rung
             calog.export('rung', count)"
        }
        "squirrel" => {
            "local kept = [], rung = 0
             return {
                 set = function(n, ms) { for (local i = 0; i < n; i++) kept.append(timer.after(ms, function() { rung++ })) }
                 cancel = function() { foreach (t in kept) t.cancel(); kept = [] }
                 collect = function() { return null }
                 rung = function() { return rung }
             }"
        }
        _ => {
            "kept = LIST()
             rung = 0
             DEF ring()
                 rung = rung + 1
             ENDDEF
             DEF all(n, ms)
                 VAR i = 0
                 FOR i = 1 TO n
                     PUSH(kept, timer.after(ms, LAMBDA () (ring())))
                 NEXT
             ENDDEF
             DEF none()
                 VAR t = NIL
                 FOR t IN kept
                     t.cancel()
                 NEXT
                 CLEAR(kept)
             ENDDEF
             calog.export(\"set\", all)
             calog.export(\"cancel\", none)
             calog.export(\"collect\", LAMBDA () (RETURN NIL))
             calog.export(\"rung\", LAMBDA () (RETURN rung))"
        }
    }
}

fn call(runtime: &Runtime, context: &ContextRef, name: &str, args: &[Value]) -> Value {
    runtime.call_export(context, name, args).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

fn all_ring_once_and_need_one_thread() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let context = scene.script("a", language, None, script(language.name));
        let (runtime, before) = (&scene.world.runtime, Footprint::now().threads.len());
        let start = std::time::Instant::now();
        call(runtime, &context, "set", &[MANY.into(), 20.into()]);
        let set = start.elapsed();
        assert_eq!(Footprint::now().threads.len(), before + 1, "{}", language.name);
        assert_eq!(runtime.run(), calog::Ended::Idle, "{}", language.name);
        println!("{}: {MANY} set in {set:?}, rung after {:?}", language.name, start.elapsed());
        assert_eq!(call(runtime, &context, "rung", &[]), MANY.into(), "{}", language.name);
    }
}

fn those_that_are_cancelled_leave_nothing_behind() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let context = scene.script("a", language, None, script(language.name));
        let runtime = &scene.world.runtime;
        let (start, mut rounds) = (resident_kib(), Vec::new());
        for _ in 0..ROUNDS {
            call(runtime, &context, "set", &[CANCELLED.into(), HOUR.into()]);
            rounds.push(resident_kib());
            for step in ["cancel", "collect"] {
                call(runtime, &context, step, &[]);
            }
            rounds.push(resident_kib());
        }
        println!("{}: {start} KiB; with all timers and without, by rounds: {rounds:?}", language.name);
        let (first, last) = (rounds[1], rounds[2 * ROUNDS - 1]);
        assert!(last <= first + GROWTH_KIB, "{}: from {first} to {last} KiB", language.name);
        // And none of them is left to keep the program alive.
        assert_eq!(runtime.run(), calog::Ended::Idle, "{}", language.name);
    }
}
