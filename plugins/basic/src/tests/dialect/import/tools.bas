' What an importing program takes over.
factor = 3
DEF tripled(x)
    RETURN x * factor
ENDDEF
