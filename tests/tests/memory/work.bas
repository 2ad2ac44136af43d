' Strings, lists, functions across, natives, errors, waits. Its twins lie beside it.
kept = LIST()
DEF work(ask, n)
    VAR i, j, text, item
    FOR i = 1 TO n
        text = ""
        FOR j = 1 TO 20
            text = text + "item " + STR(i) + " "
        NEXT
        item = DICT("text", text, "list", LIST(i, i + 0.5, text), "f", LAMBDA (x) (RETURN x + 1))
        PUSH(kept, item)
        ask(item("f"), DICT("text", text, "list", item("list")), i)
        TRY
            ask()
        CATCH e
            text = text + e.message
        ENDTRY
        gate.later(text)
        SORT(LIST(3, 2, i))
    NEXT
    text = "x"
    WHILE LEN(text) < 100000 : text = text + text : WEND
    VAR count = LEN(kept)
    kept = LIST()
    RETURN DICT("count", count, "f", LAMBDA () (RETURN n))
ENDDEF
calog.export("work", work)
