//! The raw hooks by which QuickJS asks for modules. What they decide is in `modules`.
//!
//! Nothing in these hooks pumps but `modules::normalise` for a dynamic import, and then no module is
//! half made: so a nested import can never meet one.

use std::ffi::{CStr, CString, c_void};
use std::os::raw::{c_char, c_int};

use calog_plugin_api::{Code, Error};
use rquickjs::{Ctx, Value as Js, qjs};

use super::{Fail, RawContext, adopt, adopt_result, attach, enter, free, realm_at, throw_fail};
use crate::modules::{self, Loaded};
use crate::realm::Realm;

/// Installs the hooks.
pub(crate) fn install_loader(context: RawContext) {
    // SAFETY: alive; the hooks find their realm by the context.
    unsafe {
        let runtime = qjs::JS_GetRuntime(context.ptr());
        qjs::JS_SetModuleLoaderFunc(runtime, Some(normalise), Some(load), std::ptr::null_mut());
    }
}

/// Runs a hook's safe part; a panic or an error becomes the pending exception of `ctx`.
///
/// # Safety
/// Called by QuickJS with a context that has a realm.
unsafe fn hook<T>(ctx: *mut qjs::JSContext, part: impl FnOnce(&Realm) -> Result<T, Fail>) -> Option<T> {
    // SAFETY: the caller vouches for the context.
    let realm = unsafe { realm_at(ctx) };
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| part(realm))) {
        Ok(Ok(value)) => Some(value),
        Ok(Err(fail)) => {
            // The exception slot is the runtime's, so it does not matter which context throws.
            throw_fail(realm, fail);
            None
        }
        Err(payload) => {
            realm.note_panic(payload);
            super::throw_uncatchable(realm);
            None
        }
    }
}

unsafe extern "C" fn normalise(
    ctx: *mut qjs::JSContext,
    base: *const c_char,
    name: *const c_char,
    _opaque: *mut c_void,
) -> *mut c_char {
    // SAFETY: QuickJS passes strings that end with NUL; what is returned is its own copy, which it frees.
    unsafe {
        let (base, name) = (CStr::from_ptr(base).to_string_lossy(), CStr::from_ptr(name).to_string_lossy());
        match hook(ctx, |realm| modules::normalise(realm, &base, &name)) {
            Some(name) => qjs::js_strndup(ctx, name.as_ptr().cast(), name.len() as qjs::size_t),
            None => std::ptr::null_mut(),
        }
    }
}

unsafe extern "C" fn load(
    ctx: *mut qjs::JSContext,
    name: *const c_char,
    _opaque: *mut c_void,
) -> *mut qjs::JSModuleDef {
    // SAFETY: as `normalise`; a module belongs to its context.
    unsafe {
        let name = CStr::from_ptr(name).to_string_lossy();
        let module = hook(ctx, |realm| match modules::load(realm, &name)? {
            Loaded::Source(text) => compile_raw(ctx, &name, &text),
            Loaded::Foreign(names) => foreign(ctx, &name, &names),
        });
        module.unwrap_or(std::ptr::null_mut())
    }
}

fn has_nul(what: &str) -> Fail {
    Error::new(Code::Script, format!("{what} contains a NUL character")).into()
}

/// Compiles a module and what it imports. The context owns it.
///
/// # Safety
/// The context is alive and has a realm.
unsafe fn compile_raw(ctx: *mut qjs::JSContext, name: &str, text: &[u8]) -> Result<*mut qjs::JSModuleDef, Fail> {
    let file = CString::new(name).map_err(|_| has_nul("a module's name"))?;
    // QuickJS wants a NUL behind the source.
    let mut source = text.to_vec();
    source.push(0);
    // SAFETY: the caller vouches for the context.
    let realm = unsafe { realm_at(ctx) };
    let (_compiling, _lifted) = (realm.modules.compiling(), realm.memory.lift());
    let flags = (qjs::JS_EVAL_TYPE_MODULE | qjs::JS_EVAL_FLAG_COMPILE_ONLY) as c_int;
    // SAFETY: the caller vouches for the context; the count of the value is given back, as the context
    // keeps its modules.
    unsafe {
        let value = qjs::JS_Eval(ctx, source.as_ptr().cast(), text.len() as qjs::size_t, file.as_ptr(), flags);
        if qjs::JS_IsException(value) {
            return Err(Fail::Thrown);
        }
        let module = qjs::JS_VALUE_GET_PTR(value).cast::<qjs::JSModuleDef>();
        set_meta(ctx, module, name);
        free(ctx, value);
        Ok(module)
    }
}

/// `import.meta.url`.
///
/// # Safety
/// The context is alive and the module its own.
unsafe fn set_meta(ctx: *mut qjs::JSContext, module: *mut qjs::JSModuleDef, name: &str) {
    let url = if name.starts_with('/') { format!("file://{name}") } else { name.to_owned() };
    // SAFETY: the caller vouches for both; the string is handed over.
    unsafe {
        let meta = qjs::JS_GetImportMeta(ctx, module);
        if qjs::JS_IsException(meta) {
            free(ctx, qjs::JS_GetException(ctx));
            return;
        }
        let url = qjs::JS_NewStringLen(ctx, url.as_ptr().cast(), url.len() as qjs::size_t);
        qjs::JS_DefinePropertyValueStr(ctx, meta, c"url".as_ptr(), url, qjs::JS_PROP_C_W_E as c_int);
        free(ctx, meta);
    }
}

