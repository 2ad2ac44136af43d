//! Errors as programs catch them.

use super::check;
use crate::tests::Opened;

#[test]
fn errors_can_be_caught() {
    check(&[
        (
            "TRY\nx = \"a\" + 1\nPRINT 0\nCATCH e\nPRINT e(\"code\"), \" \", e(\"message\"), \" \", e(\"file\"), \" \", e(\"row\"), \":\", e(\"col\")\nENDTRY\nPRINT \" on\"",
            "18 String expected main.bas 2:9 on",
        ),
        ("TRY\nPRINT 1\nCATCH e\nPRINT 2\nENDTRY", "1"),
        ("TRY\nx = SQR(\"\")\nCATCH\nPRINT 2\nENDTRY", "2"),
        ("TRY\nx = SQR(\"\")\nENDTRY\nPRINT 3", "3"),
        ("TRY : x = SQR(\"\") : CATCH e : PRINT e.code : ENDTRY", "17"),
        ("DEF f()\nRETURN SQR(\"\")\nENDDEF\nTRY\nf()\nCATCH e\nPRINT e.row, e.col\nENDTRY", "28"),
        ("TRY\nTRY\nx = SQR(\"\")\nCATCH e\nPRINT 1\ny = LEFT(\"\", 1)\nENDTRY\nCATCH e\nPRINT e.code\nENDTRY", "120"),
        ("FOR i = 1 TO 3\nTRY\nIF i = 2 THEN x = SQR(\"\")\nPRINT i\nCATCH e\nPRINT \"x\"\nENDTRY\nNEXT", "1x3"),
        ("FOR i = 1 TO 3\nTRY\nEXIT\nCATCH e\nENDTRY\nNEXT\nx = SQR(\"\")", "!17 Number expected @7:5"),
        ("DEF f()\nTRY\nRETURN 1\nCATCH e\nENDTRY\nENDDEF\nPRINT f()", "1"),
        ("TRY\nGOSUB s\nCATCH e\nPRINT e.code\nENDTRY\nEND\ns:\nx = SQR(\"\")\nRETURN", "17"),
        ("GOSUB s\nPRINT 2\nEND\ns:\nTRY\nx = SQR(\"\")\nCATCH\nPRINT 1\nENDTRY\nRETURN", "12"),
        ("TRY\nRAISE(\"oops\")\nCATCH e\nPRINT e.code, \" \", e.message\nENDTRY", "script oops"),
        ("TRY\nRAISE(\"far\", \"range\")\nCATCH e\nPRINT e.code, \" \", e.message\nENDTRY", "range far"),
        ("TRY\nRAISE(20)\nCATCH e\nPRINT e.code, \" \", e.message\nENDTRY", "20 Index out of bound"),
        (
            "TRY\nTRY\nx = SQR(\"\")\nCATCH e\nRAISE(e)\nENDTRY\nCATCH e\nPRINT e.code, e.message, e.row\nENDTRY",
            "17Number expected5",
        ),
        (
            "TRY\nRAISE(DICT(\"answer\", 42, \"code\", \"range\"))\nCATCH e\nPRINT e.answer, e.code, e.message, e.row\nENDTRY",
            "42rangea DICT was raised2",
        ),
        ("RAISE(\"done\", \"io\")", "!io done @1:1"),
        ("RAISE(1, \"nonsense\")", "!47 Calculation error: there is no such code @1:1"),
        ("RAISE()", "!34 Close bracket expected: RAISE @1:1"),
        ("raise = 3 : PRINT raise", "3"),
        ("TRY\nPRINT 1", "!27 Incomplete structure @2:8"),
        ("CATCH e", "!11 Syntax error @1:1"),
        ("x = LIST(1)(3)", "!21 Cannot find with the specific index @1:5"),
        ("DEF f()\nx = SQR(\"\")\nENDDEF\nf()", "!17 Number expected @2:5"),
        ("TRY\nCALL nothing()\nCATCH e\nPRINT e.code, LEN(e)\nENDTRY", "535"),
        ("f = LAMBDA () (\nTRY\nx = SQR(\"\")\nCATCH e\nRETURN e.code\nENDTRY\n)\nPRINT f()", "17"),
    ]);
}

#[test]
fn errors_whose_words_say_little_come_with_help() {
    for (code, wanted) in [
        ("later()\nDEF later()\nENDDEF", "is called with CALL"),
        ("x = later()", "is called with CALL"),
        ("PRINT 1\nNEXT", "a block that was not begun"),
        ("x = \"a\" + 1", "STR(x)"),
        ("x = 1 y = 2", "a colon between"),
        ("PRINT 1 2", "a comma"),
        ("IF x\nENDIF", "ENDIF ends the block"),
        ("CALL later()\nDEF later()\nENDDEF", "behind its DEF"),
    ] {
        let error = Opened::new().run(code).expect_err(code);
        assert!(error.help().is_some_and(|help| help.contains(wanted)), "{code}: {error:?}");
    }
    let precise = Opened::new().run("x = 5\nx.y = 1").expect_err("an integer has no members");
    assert_eq!(precise.help(), None, "{precise:?}");
}
