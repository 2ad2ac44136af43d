' IMPORT, MEM and TYPE.

'### IMPORT "file.bas" (textual)
IMPORT "import/tools.bas"
PRINT tripled(5), factor;
'> 153

'### IMPORT: cycles ignored
IMPORT "import/one.bas"
IMPORT "import/two.bas"
PRINT "main";
'> one
'> two
'> main

'### IMPORT: a file that is not there
x = 1
IMPORT "import/gone.bas"
'! 4 Failed to open file: import/gone.bas: No such file or directory (os error 2) @2:1

'### IMPORT "@module" (native module names without prefix)
IMPORT "@test"
PRINT add(20, 22), " ", test.add(1, 2);
'> 42 3

'### IMPORT: a module that is not there
IMPORT "@gone"
'! 7 Invalid module: @gone @1:1

'### Natives keep their dotted names, in any letter case
PRINT test.add(1, 2), TEST.ADD(3, 4), test.inner.deep();
'> 37deep

'### MEM = bytes in use
before = MEM
l = LIST()
FOR i = 1 TO 1000 : PUSH(l, i) : NEXT
more = MEM
l = NIL
PRINT before > 0, more > before + 8000, MEM < more;
'> 111

'### TYPE(x) / TYPE("INT")
PRINT TYPE(1), " ", TYPE("INT"), " ", TYPE("INTEGER"), " ", TYPE("a text"), " ", TYPE(1) = TYPE(2);
'> INTEGER INTEGER INTEGER STRING 1
