//! Compiling without a limit of memory. QuickJS's compiler does not stand an allocation that is refused: it
//! frees what it has half made, and the process ends. So it gets what it asks for, and the code that asked
//! finds at its next allocation that it is over its limit.

use std::ffi::{CString, c_int};

use calog_plugin_api::{Code, Error};
use rquickjs::{Ctx, Value as Js, qjs};

use super::{adopt_result, realm_of};
use crate::errors;

/// Evaluates a global script: compiled without a limit, run with it.
pub(crate) fn evaluate<'js>(ctx: &Ctx<'js>, code: &str) -> rquickjs::Result<Js<'js>> {
    let Ok(source) = CString::new(code) else {
        return Err(errors::raise(ctx, &Error::new(Code::Script, "the code contains a NUL character")));
    };
    let context = ctx.as_raw().as_ptr();
    let flags = (qjs::JS_EVAL_TYPE_GLOBAL | qjs::JS_EVAL_FLAG_COMPILE_ONLY) as c_int;
    // SAFETY: alive; the source ends with a NUL; what was compiled is handed over to be run.
    unsafe {
        let compiled = {
            let _lifted = realm_of(ctx).memory.lift();
            qjs::JS_Eval(context, source.as_ptr(), code.len() as qjs::size_t, c"<eval>".as_ptr(), flags)
        };
        if qjs::JS_IsException(compiled) {
            return Err(rquickjs::Error::Exception);
        }
        adopt_result(ctx, qjs::JS_EvalFunction(context, compiled))
    }
}
