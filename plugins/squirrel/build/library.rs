//! What is changed in Squirrel's libraries: natives that trusted their arguments, and strings that ended
//! at their first NUL.

use super::patches::{Patch, once};

const BASE: &str = "squirrel/sqbaselib.cpp";
const DEBUG: &str = "squirrel/sqdebug.cpp";
const STRINGS: &str = "sqstdlib/sqstdstring.cpp";
const EXPRESSIONS: &str = "sqstdlib/sqstdrex.cpp";
const STREAM: &str = "sqstdlib/sqstdstream.cpp";
const BLOB: &str = "sqstdlib/sqstdblob.cpp";
const FILE: &str = "sqstdlib/sqstdio.cpp";
const FILES: &str = "include/sqstdio.h";
const SYSTEM: &str = "sqstdlib/sqstdsystem.cpp";

/// All of them, in the order they are made.
pub(crate) const PATCHES: &[Patch] = &[
    // As many arguments as were pushed, however many the function wants.
    once(
        BASE,
        "    for(SQInteger n = 0; n < size; n++) {\n        src->Get(n,temp);",
        "    if(nArgs < 2) nArgs = 2;\n    if(nArgs > 4) nArgs = 4;\n    \
         for(SQInteger n = 0; n < size; n++) {\n        src->Get(n,temp);",
    ),
    // What a callback's `collectgarbage` would take for garbage, and empty.
    once(
        BASE,
        "    SQObjectPtr ret = SQArray::Create(_ss(v),size);\n",
        "    SQObjectPtr ret = SQArray::Create(_ss(v),size);\n    v->Push(ret);\n",
    ),
    once(
        BASE,
        "    SQObjectPtr ret = SQArray::Create(_ss(v),0);\n",
        "    SQObjectPtr ret = SQArray::Create(_ss(v),0);\n    v->Push(ret);\n    v->Push(stack_get(v,2));\n",
    ),
    once(
        BASE,
        "    SQObjectPtr ret = SQTable::Create(_ss(v),0);\n",
        "    SQObjectPtr ret = SQTable::Create(_ss(v),0);\n    v->Push(ret);\n    v->Push(stack_get(v,2));\n",
    ),
    once(
        "squirrel/sqvm.cpp",
        "    if (!Set(tself, tkey, target,selfidx)) { return false; }\n    if (postfix) target = tmp;",
        "    if (!postfix) return Set(tself, tkey, target,selfidx);\n    Push(tmp);\n    \
         bool done = Set(tself, tkey, target,selfidx);\n    Pop();\n    if (!done) return false;\n    target = tmp;",
    ),
    // `call` leaves its frame to the function, where the interpreter's loop called it; nobody else goes
    // on with that function. It looked at its last argument instead of the function.
    once(
        BASE,
        "SQObjectPtr &c = stack_get(v, -1);\n\tif (sq_type(c) == OT_CLOSURE",
        "SQObjectPtr &c = stack_get(v, 1);\n\tif (v->_may_leave && sq_type(c) == OT_CLOSURE",
    ),
    Patch { file: DEBUG, find: "if (cssize > level) {", times: 2, replace: "if (level >= 0 && cssize > level) {" },
    // Sorting takes long without a comparator, too.
    once(
        BASE,
        "    if(func < 0) {\n        if(!v->ObjCmp(a,b,ret)) return false;",
        "    if(func < 0) {\n        calog_check();\n        if(!v->ObjCmp(a,b,ret)) return false;",
    ),
    // An array that its own comparator shortens; and what the comparator threw stays what it is.
    once(
        BASE,
        "if(!_sort_compare(v,arr->_values[root2],arr->_values[root2 + 1],func,ret))\n                return false;",
        "if(!_sort_compare(v,arr->_values[root2],arr->_values[root2 + 1],func,ret))\n                return false;\n            \
         if(bottom >= arr->Size()) { v->Raise_Error(_SC(\"the array changed while it was sorted\")); return false; }",
    ),
    once(
        BASE,
        "if(!_sort_compare(v,arr->_values[root],arr->_values[maxChild],func,ret))\n            return false;",
        "if(!_sort_compare(v,arr->_values[root],arr->_values[maxChild],func,ret))\n            return false;\n        \
         if(bottom >= arr->Size()) { v->Raise_Error(_SC(\"the array changed while it was sorted\")); return false; }",
    ),
    once(BASE, "if(!sq_isstring( v->_lasterror))", "if(sq_type(v->_lasterror) == OT_NULL)"),
    // Strings of any bytes.
    once(
        "squirrel/sqvm.cpp",
        "_RET_SUCCEED(scstrcmp(_stringval(o1),_stringval(o2)));",
        "_RET_SUCCEED(calog_compare(_stringval(o1),_string(o1)->_len,_stringval(o2),_string(o2)->_len));",
    ),
    once(
        BASE,
        "ret=scstrstr(&str[start_idx],substr);",
        "ret=calog_find(&str[start_idx],sq_getsize(v,1)-start_idx,substr,sq_getsize(v,2));",
    ),
    once(
        STRINGS,
        "__strip_l(str,&start);\n    sq_pushstring(v,start,-1);",
        "__strip_l(str,&start);\n    sq_pushstring(v,start,sq_getsize(v,2)-(start-str));",
    ),
    once(STRINGS, "while(*end != '\\0')\n", "while(end < stemp + sq_getsize(v,2))\n"),
    once(STRINGS, "*end = 0;\n                sq_pushstring(v,start,-1);", "sq_pushstring(v,start,end-start);"),
    once(
        STRINGS,
        "if(end != start)\n    {\n        sq_pushstring(v,start,-1);",
        "if(end != start)\n    {\n        sq_pushstring(v,start,end-start);",
    ),
    once(STRINGS, "if(printfunc) printfunc(v,dest);", "(void)printfunc;\n    calog_print(v,dest,length);"),
    // Room for what is formatted or escaped.
    once(STRINGS, "SQChar fmt[MAX_FORMAT_LEN];", "SQChar fmt[MAX_FORMAT_LEN + 8];"),
    once(STRINGS, "#define ADDITIONAL_FORMAT_SPACE (100*sizeof(SQChar))", "#define ADDITIONAL_FORMAT_SPACE 512"),
    once(
        STRINGS,
        "case 's': i += scsprintf(&dest[i],allocated,fmt,ts); break;",
        "case 's':\n                if(fmt[1] == 's') { memcpy(&dest[i],ts,sq_getsize(v,nparam)); i += sq_getsize(v,nparam); }\n                \
         else i += scsprintf(&dest[i],allocated,fmt,ts);\n                break;",
    ),
    once(
        STRINGS,
        "(SQChar *)sq_getscratchpad(v,destcharsize * sizeof(SQChar));",
        "(SQChar *)sq_getscratchpad(v,destcharsize * sizeof(SQChar) + 1);",
    ),
    once(
        STRINGS,
        "scsprintf(dest, destcharsize, escpat, c);",
        "scsprintf(dest, maxescsize + 1, escpat, (unsigned char)c);",
    ),
    // Instances that are not what the native takes them for, or nothing yet, or something already.
    once(
        STRINGS,
        "#define SETUP_REX(v) \\\n    SQRex *self = NULL; \\\n    sq_getinstanceup(v,1,(SQUserPointer *)&self,0);",
        "static char rex_tag;\n\
         SQBool calog_rex_match(SQRex *exp,const SQChar *text,SQInteger size);\n\n\
         #define SETUP_REX(v) \\\n    SQRex *self = NULL; \\\n    \
         if(SQ_FAILED(sq_getinstanceup(v,1,(SQUserPointer *)&self,&rex_tag)) || !self) \\\n        \
         return sq_throwerror(v,_SC(\"the regexp is invalid\"));",
    ),
    once(
        STRINGS,
        "    sq_pushstring(v,_SC(\"regexp\"),-1);\n    sq_newclass(v,SQFalse);\n",
        "    sq_pushstring(v,_SC(\"regexp\"),-1);\n    sq_newclass(v,SQFalse);\n    sq_settypetag(v,-1,&rex_tag);\n",
    ),
    once(
        STRINGS,
        "    SQRex *rex = sqstd_rex_compile(pattern,&error);",
        "    if(!calog_is_new(v,&rex_tag)) return SQ_ERROR;\n    SQRex *rex = sqstd_rex_compile(pattern,&error);",
    ),
    once(
        BLOB,
        "    //SQBlob *b = new SQBlob(size);",
        "    if(!calog_is_new(v,(SQUserPointer)SQSTD_BLOB_TYPE_TAG)) return SQ_ERROR;\n    calog_ask(size, 1);",
    ),
    once(
        BLOB,
        "    //SQBlob *thisone = new SQBlob(other->Len());",
        "    if(!other) return sq_throwerror(v,_SC(\"the blob is invalid\"));\n    \
         if(!calog_is_new(v,(SQUserPointer)SQSTD_BLOB_TYPE_TAG)) return SQ_ERROR;\n    calog_ask(other->Len(), 1);",
    ),
    once(
        BLOB,
        "    *ptr = blob->GetBuf();",
        "    if(!blob) return sq_throwerror(v,_SC(\"the blob is invalid\"));\n    *ptr = blob->GetBuf();",
    ),
    once(
        FILE,
        "    SQFile *f;\n    SQFILE newf;\n",
        "    SQFile *f;\n    SQFILE newf;\n    \
         if(!calog_is_new(v,(SQUserPointer)SQSTD_FILE_TYPE_TAG)) return SQ_ERROR;\n",
    ),
    // Sizes below zero, blobs that are written to themselves, an interrupt in between.
    once(BLOB, "if(!self->Resize(size))", "if(size < 0 || !self->Resize(size))"),
    once(
        BLOB,
        "    if(sq_gettype(v,2) == OT_NULL) {\n        sq_pushinteger(v, 0);",
        "    if(sq_gettype(v,2) == OT_NULL) {\n        if(self->Len() == 0) return 0;\n        sq_pushinteger(v, 0);",
    ),
    once(
        STREAM,
        "    if(size > self->Len()) {",
        "    if(size < 0) return sq_throwerror(v,_SC(\"the size is negative\"));\n    if(size > self->Len()) {",
    ),
    once(
        STREAM,
        "    blobp = sqstd_createblob(v,res);",
        "    blobp = sqstd_createblob(v,res);\n    if(!blobp) return SQ_ERROR;",
    ),
    once(
        STREAM,
        "    size = sqstd_getblobsize(v,2);",
        "    size = sqstd_getblobsize(v,2);\n    if(size > 0) data = memcpy(sq_getscratchpad(v,size),data,size);",
    ),
    // Bytecode is trusted blindly: none is read.
    once(FILE, "if(SQ_SUCCEEDED(sq_readclosure(v,file_read,file))) {", "if(false) {"),
    // What reaches beyond the interpreter asks first.
    once(
        FILE,
        "        newf = sqstd_fopen(filename, mode);\n",
        "        filename = calog_permit_open(v, filename, mode);\n        if(!filename) return SQ_ERROR;\n        \
         newf = sqstd_fopen(filename, mode);\n",
    ),
    once(
        FILE,
        "    SQFILE file = sqstd_fopen(filename,_SC(\"rb\"));\n",
        "    const SQChar *place = calog_permit(v,CALOG_READ,filename);\n    if(!place) return SQ_ERROR;\n    \
         SQFILE file = sqstd_fopen(place,_SC(\"rb\"));\n",
    ),
    once(
        FILE,
        "    SQFILE file = sqstd_fopen(filename,_SC(\"wb+\"));\n",
        "    filename = calog_permit(v,CALOG_WRITE,filename);\n    if(!filename) return SQ_ERROR;\n    \
         SQFILE file = sqstd_fopen(filename,_SC(\"wb+\"));\n",
    ),
    // What goes to standard output and standard error is output.
    once(
        FILES,
        "    virtual bool EOS() = 0;\n",
        "    virtual bool EOS() = 0;\n    virtual bool IsStandard() { return false; }\n",
    ),
    once(
        FILE,
        "    SQFILE GetHandle() {return _handle;}\n",
        "    SQFILE GetHandle() {return _handle;}\n    bool IsStandard() { return _handle && !_owns; }\n",
    ),
    once(
        STREAM,
        "    if(self->Write(data,size) != size)\n",
        "    if(self->IsStandard() && !calog_count_output(v,size)) return SQ_ERROR;\n    \
         if(self->Write(data,size) != size)\n",
    ),
    once(
        STREAM,
        "SQInteger _stream_writen(HSQUIRRELVM v)\n{\n    SETUP_STREAM(v);\n",
        "SQInteger _stream_writen(HSQUIRRELVM v)\n{\n    SETUP_STREAM(v);\n    \
         if(self->IsStandard() && !calog_count_output(v,sizeof(SQInteger))) return SQ_ERROR;\n",
    ),
    once(
        SYSTEM,
        "        sq_pushstring(v,scgetenv(s),-1);\n",
        "        if(!calog_permit(v,CALOG_ENVIRONMENT,s)) return SQ_ERROR;\n        sq_pushstring(v,scgetenv(s),-1);\n",
    ),
    once(
        SYSTEM,
        "        sq_pushinteger(v,scsystem(s));\n",
        "        if(!calog_permit(v,CALOG_PROCESSES,s)) return SQ_ERROR;\n        sq_pushinteger(v,scsystem(s));\n",
    ),
    once(
        SYSTEM,
        "    if(scremove(s)==-1)\n",
        "    if(!(s = calog_permit(v,CALOG_WRITE,s))) return SQ_ERROR;\n    if(scremove(s)==-1)\n",
    ),
    once(
        SYSTEM,
        "    if(screname(oldn,newn)==-1)\n",
        "    if(!(oldn = calog_permit(v,CALOG_WRITE,oldn))) return SQ_ERROR;\n    \
         if(!(newn = calog_permit(v,CALOG_WRITE,newn))) return SQ_ERROR;\n    if(screname(oldn,newn)==-1)\n",
    ),
    // Two threads that ask for the date.
    once(SYSTEM, "    tm *date;\n", "    tm *date, room;\n"),
    once(SYSTEM, "date = gmtime(&t);", "date = gmtime_r(&t, &room);"),
    once(SYSTEM, "date = localtime(&t);", "date = localtime_r(&t, &room);"),
    // Regular expressions that take for ever, or nest without end.
    once(
        EXPRESSIONS,
        "static SQInteger sqstd_rex_element(SQRex *exp)\n{\n",
        "static SQInteger sqstd_rex_element(SQRex *exp)\n{\n    calog_check();\n",
    ),
    once(
        EXPRESSIONS,
        "static const SQChar *sqstd_rex_matchnode(SQRex* exp,SQRexNode *node,const SQChar *str,SQRexNode *next)\n{\n",
        "static const SQChar *sqstd_rex_matchnode(SQRex* exp,SQRexNode *node,const SQChar *str,SQRexNode *next)\n{\n    calog_check();\n",
    ),
    // Regular expressions that read or write beyond their ends.
    once(EXPRESSIONS, "(SQInteger)scstrlen(pattern) * sizeof(SQChar);", "(SQInteger)scstrlen(pattern) + 1;"),
    once(
        EXPRESSIONS,
        "        default: return (*exp->_p++);",
        "        case 0: sqstd_rex_error(exp,_SC(\"letter expected\"));\n        default: return (*exp->_p++);",
    ),
    once(
        EXPRESSIONS,
        "cb = *++exp->_p; //skip 'm'",
        "cb = *++exp->_p; //skip 'm'\n                     if (!cb) sqstd_rex_error(exp,_SC(\"balanced chars expected\"));",
    ),
    once(
        EXPRESSIONS,
        "         || (!isspace(*str) && isspace(*(str+1)))",
        "         || (str != exp->_eol && !isspace(*str) && isspace(*(str+1)))",
    ),
    Patch {
        file: STRINGS,
        find: "if(sqstd_rex_search(self,str+start,&begin,&end) == SQTrue) {",
        times: 2,
        replace: "if(start < 0 || start > sq_getsize(v,2)) return sq_throwerror(v,_SC(\"the start is out of range\"));\n    \
                  if(sqstd_rex_searchrange(self,str+start,str+sq_getsize(v,2),&begin,&end) == SQTrue) {",
    },
    once(STRINGS, "if(sqstd_rex_match(self,str) == SQTrue)", "if(calog_rex_match(self,str,sq_getsize(v,2)) == SQTrue)"),
    once(
        EXPRESSIONS,
        "SQBool sqstd_rex_match(SQRex* exp,const SQChar* text)\n{\n",
        "SQBool calog_rex_match(SQRex *exp,const SQChar *text,SQInteger size);\n\n\
         SQBool sqstd_rex_match(SQRex* exp,const SQChar* text)\n{\n    return calog_rex_match(exp,text,scstrlen(text));\n}\n\n\
         SQBool calog_rex_match(SQRex *exp,const SQChar *text,SQInteger size)\n{\n",
    ),
    once(EXPRESSIONS, "exp->_eol = text + scstrlen(text);", "exp->_eol = text + size;"),
    // One that is not finished is freed, however its compiler ends.
    once(
        EXPRESSIONS,
        "    exp->_eol = exp->_bol = NULL;\n",
        "    exp->_nodes = NULL;\n    exp->_matches = NULL;\n    exp->_jmpbuf = NULL;\n    exp->_nsubexpr = 0;\n    \
         struct Unfinished { SQRex *exp; ~Unfinished() { sqstd_rex_free(exp); } } unfinished = { exp };\n    \
         exp->_eol = exp->_bol = NULL;\n",
    ),
    once(EXPRESSIONS, "        sqstd_rex_free(exp);\n        return NULL;", "        return NULL;"),
    once(EXPRESSIONS, "    return exp;\n}", "    unfinished.exp = NULL;\n    return exp;\n}"),
];
