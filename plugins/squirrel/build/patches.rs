//! What is changed in Squirrel's source, as exact texts. Invariant: no script ends or corrupts the
//! process.
//!
//! Three sorts: hooks that make the interpreter interruptible and bound its depth; calls of our own
//! release and mark, which do not recurse without end; and mends of places where a script could write
//! outside of memory or trap the processor.

/// A replacement of one text in one file.
pub(crate) struct Patch {
    /// The file, from the source's root.
    pub(crate) file: &'static str,
    /// The text to find.
    pub(crate) find: &'static str,
    /// How often it is there.
    pub(crate) times: usize,
    /// What comes in its place.
    pub(crate) replace: &'static str,
}

const fn once(file: &'static str, find: &'static str, replace: &'static str) -> Patch {
    Patch { file, find, times: 1, replace }
}

const VM: &str = "squirrel/sqvm.cpp";
const COMPILER: &str = "squirrel/sqcompiler.cpp";
const LIBRARY: &str = "squirrel/sqbaselib.cpp";
const OBJECT: &str = "squirrel/sqobject.h";

/// All patches, in the order they are made.
pub(crate) const PATCHES: &[Patch] = &[
    // Loops and calls look whether they shall stop; calls also whether the stack grows too large.
    once(
        VM,
        "case _OP_JMP: ci->_ip += (sarg1); continue;",
        "case _OP_JMP: ci->_ip += (sarg1); if(sarg1 < 0 && CALOG_POLL(this) && !calog_poll(this)) { SQ_THROW(); } continue;",
    ),
    once(
        VM,
        "bool SQVM::EnterFrame(SQInteger newbase, SQInteger newtop, bool tailcall)\n{\n",
        "bool SQVM::EnterFrame(SQInteger newbase, SQInteger newtop, bool tailcall)\n{\n    \
         if(CALOG_POLL(this) && !calog_poll(this)) return false;\n    \
         if(newtop > CALOG_MOST_SLOTS) return calog_overflow(this);\n",
    ),
    // C frames: natives and metamethods that nest, also through threads.
    once(
        VM,
        "if ((_nnativecalls + 1) > MAX_NATIVE_CALLS) { Raise_Error(_SC(\"Native stack overflow\")); return false; }",
        "if ((_nnativecalls + 1) > MAX_NATIVE_CALLS || calog_stack_is_low()) { return calog_overflow(this); }",
    ),
    once(VM, "Raise_Error(_SC(\"Native stack overflow\"));\n        return false;", "return calog_overflow(this);"),
    once(
        VM,
        "Raise_Error(_SC(\"stack overflow, cannot resize stack while in a metamethod\"));\n            return false;",
        "return calog_overflow(this);",
    ),
    // Who watches errors: traces, and stops that no `catch` holds up.
    once(
        VM,
        "SQObjectPtr currerror = _lasterror;",
        "bool fatal = calog_thrown(this, traps);\n        SQObjectPtr currerror = _lasterror;",
    ),
    once(
        VM,
        "            if(ci->_etraps > 0) {\n                SQExceptionTrap &et = _etraps.top();",
        "            if(fatal) { while(ci->_etraps > 0) { _etraps.pop_back(); traps--; ci->_etraps--; } }\n            \
         if(ci->_etraps > 0) {\n                SQExceptionTrap &et = _etraps.top();",
    ),
    // The least integer divided by -1 traps the processor; a failed modulo went unnoticed.
    once(
        VM,
        "trg = _integer(o1) op i2; } break;\\",
        "trg = i2 == -1 ? (SQInteger)(0 - (SQUnsignedInteger)_integer(o1)) : _integer(o1) op i2; } break;\\",
    ),
    Patch { file: VM, find: "i1 == INT_MIN", times: 2, replace: "i1 == LLONG_MIN" },
    once(
        VM,
        "case _OP_MOD: ARITH_OP('%',TARGET,STK(arg2),STK(arg1)); continue;",
        "case _OP_MOD: _GUARD(ARITH_OP('%',TARGET,STK(arg2),STK(arg1))); continue;",
    ),
    // A generator that could not be resumed was resumed for ever.
    once(
        VM,
        "            _generator(o1)->Resume(this, o3);\n",
        "            if(!_generator(o1)->Resume(this, o3)) return false;\n",
    ),
    // Values that were pushed beyond the stack's end.
    once(
        VM,
        "Push(clo);\n",
        "if(SQ_FAILED(sq_reservestack(this, arg3 + 20))) SQ_THROW();\n                            Push(clo);\n",
    ),
    once(
        VM,
        "for(SQInteger n = ndef - diff; n < ndef; n++) {",
        "if(stackbase + paramssize + MIN_STACK_OVERHEAD > (SQInteger)_stack.size()) {\n                \
         if(_nmetamethodscall) return calog_overflow(this);\n                \
         _stack.resize(stackbase + paramssize + (MIN_STACK_OVERHEAD << 2));\n                \
         RelocateOuters();\n            }\n            \
         for(SQInteger n = ndef - diff; n < ndef; n++) {",
    ),
    once(
        LIBRARY,
        "v->Push(stack_get(v,1));\n    for(SQInteger i=0;i<nparams;i++)v->Push(aparams->_values[i]);",
        "if(SQ_FAILED(sq_reservestack(v, nparams + 20))) return SQ_ERROR;\n    \
         v->Push(stack_get(v,1));\n    for(SQInteger i=0;i<nparams;i++)v->Push(aparams->_values[i]);",
    ),
    once(
        LIBRARY,
        "_thread(o)->Push(_thread(o)->_roottable);",
        "if(SQ_FAILED(sq_reservestack(_thread(o), nparams + 20))) return sq_throwerror(v,_SC(\"too many arguments\"));\n        \
         _thread(o)->Push(_thread(o)->_roottable);",
    ),
    // References into the stack that outlived its growth.
    once(
        "squirrel/sqapi.cpp",
        "v->_stack.resize(v->_stack.size() + ((v->_top + nsize) - v->_stack.size()));",
        "v->_stack.resize(v->_stack.size() + ((v->_top + nsize) - v->_stack.size()));\n        v->RelocateOuters();",
    ),
    Patch {
        file: LIBRARY,
        find: "SQObject &o = stack_get(v,1);",
        times: 6,
        replace: "SQObjectPtr o = stack_get(v,1);",
    },
    // An array that its own comparator shortens; and what the comparator threw stays what it is.
    once(
        LIBRARY,
        "if(!_sort_compare(v,arr->_values[root2],arr->_values[root2 + 1],func,ret))\n                return false;",
        "if(!_sort_compare(v,arr->_values[root2],arr->_values[root2 + 1],func,ret))\n                return false;\n            \
         if(bottom >= arr->Size()) { v->Raise_Error(_SC(\"the array changed while it was sorted\")); return false; }",
    ),
    once(
        LIBRARY,
        "if(!_sort_compare(v,arr->_values[root],arr->_values[maxChild],func,ret))\n            return false;",
        "if(!_sort_compare(v,arr->_values[root],arr->_values[maxChild],func,ret))\n            return false;\n        \
         if(bottom >= arr->Size()) { v->Raise_Error(_SC(\"the array changed while it was sorted\")); return false; }",
    ),
    once(LIBRARY, "if(!sq_isstring( v->_lasterror))", "if(sq_type(v->_lasterror) == OT_NULL)"),
    // A size that wraps around.
    once(
        "squirrel/squtils.h",
        "newsize = (newsize > 0)?newsize:4;",
        "newsize = (newsize > 0)?newsize:4;\n        if(newsize >> 40) calog_no_memory();",
    ),
    // Where memory may be refused: vectors, strings, and what natives allocate.
    once("squirrel/sqstate.cpp", "SQString *t = (SQString *)SQ_MALLOC(", "SQString *t = (SQString *)calog_malloc("),
    once("squirrel/sqapi.cpp", "    return SQ_MALLOC(size);", "    return calog_malloc(size);"),
    // What would be lost when the memory for its contents is refused asks first.
    once(
        "squirrel/sqarray.h",
        "SQArray *newarray=(SQArray*)SQ_MALLOC(sizeof(SQArray));",
        "calog_ask(nInitialSize, sizeof(SQObjectPtr));\n        SQArray *newarray=(SQArray*)SQ_MALLOC(sizeof(SQArray));",
    ),
    once(
        "sqstdlib/sqstdblob.cpp",
        "SQBlob *b = new (sq_malloc(sizeof(SQBlob)))SQBlob(size);",
        "calog_ask(size, 1);\n    SQBlob *b = new (sq_malloc(sizeof(SQBlob)))SQBlob(size);",
    ),
    // Regular expressions that take for ever, or nest without end.
    once(
        "sqstdlib/sqstdrex.cpp",
        "static SQInteger sqstd_rex_list(SQRex *exp)\n{\n",
        "static SQInteger sqstd_rex_list(SQRex *exp)\n{\n    calog_check();\n",
    ),
    once(
        "sqstdlib/sqstdrex.cpp",
        "static const SQChar *sqstd_rex_matchnode(SQRex* exp,SQRexNode *node,const SQChar *str,SQRexNode *next)\n{\n",
        "static const SQChar *sqstd_rex_matchnode(SQRex* exp,SQRexNode *node,const SQChar *str,SQRexNode *next)\n{\n    calog_check();\n",
    ),
    // Bytecode is trusted blindly: none is read.
    once("sqstdlib/sqstdio.cpp", "if(SQ_SUCCEEDED(sq_readclosure(v,file_read,file))) {", "if(false) {"),
    // An error in the code: thrown, as a jump would leak what the compiler holds.
    once(COMPILER, "        longjmp(_errorjmp,1);", "        throw CalogMisspelt();"),
    once(COMPILER, "if(setjmp(_errorjmp) == 0) {", "try {"),
    once(
        COMPILER,
        "        else {\n            if(_raiseerror && ",
        "        catch(const CalogMisspelt &) {\n            if(_raiseerror && ",
    ),
    // A compiler that recurses without end.
    once(
        COMPILER,
        "    void Lex(){ _token = _lex.Lex();}",
        "    void CheckStack() { if(calog_stack_is_low()) Error(_SC(\"the code nests too deeply\")); }\n    \
         void Lex(){ _token = _lex.Lex();}",
    ),
    once(
        COMPILER,
        "    void Statement(bool closeframe = true)\n    {\n",
        "    void Statement(bool closeframe = true)\n    {\n        CheckStack();\n",
    ),
    once(COMPILER, "    void Expression()\n    {\n", "    void Expression()\n    {\n        CheckStack();\n"),
    once(COMPILER, "    SQInteger Factor()\n    {\n", "    SQInteger Factor()\n    {\n        CheckStack();\n"),
    once(COMPILER, "    void LogicalOrExp()\n    {\n", "    void LogicalOrExp()\n    {\n        CheckStack();\n"),
    once(COMPILER, "    void LogicalAndExp()\n    {\n", "    void LogicalAndExp()\n    {\n        CheckStack();\n"),
    // Long chains of values: they are freed and marked without recursing all the way.
    once(
        OBJECT,
        "unval.pRefCounted->Release();   \\",
        "if((type) == OT_STRING) unval.pRefCounted->Release(); else calog_release(unval.pRefCounted);   \\",
    ),
    once(OBJECT, "            (obj)->Release(); \\", "            calog_release(obj); \\"),
    once(
        OBJECT,
        "struct SQWeakRef : SQRefCounted\n",
        "void calog_release(SQRefCounted *object);\n\nstruct SQWeakRef : SQRefCounted\n",
    ),
    once(
        "squirrel/sqstate.cpp",
        "void SQSharedState::MarkObject(SQObjectPtr &o,SQCollectable **chain)\n{\n",
        "void SQSharedState::MarkObject(SQObjectPtr &o,SQCollectable **chain)\n{\n    CalogMarking marking(o, chain);\n    if(marking.deferred) return;\n",
    ),
];
