//! What is bounded: recursion, nesting, sizes, time.

use std::sync::atomic::Ordering;

use calog_plugin_api::mock::printed;
use calog_plugin_api::prelude::*;

use super::Opened;

fn prints(code: &str) -> String {
    let opened = Opened::new();
    printed();
    if let Err(error) = opened.run(code) {
        return format!("{}!{}: {}", printed(), error.code(), error.message());
    }
    printed()
}

#[test]
fn recursion_without_end_is_an_error_that_can_be_caught() {
    assert_eq!(prints("DEF f(n)\nRETURN f(n + 1)\nENDDEF\nf(0)"), "!depth: too many calls are open");
    let caught = "DEF f(n)\nRETURN f(n + 1)\nENDDEF\nFOR i = 1 TO 3\nTRY\nf(0)\nCATCH e\nPRINT e.code\nENDTRY\nNEXT";
    assert_eq!(prints(caught), "depthdepthdepth");
    assert_eq!(prints("f = LAMBDA (x) (RETURN f(x))\nf(1)"), "!depth: too many calls are open");
    assert_eq!(prints("a:\nGOSUB a"), "!depth: too many GOSUBs are open");
    assert_eq!(prints("TRY\na:\nGOSUB a\nCATCH e\nPRINT e.code\nENDTRY"), "depth");
    let class = "CLASS c\nDEF hash()\nRETURN 1\nENDDEF\nDEF compare(o)\nSORT(LIST(ME, o))\nRETURN 0\nENDDEF\nENDCLASS\nSORT(LIST(NEW(c), NEW(c)))";
    assert!(prints(class).starts_with("!depth: "), "{}", prints(class));
    assert_eq!(prints("f = LAMBDA () (RETURN test.call(f))\nTRY\nf()\nCATCH e\nPRINT e.code\nENDTRY"), "depth");
}

#[test]
fn endless_loops_stop_when_they_are_told_to() {
    for code in [
        "test.stop()\nWHILE 1\nWEND",
        "test.stop()\nDO\nUNTIL 0",
        "test.stop()\na: GOTO a",
        "test.stop()\nFOR i = 1 TO 2 STEP 0\nNEXT",
        "test.stop()\nFOR i = 1 TO 1e18\nNEXT",
        "test.stop()\na:\nGOSUB b\nb:\nGOTO a",
        "WHILE 1\nTRY\ntest.stop()\nWHILE 1\nWEND\nCATCH e\nENDTRY\nWEND",
        "TRY\nDEF f()\nRETURN f()\nENDDEF\nWHILE 1\nTRY\ntest.stop()\nf()\nCATCH e\nENDTRY\nWEND\nCATCH e\nENDTRY",
        "DEF f()\nFOR x IN LIST(1 TO 1000000000000)\nNEXT\nENDDEF\ntest.stop()\nf()",
        "f = LAMBDA () (WHILE 1 : WEND)\ntest.stop()\ntest.call(f)",
        // Nor is an error that is no longer caught what the program ends with.
        "TRY\ntest.stop()\nRAISE(\"caught\")\nCATCH e\nENDTRY",
    ] {
        let opened = Opened::new();
        let error = opened.run(code).expect_err("it was stopped");
        assert_eq!(error.code(), Code::Cancelled, "{code}: {error:?}");
        // The context itself goes on.
        opened.stop.store(0, Ordering::Relaxed);
        assert_eq!(opened.load(SourceMode::Eval, "e", "", "1 + 1"), Ok(Value::Int(2)), "{code}");
    }
}

#[test]
fn what_a_program_has_no_name_for_is_let_go() {
    let opened = Opened::new();
    opened.run("DEF big()\nVAR l = LIST()\nFOR i = 1 TO 1000\nPUSH(l, i)\nNEXT\nRETURN l\nENDDEF").expect("a program");
    let before = opened.context.memory_used();
    for code in [
        "big()",
        "PRINT LEN(big())",
        "IF big() THEN END",
        "FOR x IN big()\nEXIT\nNEXT",
        "FOR x IN big()\nEND\nNEXT",
        "TRY\nRAISE(big())\nCATCH\nENDTRY",
        "PUSH(big(), SQR(\"\"))",
        "CLASS c\nVAR n = 0\nENDCLASS\nx = NEW(c)\nx.n = LEN(big())",
        "f = LAMBDA (l) (END)\nf(big())",
        "x = test.later(big())\nx = 0",
    ] {
        let _ = opened.run(code);
        let more = opened.context.memory_used() - before;
        assert!(more < 8000, "{code}: {more} bytes more");
    }
    let mut code = "before = MEM\n".to_owned();
    code += "big()\nPUSH(big(), 1)\nCALL big()\nPRINT MEM - before < 8000";
    assert_eq!(
        {
            printed();
            opened.run(&code).map(|_| printed())
        },
        Ok("1".into()),
        "nor while it runs"
    );
}

#[test]
fn texts_nest_to_a_bound() {
    for code in [
        format!("x = {}1{}", "(".repeat(5000), ")".repeat(5000)),
        format!("x = {}1", "-".repeat(5000)),
        format!("x = {}1", "NOT ".repeat(5000)),
        "IF 1 THEN\n".repeat(5000),
        "FOR i = 1 TO 2 : ".repeat(5000),
        "IF 1 THEN ".repeat(5000),
        format!("x = {}", "LAMBDA () (RETURN ".repeat(5000)),
        format!("x = {}", "LIST(".repeat(5000)),
        "TRY\n".repeat(5000),
    ] {
        let got = prints(&code);
        assert!(got.contains("Too many nested"), "{}: {got}", &code[..20]);
    }
    // What merely is long does not nest.
    assert_eq!(prints(&format!("x = 0{}\nPRINT x", " + 1".repeat(20_000))), "20000");
    assert_eq!(prints(&"x = x + 1\n".repeat(20_000)), "");
    assert_eq!(prints(&format!("l = LIST()\nPUSH(l, l)\nPRINT LEN(l{})", "(0)".repeat(5_000))), "1");
    let arms: String = (0..2_000).map(|it| format!("ELSEIF x = {it} THEN\nPRINT {it}\n")).collect();
    assert_eq!(prints(&format!("x = 1999\nIF 0 THEN\n{arms}ENDIF")), "1999");
}

#[test]
fn nested_brackets_up_to_the_bound_are_fine() {
    let code = format!("PRINT {}1{}", "(".repeat(90), ")".repeat(90));
    assert_eq!(prints(&code), "1");
}

#[test]
fn sizes_are_bounded() {
    for (code, wanted) in [
        ("DIM a(1000000, 1000000)", "!script: Out of memory (error 12)"),
        ("l = LIST(1 TO 1000000000000)\nPUSH(l, 1)", "!script: Out of memory (error 12)"),
        ("l = LIST(1 TO 1000000000000)\nx = TO_ARRAY(l)", "!script: Out of memory (error 12)"),
        ("l = LIST(-9223372036854775808 TO 9223372036854775807)", "!script: Index out of bound (error 20)"),
        ("l = LIST(0 TO 9223372036854775806)\nPRINT LEN(l), EXISTS(l, 5)", "92233720368547758071"),
    ] {
        assert_eq!(prints(code), wanted, "{code}");
    }
    let many: String = (0..70_000).map(|it| format!("v{it} = 1\n")).collect();
    assert!(prints(&many).contains("Program too long"));
}