/// A module that stands for a script of another language.
///
/// # Safety
/// The context is alive and has a realm.
unsafe fn foreign(ctx: *mut qjs::JSContext, name: &str, exports: &[String]) -> Result<*mut qjs::JSModuleDef, Fail> {
    let name = CString::new(name).map_err(|_| has_nul("a module's name"))?;
    // SAFETY: the caller vouches for the context; names are copied.
    unsafe {
        let module = qjs::JS_NewCModule(ctx, name.as_ptr(), Some(fill));
        if module.is_null() {
            return Err(Fail::Thrown);
        }
        for export in exports {
            let export = CString::new(export.as_str()).map_err(|_| has_nul("an export's name"))?;
            if qjs::JS_AddModuleExport(ctx, module, export.as_ptr()) < 0 {
                return Err(Fail::Thrown);
            }
        }
        Ok(module)
    }
}

/// Sets the exports of a foreign module, when it is evaluated.
unsafe extern "C" fn fill(ctx: *mut qjs::JSContext, module: *mut qjs::JSModuleDef) -> c_int {
    // SAFETY: QuickJS calls this with the module that `foreign` made; values are handed over.
    unsafe {
        let name = module_name(ctx, module);
        let filled = hook(ctx, |realm| {
            enter(realm, |ctx| {
                for (export, value) in modules::foreign_exports(ctx, &name)? {
                    let export = CString::new(export).map_err(|_| has_nul("an export's name"))?;
                    let context = ctx.as_raw().as_ptr();
                    let value = qjs::JS_DupValue(context, value.as_raw());
                    if qjs::JS_SetModuleExport(context, module, export.as_ptr(), value) < 0 {
                        return Err(Fail::Thrown);
                    }
                }
                Ok(())
            })
        });
        if filled.is_some() { 0 } else { -1 }
    }
}

/// # Safety
/// The context is alive and the module its own.
unsafe fn module_name(ctx: *mut qjs::JSContext, module: *mut qjs::JSModuleDef) -> String {
    // SAFETY: the caller vouches for both; atom and string are freed.
    unsafe {
        let atom = qjs::JS_GetModuleName(ctx, module);
        let text = qjs::JS_AtomToCStringLen(ctx, std::ptr::null_mut(), atom);
        let name = if text.is_null() { String::new() } else { CStr::from_ptr(text).to_string_lossy().into_owned() };
        qjs::JS_FreeCString(ctx, text);
        qjs::JS_FreeAtom(ctx, atom);
        name
    }
}

/// A main module that was compiled, with all it imports, and not yet run.
pub(crate) struct Module<'js> {
    ctx: Ctx<'js>,
    module: *mut qjs::JSModuleDef,
}

/// Compiles a main module. The context keeps it.
pub(crate) fn compile<'js>(ctx: &Ctx<'js>, name: &str, text: &[u8]) -> Result<Module<'js>, Fail> {
    // SAFETY: a `Ctx` exists only inside an entry of a realm.
    let module = unsafe { compile_raw(ctx.as_raw().as_ptr(), name, text)? };
    Ok(Module { ctx: ctx.clone(), module })
}

/// Links a compiled module and runs it: its namespace, and the promise of its end.
pub(crate) fn link_and_run<'js>(module: &Module<'js>) -> rquickjs::Result<(Js<'js>, Js<'js>)> {
    let ctx = &module.ctx;
    let context = ctx.as_raw().as_ptr();
    // SAFETY: the context keeps the module; running it takes one count, which is made for it: a module
    // value counts the module def as QuickJS's own `JS_NewModuleValue` does.
    unsafe {
        let value = qjs::JS_DupValue(context, qjs::JS_MKPTR(qjs::JS_TAG_MODULE, module.module.cast()));
        let promise = adopt_result(ctx, qjs::JS_EvalFunction(context, value))?;
        let namespace = adopt_result(ctx, qjs::JS_GetModuleNamespace(context, module.module))?;
        Ok((namespace, promise))
    }
}

/// Compiles a module in a context of its own, which is thrown away: its imports pass through the
/// hooks, and nothing of it stays.
pub(crate) fn scratch(realm: &Realm, name: &str, text: &[u8]) -> Result<(), Fail> {
    // A context that is half made is as bad as code that is half compiled.
    let _lifted = realm.memory.lift();
    // SAFETY: alive, thread; the scratch context finds the same realm, and is freed here.
    unsafe {
        let runtime = qjs::JS_GetRuntime(realm.context.ptr());
        let Some(raw) = std::ptr::NonNull::new(qjs::JS_NewContextRaw(runtime)) else {
            return Err(Error::new(Code::Limit, "out of memory").into());
        };
        let context = RawContext(raw);
        attach(context, realm);
        qjs::JS_AddIntrinsicBaseObjects(context.ptr());
        qjs::JS_AddIntrinsicEval(context.ptr());
        qjs::JS_AddIntrinsicRegExpCompiler(context.ptr());
        let result = compile_raw(context.ptr(), name, text);
        let result = match result {
            Ok(_) => Ok(()),
            // The exception's prototypes belong to the scratch context; as a calog error it is free of it.
            Err(Fail::Thrown) => {
                let ctx = Ctx::from_raw(raw);
                let value = adopt(&ctx, qjs::JS_GetException(context.ptr()));
                Err(Fail::Error(crate::errors::of_exception(realm, &value)))
            }
            Err(fail) => Err(fail),
        };
        qjs::JS_FreeContext(context.ptr());
        result
    }
}
