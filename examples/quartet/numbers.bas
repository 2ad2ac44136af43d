' Numbers: Roman ones, shelves for words, and what the whole comes to.

DEF roman(n)
    values = LIST(10, 9, 5, 4, 1)
    signs = LIST("x", "ix", "v", "iv", "i")
    text = ""
    FOR k = 0 TO LEN(values) - 1
        WHILE n >= values(k)
            text = text + signs(k)
            n = n - values(k)
        WEND
    NEXT
    RETURN text
ENDDEF

' On which of so many shelves a word stands: by its first letter.
DEF shelf(word, shelves)
    RETURN FIX((ASC(word) - ASC("a")) * shelves / 26)
ENDDEF

' pad is a function of the conductor's.
DEF summary(lines, pad)
    index = calog.import("index")
    drawing = calog.import("drawing")
    words = 0
    often = 0
    index.each(LAMBDA (word, count) (
        words = words + 1
        IF count > 1 THEN often = often + 1
    ))
    facts = index.facts()
    text = pad("words", 18) + STR(words) + " in " + STR(lines) + " lines" + CHR(10)
    text = text + pad("small ones", 18) + STR(facts.left_out) + " left out" + CHR(10)
    text = text + pad("in several lines", 18) + drawing.bar(100 * often / words)
    names = LIST("a to i", "j to r", "s to z")
    FOR k = 0 TO LEN(names) - 1
        text = text + CHR(10) + pad(names(k), 18) + drawing.bar(100 * facts.shelves(k) / words)
    NEXT
    RETURN text
ENDDEF

calog.export("roman", roman)
calog.export("shelf", shelf)
calog.export("summary", summary)
