//! Objects and modules.

use calog_plugin_api::Context;

use super::{Opened, check};

#[test]
fn objects_have_methods_and_properties() {
    check(
        r##"
        local c = test.counter()
        same(c.add(2), 2); same(c.add(3), 5); same(c.count, 5)
        local add = c.add
        same(add(1), 6)
        same(test.call(c.add, 1), 7)
        c.count = 9
        same(c.count, 9)
        same(c.tostring(), "<Counter at 9>")
        same("" + c, "<Counter at 9>")
        same(typeof c, "object")
        same(test.id(c), c)
        same(test.id([c])[0], c)
        same(c.same(1, 2), 2)
        if (test.counter() == c) throw "the same"
        refused("not_found", "other", function() { c.other = 1 })
        local e = null
        try { c.nothing } catch (caught) { e = caught }
        same(e, "the index 'nothing' does not exist")
        same("add" in c, false)
        "##,
    );
}

#[test]
fn objects_cannot_be_made_or_copied_by_scripts() {
    check(
        r##"
        local c = test.counter()
        local thrown = 0
        try { clone c } catch (e) { thrown++ }
        local Object = c.getclass()
        local fake = Object()
        try { fake.count } catch (e) { thrown++ }
        try { fake.tostring() } catch (e) { thrown++ }
        try { test.id(fake) } catch (e) { thrown++ }
        class Own extends Object {}
        try { Own().count } catch (e) { thrown++ }
        same(thrown, 5)
        "##,
    );
}

#[test]
fn modules_bind_on_first_use() {
    check(
        r##"
        same("add" in test, false)
        same(test.add, test.add)
        same(test.rawin("add"), true)
        same(test.inner.deep(), "deep")
        local e = null
        try { test.nothing } catch (caught) { e = caught }
        same(e, "the index 'nothing' does not exist")
        same(string.shout("x"), "X")
        test.mine <- 1
        same(test.mine, 1)
        // A name that each table has of itself.
        same(test.filter(3), "filtered 3")
        "##,
    );
}

#[test]
fn an_idle_context_is_small() {
    let opened = Opened::new();
    assert!(opened.context.memory_used() < 128 * 1024, "{} bytes", opened.context.memory_used());
}
