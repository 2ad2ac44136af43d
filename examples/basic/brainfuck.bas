' A Brainfuck interpreter.
'
'   calog run examples/basic/brainfuck.bas                  runs the two programs below
'   calog run examples/basic/brainfuck.bas -- 'CODE'        runs this one
'
' Brainfuck is a language of eight commands. They work on a tape of bytes, all 0 at first, and a head
' that is at one of them:
'
'   +  -   one more, one less in the byte under the head; 255 and 0 are neighbours
'   >  <   the head moves to the right, to the left
'   .  ,   writes the byte as a character; reads one (0 at the end of the input)
'   [  ]   repeats what is between them while the byte is not 0
'
' Everything else is a comment.

' ---------------------------------------------------------------------------------------------------
' Instructions: each has a kind and a number
' ---------------------------------------------------------------------------------------------------

ADD = 1         ' adds the number to the byte
MOVE = 2        ' moves the head by the number
WRITE = 3
READ = 4
OPENS = 5       ' goes to the instruction behind the number's if the byte is 0
CLOSES = 6      ' goes to the instruction behind the number's if the byte is not 0
EMPTY = 7       ' makes the byte 0: what [-] does

CLASS code
    VAR kinds = LIST(), numbers = LIST()

    DEF len()
        RETURN LEN(kinds)
    ENDDEF

    DEF append(kind, number)
        PUSH(kinds, kind)
        PUSH(numbers, number)
    ENDDEF

    ' Adds to the last instruction if it is of the same kind: +++ is one instruction.
    DEF gather(kind, number)
        VAR last = LEN(kinds) - 1
        IF last >= 0 THEN
            IF kinds(last) = kind THEN
                numbers(last) = numbers(last) + number
                RETURN
            ENDIF
        ENDIF
        append(kind, number)
    ENDDEF

    ' A loop that began at this instruction ends.
    DEF end_loop(start)
        VAR last = LEN(kinds) - 1
        IF start = last - 1 AND kinds(last) = ADD AND numbers(last) = -1 THEN
            POP(kinds) : POP(numbers)
            kinds(start) = EMPTY
        ELSE
            numbers(start) = last + 1
            append(CLOSES, start)
        ENDIF
    ENDDEF
ENDCLASS

' Makes instructions of a program's text.
DEF compiled(text)
    VAR result = NEW(code), open_loops = LIST(), command
    FOR at = 0 TO LEN(text) - 1
        command = MID(text, at, 1)
        IF command = "+" THEN
            result.gather(ADD, 1)
        ELSEIF command = "-" THEN
            result.gather(ADD, -1)
        ELSEIF command = ">" THEN
            result.gather(MOVE, 1)
        ELSEIF command = "<" THEN
            result.gather(MOVE, -1)
        ELSEIF command = "." THEN
            result.append(WRITE, 0)
        ELSEIF command = "," THEN
            result.append(READ, 0)
        ELSEIF command = "[" THEN
            PUSH(open_loops, LEN(result))
            result.append(OPENS, 0)
        ELSEIF command = "]" THEN
            IF LEN(open_loops) = 0 THEN RAISE("a ] without its [, at character " + STR(at + 1))
            result.end_loop(POP(open_loops))
        ENDIF
    NEXT
    IF LEN(open_loops) > 0 THEN RAISE("a [ without its ]")
    RETURN result
ENDDEF

' ---------------------------------------------------------------------------------------------------
' Running
' ---------------------------------------------------------------------------------------------------

' What was read and not yet taken, and whether there is more.
unread = ""
is_at_end = FALSE

' The next character of the input, as a number.
DEF next_character()
    IF unread = "" AND NOT is_at_end THEN
        INPUT line$
        is_at_end = line$ = NIL
        IF NOT is_at_end THEN unread = line$ + CHR(10)
    ENDIF
    IF unread = "" THEN RETURN 0
    VAR character = ASC(unread)
    IF LEN(unread) = 1 THEN unread = "" ELSE unread = RIGHT(unread, LEN(unread) - 1)
    RETURN character MOD 256
ENDDEF

DEF run(text)
    VAR program = compiled(text)
    VAR kinds = program.kinds, numbers = program.numbers, last = LEN(program) - 1
    VAR tape = LIST(0), head = 0, at = 0, kind
    WHILE at <= last
        kind = kinds(at)
        IF kind = ADD THEN
            ' MOD has the sign of its first operand, so that stays positive.
            tape(head) = (tape(head) + numbers(at) MOD 256 + 256) MOD 256
        ELSEIF kind = MOVE THEN
            head = head + numbers(at)
            IF head < 0 THEN RAISE("the head left the tape", "range")
            WHILE head >= LEN(tape) : PUSH(tape, 0) : WEND
        ELSEIF kind = OPENS THEN
            IF tape(head) = 0 THEN at = numbers(at)
        ELSEIF kind = CLOSES THEN
            IF tape(head) <> 0 THEN at = numbers(at)
        ELSEIF kind = EMPTY THEN
            tape(head) = 0
        ELSEIF kind = WRITE THEN
            PRINT CHR(tape(head))
        ELSE
            tape(head) = next_character()
        ENDIF
        at = at + 1
    WEND
ENDDEF

' ---------------------------------------------------------------------------------------------------
' Programs
' ---------------------------------------------------------------------------------------------------

' Puts 70, 100, 30 and 10 on the tape; from there it is not far to each character.
hello = "
    ++++++++++ [ > +++++++ > ++++++++++ > +++ > + <<<< - ]
    > ++ .              H
    > + .               e
    +++++++ ..          l and l
    +++ .               o
    > ++++++++++++++ .  the comma
    ------------ .      the space
    < ++++++++ .        w
    -------- .          o
    +++ .               r
    ------ .            l
    -------- .          d
    > + .               the mark
    > .                 the end of the line
"

' The Fibonacci numbers that fit in a byte, in decimal.
'
' The tape: how many are left to write, two neighbouring Fibonacci numbers, and room to work.
fibonacci = "
    +++++++++++++ > > + < <
    [
        > >
        Write the second number in decimal
        > > ++++++++++ << [ -> +> - [ >+>> ] > [ + [-<+>] > +>> ] <<<<<< ]
        >> [-] >>> ++++++++++ < [ -> - [ >+>> ] > [ + [-<+>] > +>> ] <<<<< ]
        > [-] >> [ > ++++++ [ -<++++++++> ] < . <<+>+> [-] ]
        < [ < [->-<] ++++++ [ ->++++++++< ] > . [-] ]
        << ++++++ [ -<++++++++> ] < . [-] << [-<+>] <
        and end the line
        > ++++++++++ . [-] <
        Add the first to the second and keep what that was in the first
        [ -> + > + << ] < [ -> + < ] > > [ -< + > ] > [ -<<< + >>> ]
        <<<< -
    ]
"

' ---------------------------------------------------------------------------------------------------

arguments = calog.args()
IF LEN(arguments) > 0 THEN
    run(arguments(0))
ELSE
    run(hello)
    run(fibonacci)
ENDIF
