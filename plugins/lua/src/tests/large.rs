//! Strings that Lua has no memory for.

use super::*;
use crate::ffi::refuse_from;

/// Its allocator has none for large ones.
#[test]
fn a_large_string_that_does_not_fit_is_an_error() {
    let opened = Opened::new();
    let size = opened.run("return function(s) return #s end").expect("a function");
    refuse_from(opened.context.core().main, 1 << 20);
    let large = "x".repeat(2 << 20);
    for value in
        [Value::from(&*large), Value::list([&*large]).expect("a list"), Value::map([("a", &*large)]).expect("a map")]
    {
        let error = opened.call(&size, &[value.view()]).expect_err("there is no memory for it");
        assert_eq!(
            (error.code(), &*error.message()),
            (Code::Limit, "there is no memory for a string of 2097152 bytes")
        );
    }
    assert_eq!(opened.call(&size, &[View::string(b"small")]), Ok(5.into()));
}
