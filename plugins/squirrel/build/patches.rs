//! What is changed in Squirrel's source, as exact texts. Invariant: no script ends or corrupts the
//! process.
//!
//! Three sorts: hooks that make the interpreter interruptible and bound its depth; calls of our own
//! release and mark, which do not recurse without end; and mends of places where a script could write
//! outside of memory or trap the processor. What is changed in the libraries is in `library.rs`.

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

pub(crate) const fn once(file: &'static str, find: &'static str, replace: &'static str) -> Patch {
    Patch { file, find, times: 1, replace }
}

const VM: &str = "squirrel/sqvm.cpp";
const COMPILER: &str = "squirrel/sqcompiler.cpp";
const LIBRARY: &str = "squirrel/sqbaselib.cpp";
const OBJECT: &str = "squirrel/sqobject.h";

/// All patches, in the order they are made.
pub(crate) const PATCHES: &[Patch] = &[
    // Loops and calls look whether they shall stop; calls also whether the stack grows too large, which
    // inside a metamethod is any growth: before the frame is there, which else would be left to unwind.
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
         if(newtop > CALOG_MOST_SLOTS) return calog_overflow(this);\n    \
         if(_nmetamethodscall && newtop + MIN_STACK_OVERHEAD > (SQInteger)_stack.size()) return calog_overflow(this);\n",
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
    // A generator that a native makes: it was put somewhere beyond the stack, and when the frames had just
    // been moved, its caller's frame was run a second time.
    once(
        VM,
        "        STK(target) = gen;\n",
        "        if(target == CALOG_TO_NATIVE) temp_reg = gen;\n        else if(target != -1) STK(target) = gen;\n",
    ),
    // One that has ended held its function where marking did not see it. A collection took that for
    // garbage, and as it was freed at last, the chain of all objects ended there.
    once(
        "squirrel/sqclosure.h",
        "        _closure.Null();}\n",
        "        _closure.Null();\n        _ci._closure.Null();}\n",
    ),
    // One that nobody takes had no reference at all, so that nobody freed it either.
    once(
        VM,
        "        SQGenerator *gen = SQGenerator::Create(_ss(this), closure);\n",
        "        SQGenerator *gen = SQGenerator::Create(_ss(this), closure);\n        SQObjectPtr held = gen;\n",
    ),
    once(
        VM,
        "        if(!gen->Yield(this,f->_stacksize))\n            return false;\n",
        "        if(!gen->Yield(this,f->_stacksize))\n            return false;\n        ci->_target = -1;\n",
    ),
    once(VM, "    CallInfo *prevci = ci;\n", "    SQInteger frames = _callsstacksize;\n"),
    once(
        VM,
        "StartCall(_closure(temp_reg), _top - nargs, nargs, stackbase, false)",
        "StartCall(_closure(temp_reg), CALOG_TO_NATIVE, nargs, stackbase, false)",
    ),
    once(
        VM,
        "if(ci == prevci) {\n                outres = STK(_top-nargs);",
        "if(_callsstacksize == frames) {\n                outres = temp_reg;",
    ),
    // Which natives the loop itself has called: see `call` in the library.
    once(
        "squirrel/sqvm.h",
        "    SQInteger _nnativecalls;\n",
        "    SQInteger _nnativecalls;\n    bool _is_direct, _may_leave;\n",
    ),
    once(VM, "    _nnativecalls = 0;\n", "    _nnativecalls = 0;\n    _is_direct = _may_leave = false;\n"),
    once(
        VM,
        "\t\t\t\t\t\tbool tailcall;\n",
        "\t\t\t\t\t\tbool tailcall;\n                        _is_direct = true;\n",
    ),
    once(
        VM,
        "    SQInteger nparamscheck = nclosure->_nparamscheck;\n",
        "    SQInteger nparamscheck = nclosure->_nparamscheck;\n    bool direct = _is_direct;\n    _is_direct = false;\n",
    ),
    once(
        VM,
        "    SQInteger ret = (nclosure->_function)(this);\n",
        "    _may_leave = direct;\n    SQInteger ret = (nclosure->_function)(this);\n",
    ),
    // Where nobody could take the answer of a native that suspends, it is told that it cannot.
    once(
        VM,
        "_GUARD(CallNative(_nativeclosure(clo), arg3, stkbase, clo, -1, dummy, dummy));",
        "_nnativecalls++;\n                                {\n                                    \
         bool done = CallNative(_nativeclosure(clo), arg3, stkbase, clo, -1, dummy, dummy);\n                                    \
         _nnativecalls--;\n                                    _GUARD(done);\n                                }",
    ),
    once(
        VM,
        "        return CallNative(_nativeclosure(closure), nparams, stackbase, outres, -1, dummy, dummy);",
        "        _nnativecalls++;\n        \
         bool done = CallNative(_nativeclosure(closure), nparams, stackbase, outres, -1, dummy, dummy);\n        \
         _nnativecalls--;\n        return done;",
    ),
    // The place of a call's result: beyond 127 it was taken for one below the frame.
    once(
        VM,
        "#define sarg0 ((SQInteger)*((const signed char *)&_i_._arg0))",
        "#define sarg0 (arg0 == 0xFF ? (SQInteger)-1 : (SQInteger)arg0)",
    ),
    once(
        "squirrel/sqfuncstate.cpp",
        "if(_stacksize>MAX_FUNC_STACKSIZE) Error",
        "if(_stacksize>=MAX_FUNC_STACKSIZE) Error",
    ),
    // The C library writes the prefix itself.
    once(VM, "_SC(\"(%s : 0x%p)\")", "_SC(\"(%s : %p)\")"),
    // Stacks grow by much at a time, and keep room for metamethods, which they cannot grow in.
    once(
        VM,
        "    if(newtop + MIN_STACK_OVERHEAD > (SQInteger)_stack.size()) {\n        if(_nmetamethodscall) {",
        "    if(!_nmetamethodscall && newtop + CALOG_HEADROOM > (SQInteger)_stack.size()) {\n        if(_nmetamethodscall) {",
    ),
    once(
        VM,
        "        _stack.resize(newtop + (MIN_STACK_OVERHEAD << 2));\n        RelocateOuters();",
        "        _stack.resize(newtop + newtop / 2 + CALOG_HEADROOM + MIN_STACK_OVERHEAD);\n        RelocateOuters();",
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
    // The chain of all objects is in two parts meanwhile.
    once(
        "squirrel/sqstate.cpp",
        "    SQInteger n=0;\n    SQCollectable *tchain=NULL;\n",
        "    CalogUnrefused unrefused;\n    SQInteger n=0;\n    SQCollectable *tchain=NULL;\n",
    ),
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
    // An error in the code: thrown, as a jump would leak what the compiler holds.
    once(COMPILER, "        longjmp(_errorjmp,1);", "        throw CalogMisspelt();"),
    once(COMPILER, "if(setjmp(_errorjmp) == 0) {", "try {"),
    once(
        COMPILER,
        "        else {\n            if(_raiseerror && ",
        "        catch(const CalogMisspelt &) {\n            if(_raiseerror && ",
    ),
    // `base` is nothing that can be changed; the compiler took two values too many for it.
    once(COMPILER, "if(_es.donot_get == true)  { Error(", "if(_es.donot_get == true || _es.etype == BASE)  { Error("),
    once(COMPILER, "else if(_es.etype == OBJECT || _es.etype == BASE) {", "else if(_es.etype == OBJECT) {"),
    once(
        COMPILER,
        "if(_es.etype==EXPR) {\n            Error(_SC(\"can't '++'",
        "if(_es.etype==EXPR || _es.etype==BASE) {\n            Error(_SC(\"can't '++'",
    ),
    Patch {
        file: COMPILER,
        find: "if(_es.etype==OBJECT || _es.etype==BASE) {",
        times: 2,
        replace: "if(_es.etype==OBJECT) {",
    },
    once(
        "squirrel/sqfuncstate.cpp",
        "    SQUnsignedInteger npos=_targetstack.back();\n",
        "    if(_targetstack.size() == 0) Error(_SC(\"a value is wanted here\"));\n    \
         SQUnsignedInteger npos=_targetstack.back();\n    \
         if(npos >= _vlocals.size()) Error(_SC(\"a value is wanted here\"));\n",
    ),
    once(
        "squirrel/sqfuncstate.cpp",
        "    return _targetstack.back();\n",
        "    if(_targetstack.size() == 0) Error(_SC(\"a value is wanted here\"));\n    return _targetstack.back();\n",
    ),
    once(
        "squirrel/sqfuncstate.cpp",
        "    return _targetstack[((_targetstack.size()-1)-n)];\n",
        "    if((SQInteger)_targetstack.size() <= n) Error(_SC(\"a value is wanted here\"));\n    \
         return _targetstack[((_targetstack.size()-1)-n)];\n",
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
