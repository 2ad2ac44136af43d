' The chat's bot. The rooms hand it what it is asked, and a routine by which it answers: at once, or
' later, when a timer rings.
MOST_SECONDS = 86400

' The words of a text.
DEF words_of(text)
    VAR found = LIST(), word = "", i = 0, c = ""
    WHILE i < LEN(text)
        c = MID(text, i, 1)
        IF c <> " " THEN
            word = word + c
        ELSEIF word <> "" THEN
            PUSH(found, word)
            word = ""
        ENDIF
        i = i + 1
    WEND
    IF word <> "" THEN PUSH(found, word)
    RETURN found
ENDDEF

DEF join_from(words, first)
    VAR text = "", i = first
    WHILE i < LEN(words)
        IF text <> "" THEN text = text + " "
        text = text + words(i)
        i = i + 1
    WEND
    RETURN text
ENDDEF

DEF number(word)
    TRY
        RETURN VAL(word)
    CATCH
        RAISE("'" + word + "' is no number")
    ENDTRY
ENDDEF

DEF calculate(a, sign, b)
    IF sign = "+" THEN RETURN a + b
    IF sign = "-" THEN RETURN a - b
    IF sign = "*" THEN RETURN a * b
    IF sign <> "/" THEN RAISE("I know + - * and /")
    IF b = 0 THEN RAISE("nobody can divide by zero")
    RETURN a / b
ENDDEF

DEF remind(nick, words, answer)
    VAR seconds = 0, what = join_from(words, 2)
    IF LEN(words) < 3 THEN RAISE("remind SECONDS WHAT")
    seconds = number(words(1))
    IF seconds > MOST_SECONDS THEN RAISE("I forget within a day")
    timer.after(seconds * 1000, LAMBDA () (answer(nick + ": " + what)))
    RETURN "I will, " + nick
ENDDEF

DEF reply(nick, words, answer)
    VAR first = "help"
    IF LEN(words) > 0 THEN first = words(0)
    IF first = "hello" THEN RETURN "hello, " + nick
    IF first = "roll" THEN RETURN nick + " rolls " + STR(RND(1, 6))
    IF first = "remind" THEN RETURN remind(nick, words, answer)
    IF LEN(words) = 3 THEN RETURN join_from(words, 0) + " = " + STR(calculate(number(first), words(1), number(words(2))))
    RETURN "ask me: hello, roll, 6 * 7, remind 5 tea"
ENDDEF

DEF ask(nick, question, answer)
    answer(reply(nick, words_of(question), answer))
ENDDEF
calog.export("ask", ask)
