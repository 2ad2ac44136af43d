' The sieve of Eratosthenes: the prime numbers up to a limit, and what there is to say about them.
'
'   calog run examples/basic/sieve.bas
'   calog run examples/basic/sieve.bas -- 1000000

' All primes up to `limit`, in a list.
DEF primes_up_to(limit)
    VAR primes = LIST()
    ' The cells of an array begin as 0, which is false.
    DIM crossed_out(limit + 1)
    FOR n = 2 TO limit
        IF NOT crossed_out(n) THEN
            PUSH(primes, n)
            ' Smaller multiples have a smaller prime factor and are crossed out already.
            FOR multiple = n * n TO limit STEP n
                crossed_out(multiple) = TRUE
            NEXT
        ENDIF
    NEXT
    RETURN primes
ENDDEF

' A number as text, with spaces before it.
DEF right_aligned(number, width)
    VAR text = STR(number)
    WHILE LEN(text) < width
        text = " " + text
    WEND
    RETURN text
ENDDEF

DEF print_table(numbers, columns)
    VAR column = 0
    FOR number IN numbers
        PRINT right_aligned(number, 6)
        column = column + 1
        IF column MOD columns = 0 THEN PRINT ;
    NEXT
    IF column MOD columns <> 0 THEN PRINT ;
ENDDEF

' The primes among `primes` that are at most `limit`.
DEF at_most(limit, primes)
    VAR small = LIST()
    FOR prime IN primes
        IF prime > limit THEN EXIT
        PUSH(small, prime)
    NEXT
    RETURN small
ENDDEF

' How many pairs of primes are two apart, and where the largest gap is.
DEF gaps(primes)
    VAR found = DICT("twins", 0, "largest", 0, "from", 0)
    FOR i = 1 TO LEN(primes) - 1
        VAR gap = primes(i) - primes(i - 1)
        IF gap = 2 THEN found.twins = found.twins + 1
        IF gap > found.largest THEN
            found.largest = gap
            found.from = primes(i - 1)
        ENDIF
    NEXT
    RETURN found
ENDDEF

' The limit is the program's argument, if there is one.
DEF wanted_limit()
    VAR arguments = calog.args()
    IF LEN(arguments) = 0 THEN RETURN 10000
    TRY
        VAR limit = FIX(VAL(arguments(0)))
        IF limit >= 5 AND limit <= 100000000 THEN RETURN limit
    CATCH
        ' VAL found no number.
    ENDTRY
    PRINT "usage: sieve.bas [a limit from 5 to 100000000]";
    calog.exit(2)
ENDDEF

limit = wanted_limit()
primes = primes_up_to(limit)
gap = gaps(primes)

PRINT "The first primes:";
print_table(at_most(200, primes), 10)
PRINT ;
PRINT "Up to ", limit, " there are ", LEN(primes), " primes; the last is ", BACK(primes), ".";
PRINT gap.twins, " pairs of them are twins: two apart.";
PRINT "The largest gap is ", gap.largest, ", from ", gap.from, " to ", gap.from + gap.largest, ".";
