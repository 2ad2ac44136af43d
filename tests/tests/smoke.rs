//! The shortest way through everything: two languages call each other.

use calog::Value;
use calog_tests::World;

#[test]
fn lua_and_javascript_call_each_other() {
    let world = World::new();
    let js = world.open("adder.js", "export function add(a, b) { return a + b }");
    assert_eq!(world.call(&js, "add", &[1.into(), 2.into()]), Ok(Value::Int(3)));
    world.write("doubler.lua", "return { double = function(x) return x * 2 end }");
    let lua = world.open(
        "main.lua",
        "local adder = calog.import('adder')
         local doubler = calog.import('doubler')
         print('hello', adder.add(1, 2))
         return { both = function(x) return adder.add(doubler.double(x), 1) end }",
    );
    assert_eq!(world.call(&lua, "both", &[20.into()]), Ok(Value::Int(41)));
    assert_eq!(world.output.text(), "hello\t3\n");
}
