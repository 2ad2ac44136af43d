//! Into JavaScript's functions, and the queue of jobs.

use calog_plugin_api::{Args, CallInfo, Error, FunctionKey, Value};
use rquickjs::{Ctx, Value as Js, qjs};

use super::keys::Few;
use super::{Fail, adopt, enter, free, realm_of};
use crate::errors;
use crate::realm::Realm;

/// What a function came to.
pub(crate) enum Called<'js> {
    /// It returned, or what it returned cannot cross, or it threw.
    Done(Result<Value, Error>),
    /// It returned a promise.
    Promise(Js<'js>),
}

/// Calls a function that left this realm as a callable.
#[inline]
pub(crate) fn call_pinned<'js>(
    ctx: &Ctx<'js>,
    key: FunctionKey,
    info: &CallInfo,
    args: Args<'_>,
) -> Option<Called<'js>> {
    let realm = realm_of(ctx);
    let context = realm.context.ptr();
    let lenient = realm.lenient || info.lenient();
    let function = realm.functions.with(key, |pin| pin.value)?;
    // SAFETY: alive; the function is held by a count of its own for the length of the call, as its pin
    // may be released meanwhile; arguments and result are freed.
    unsafe {
        let function = qjs::JS_DupValue(context, function);
        let mut values = Few::new();
        let mut fail = None;
        for view in args {
            // Small ints go straight into their place; others are made elsewhere and moved there.
            if let Some(small) = view.as_int().and_then(|int| i32::try_from(int).ok()) {
                values.push_int(small);
                continue;
            }
            match super::write::to_raw(realm, view, lenient) {
                Ok(value) => values.push(value),
                Err(reason) => {
                    fail = Some(reason);
                    break;
                }
            }
        }
        let called = match fail {
            Some(fail) => Called::Done(Err(errors::of_fail(ctx, fail))),
            None => {
                let args = values.as_slice();
                let start = args.as_ptr().cast_mut();
                finish(ctx, qjs::JS_Call(context, function, qjs::JS_UNDEFINED, args.len() as i32, start), lenient)
            }
        };
        for &value in values.as_slice() {
            free(context, value);
        }
        free(context, function);
        Some(called)
    }
}

/// Takes a result apart.
///
/// # Safety
/// The result is owned by the caller.
#[inline]
unsafe fn finish<'js>(ctx: &Ctx<'js>, result: qjs::JSValue, lenient: bool) -> Called<'js> {
    let realm = realm_of(ctx);
    // SAFETY: the caller vouches for the result, which is freed or handed on.
    unsafe {
        if qjs::JS_VALUE_GET_TAG(result) == qjs::JS_TAG_INT {
            return Called::Done(Ok(Value::Int(qjs::JS_VALUE_GET_INT(result).into())));
        }
        if qjs::JS_IsException(result) {
            return Called::Done(Err(errors::caught(ctx)));
        }
        if qjs::JS_IsPromise(result) {
            return Called::Promise(adopt(ctx, result));
        }
        let value = super::read::read_raw(realm, result, lenient);
        free(realm.context.ptr(), result);
        Called::Done(value.map_err(|fail| errors::of_fail(ctx, fail)))
    }
}

/// Whether the queue has a job.
#[inline]
pub(crate) fn has_jobs(realm: &Realm) -> bool {
    // SAFETY: alive, thread.
    unsafe { qjs::JS_IsJobPending(qjs::JS_GetRuntime(realm.context.ptr())) }
}

/// Runs one job, if there is one: `None` when the queue is empty, else the exception it ended with.
pub(crate) fn run_job(realm: &Realm) -> Option<Result<(), Error>> {
    let context = realm.context.ptr();
    // SAFETY: alive, thread.
    unsafe {
        let runtime = qjs::JS_GetRuntime(context);
        let mut of = std::ptr::null_mut();
        match qjs::JS_ExecutePendingJob(runtime, &mut of) {
            0 => None,
            1 => Some(Ok(())),
            _ => Some(Err(enter(realm, errors::caught))),
        }
    }
}

/// Makes an error the pending exception.
pub(crate) fn throw(ctx: &Ctx<'_>, error: &Error) {
    match errors::to_js(ctx, error) {
        Ok(value) => {
            // The error that rquickjs returns only says that there is an exception now.
            let _ = ctx.throw(value);
        }
        // Making it failed with an exception of its own, which then is the pending one.
        Err(_) => debug_assert!(ctx.has_exception()),
    }
}

/// Where the running code is, as a stack trace's text.
pub(crate) fn backtrace(ctx: &Ctx<'_>) -> String {
    let context = ctx.as_raw().as_ptr();
    // SAFETY: alive; the format has no directives; what is made is freed.
    unsafe {
        let error = qjs::JS_NewPlainError(context, c"".as_ptr());
        if qjs::JS_IsException(error) {
            free(context, qjs::JS_GetException(context));
            return String::new();
        }
        let error = adopt(ctx, error);
        let stack = error.as_object().and_then(|it| it.get::<_, String>("stack").ok());
        stack.unwrap_or_default()
    }
}

impl From<rquickjs::Error> for Fail {
    fn from(error: rquickjs::Error) -> Fail {
        match error {
            rquickjs::Error::Exception => Fail::Thrown,
            other => Fail::Error(Error::new(calog_plugin_api::Code::Script, other.to_string())),
        }
    }
}
