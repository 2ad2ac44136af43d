//! scratch
use super::mock::open;
use std::collections::HashMap;
use std::time::Instant;

const SCRIPT: &str = r##"
    local add, id, n = ADD, ID, ...
    local s = ("x"):rep(32)
    local list, map = {}, {}
    for i = 1, 100 do list[i] = i end
    for i = 1, 20 do map["key" .. i] = i end
    return {
        add = function() for i = 1, 1000000 do add(i, 2) end end,
        str = function() for i = 1, 1000000 do STR(s) end end,
        list = function() for i = 1, 30000 do LIST(list) end end,
        map = function() for i = 1, 30000 do MAP(map) end end,
    }
"##;

#[test]
#[ignore]
fn bench() {
    let opened = open();
    let code = SCRIPT
        .replace("ADD", "test.add")
        .replace("ID", "test.id")
        .replace("STR", "test.text")
        .replace("LIST", "test.id")
        .replace("MAP", "test.id");
    let code2 = SCRIPT
        .replace("ADD", "test.add")
        .replace("ID", "test.id")
        .replace("STR", "test.text")
        .replace("LIST", "test.list")
        .replace("MAP", "test.map");
    let ours = opened.run(&code).unwrap();
    let typed = opened.run(&code2).unwrap();
    let lua = mlua::Lua::new();
    let g = lua.globals();
    g.set("add", lua.create_function(|_, (a, b): (i64, i64)| Ok(a + b)).unwrap()).unwrap();
    g.set("str", lua.create_function(|_, s: mlua::BString| Ok(s)).unwrap()).unwrap();
    g.set("list", lua.create_function(|_, s: Vec<i64>| Ok(s)).unwrap()).unwrap();
    g.set("map", lua.create_function(|_, s: HashMap<String, i64>| Ok(s)).unwrap()).unwrap();
    g.set("id", 1).unwrap();
    let code = SCRIPT
        .replace("ADD", "add")
        .replace("ID", "id")
        .replace("STR", "str")
        .replace("LIST", "list")
        .replace("MAP", "map(map) --");
    let code = code.replace("map(map) --(map)", "mapf(map)");
    g.set("mapf", g.get::<mlua::Function>("map").unwrap()).unwrap();
    let code = code.replace("for i = 1, 30000 do list(list)", "for i = 1, 30000 do listf(list)");
    g.set("listf", g.get::<mlua::Function>("list").unwrap()).unwrap();
    let reference: mlua::Table = lua.load(&code).eval().unwrap();
    for (name, count) in [("add", 1000000), ("str", 1000000), ("list", 30000), ("map", 30000)] {
        if std::env::var("ONLY").is_ok_and(|it| it != name) {
            continue;
        }
        let best = |f: &mut dyn FnMut()| {
            (0..9)
                .map(|_| {
                    let t = Instant::now();
                    f();
                    t.elapsed().as_nanos() as f64 / count as f64
                })
                .fold(f64::MAX, f64::min)
        };
        let fo = ours.view().field(name).to_value();
        let ft = typed.view().field(name).to_value();
        let a = best(&mut || {
            opened.call(&fo, &[]).unwrap();
        });
        let t = best(&mut || {
            opened.call(&ft, &[]).unwrap();
        });
        let f: mlua::Function = reference.get(name).unwrap();
        let b = best(&mut || {
            f.call::<()>(()).unwrap();
        });
        println!("{name}: any {a:.1} ns, typed {t:.1} ns, mlua {b:.1} ns, ratio {:.2} / {:.2}", a / b, t / b);
    }
}
