//! The drivers of Lua's tasks.

use calog::plugin_api::Value;
use calog_tests::{LANGUAGES, Scene};

/// Runs this Lua function as a call: what was noted, and what came of it.
fn run(text: &str) -> (Vec<String>, Value) {
    let scene = Scene::new("lua");
    let text = format!("return {{ add = function(a, b) return a + b end, run = function() {text} end }}");
    let a = scene.script("a", &LANGUAGES[0], None, &text);
    let value = scene.world.try_call(&a, "run", &[]).unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(scene.world.errors(), []);
    (scene.gates.notes(), value)
}

fn told(text: &str) -> Vec<String> {
    run(text).0
}

#[test]
fn a_coroutine_gives_way_by_yielding() {
    let told = told(
        "task.scope(function(s)
            for _, name in ipairs { 'a', 'b' } do
                s:spawn(function()
                    for i = 1, 3 do gate.note(name .. i) coroutine.yield() end
                end, { driver = 'coroutine' })
            end
        end)",
    );
    assert_eq!(told, ["a1", "b1", "a2", "b2", "a3", "b3"]);
}

#[test]
fn a_coroutine_sleeps_by_yielding_a_time() {
    let told = told(
        "task.scope(function(s)
            s:spawn(function() coroutine.yield(60) gate.note('slow') end, { driver = 'coroutine' })
            s:spawn(function() coroutine.yield(0.5) gate.note('fast') end, { driver = 'coroutine' })
        end)
        gate.note('over')",
    );
    assert_eq!(told, ["fast", "slow", "over"]);
}

#[test]
fn a_coroutine_is_cancelled_where_it_yields() {
    let told = told(
        "task.scope(function(s)
            for _, ms in ipairs { 1e6, 0 } do
                s:spawn(function()
                    local ok, e = pcall(function()
                        while true do
                            if ms > 0 then coroutine.yield(ms) else coroutine.yield() end
                        end
                    end)
                    gate.note(e.code .. ': ' .. tostring(e))
                end, { driver = 'coroutine' })
            end
            task.yield()
            s:cancel()
        end)",
    );
    assert_eq!(told, ["cancelled: task cancelled"; 2]);
}

#[test]
fn a_coroutine_does_not_start_when_it_is_cancelled_already() {
    let told = told(
        "task.scope(function(s)
            s:cancel()
            local plain = s:spawn(function() gate.note('plain starts') end, { driver = 'async_fn' })
            local never = s:spawn(function() gate.note('never') end, { driver = 'coroutine' })
            KEPT = { plain, never }
        end)
        for _, handle in ipairs(KEPT) do
            local ok, e = pcall(handle.join)
            gate.note(ok and 'fine' or e.code .. ': ' .. tostring(e))
        end",
    );
    assert_eq!(told, ["plain starts", "fine", "cancelled: task cancelled"]);
}

#[test]
fn a_coroutine_yields_nothing_else() {
    let told = told(
        "for _, value in ipairs { 'x', true, -1, 0/0, {} } do
            local handle = task.spawn(function() coroutine.yield(value) gate.note('never') end, { driver = 'coroutine' })
            local ok, e = pcall(handle.join)
            gate.note(tostring(ok) .. ' ' .. e.code)
        end",
    );
    assert_eq!(told, ["false type", "false type", "false range", "false range", "false type"]);
}

#[test]
fn every_native_waits_under_every_driver() {
    for driver in ["async_fn", "coroutine"] {
        let (told, value) = run(&format!(
            "local opts = {{ driver = '{driver}', name = 'it' }}
            local handle = task.spawn(function()
                task.sleep(1)
                task.yield()
                task.checkpoint()
                local inner = task.spawn(function() task.sleep(1) return task.current().name end, opts)
                local own = coroutine.wrap(function() for i = 1, 2 do task.sleep(1) coroutine.yield(i) end end)
                return inner:join() .. own() .. own() .. task.scope(function(s) task.sleep(1) return 's' end)
            end, opts)
            return handle:join()"
        ));
        assert_eq!((told, value), (vec![], "it12s".into()), "{driver}");
    }
}

#[test]
fn without_the_coroutine_driver_a_task_is_none() {
    let told = told(
        "local handle = task.spawn(function() coroutine.yield() end, { driver = 'async_fn' })
        local ok, e = pcall(handle.join)
        gate.note(tostring(e))",
    );
    assert!(told[0].contains("outside a coroutine"), "{told:?}");
}

#[test]
fn what_a_coroutine_spawns_has_the_usual_driver() {
    let told = told(
        "local outer = task.spawn(function()
            local inner = task.spawn(function() coroutine.yield() end)
            local ok, e = pcall(inner.join)
            gate.note(tostring(e))
        end, { driver = 'coroutine' })
        outer:join()",
    );
    assert!(told[0].contains("outside a coroutine"), "{told:?}");
}
