//! Out of JavaScript: C values into Values.
//!
//! Scalars and strings are borrowed where they stand; aggregates are walked once, into a builder.
//! Getters run while an object is walked and may call anything, so no borrow is held meanwhile.

use std::ffi::c_void;
use std::os::raw::{c_char, c_int};

use calog_plugin_api::{Builder, Callable, Code, Error, Object, Shape, Str, Value, View};
use rquickjs::{Value as Js, qjs};

use super::bound::Bound;
use super::held::{self, Held};
use super::keys::Keys;
use super::{RawContext, free};
use crate::realm::Realm;

/// Integers up to here, and down to its negative, are exact as JavaScript numbers.
pub(super) const MAX_SAFE: u64 = (1 << 53) - 1;

/// More elements than this cannot be in one block; a sparse array's length may say so all the same.
const MAX_ELEMENTS: i64 = (calog_plugin_api::MAX_BLOCK_BYTES / 16) as i64;

/// Why a conversion stopped.
pub(crate) enum Fail {
    /// An exception is pending in the context.
    Thrown,
    /// The value cannot cross.
    Error(Error),
}

impl From<Error> for Fail {
    fn from(error: Error) -> Fail {
        Fail::Error(error)
    }
}

/// A number: an int where it is integral and safe, -0, NaN and infinities a real.
#[inline]
fn number(real: f64) -> View<'static> {
    let int = real as i64;
    if int as f64 == real && int.unsigned_abs() <= MAX_SAFE && (int != 0 || real.is_sign_positive()) {
        View::int(int)
    } else {
        View::real(real)
    }
}

/// What needs neither memory nor a look inside: numbers, truth values, nothing.
///
/// # Safety
/// The value is alive.
#[inline(always)]
pub(super) unsafe fn scalar(value: qjs::JSValue) -> Option<View<'static>> {
    // SAFETY: the tag says which accessor fits.
    unsafe {
        match qjs::JS_VALUE_GET_TAG(value) {
            qjs::JS_TAG_INT => Some(View::int(qjs::JS_VALUE_GET_INT(value).into())),
            qjs::JS_TAG_FLOAT64 => Some(number(qjs::JS_VALUE_GET_FLOAT64(value))),
            qjs::JS_TAG_BOOL => Some(View::bool(qjs::JS_VALUE_GET_BOOL(value))),
            qjs::JS_TAG_NULL | qjs::JS_TAG_UNDEFINED | qjs::JS_TAG_UNINITIALIZED => Some(View::NIL),
            _ => None,
        }
    }
}

/// A JavaScript string's bytes, held until it is dropped.
struct Text {
    context: RawContext,
    start: *const c_char,
    len: usize,
}

impl Text {
    /// # Safety
    /// The context is alive, and the value is a string or one that may be asked for its string.
    #[inline]
    unsafe fn of(context: RawContext, value: qjs::JSValue) -> Result<Text, Fail> {
        let mut len = 0;
        // SAFETY: the caller vouches for both.
        let start = unsafe { qjs::JS_ToCStringLen2(context.ptr(), &mut len, value, false) };
        if start.is_null() { Err(Fail::Thrown) } else { Ok(Text { context, start, len: len as usize }) }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        // SAFETY: QuickJS holds the bytes until they are freed in `drop`.
        unsafe { std::slice::from_raw_parts(self.start.cast(), self.len) }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        // SAFETY: alive; freed once.
        unsafe { qjs::JS_FreeCString(self.context.ptr(), self.start) };
    }
}

/// Whether the bytes QuickJS gave for a string are UTF-8: all but lone surrogates are.
#[inline]
pub(super) fn is_text(bytes: &[u8]) -> bool {
    bytes.is_ascii() || std::str::from_utf8(bytes).is_ok()
}

pub(super) fn lone_surrogate() -> Error {
    Error::new(Code::Unsupported, "a string with a lone surrogate is no text and cannot cross")
}

/// Lone surrogates, as QuickJS writes them (ED A0..BF xx), become U+FFFD.
pub(super) fn repair(bytes: &[u8]) -> Vec<u8> {
    let mut fixed = bytes.to_vec();
    let mut at = 0;
    while at + 2 < fixed.len() {
        if fixed[at] == 0xED && fixed[at + 1] >= 0xA0 {
            fixed[at..at + 3].copy_from_slice("\u{FFFD}".as_bytes());
            at += 3;
        } else {
            at += 1;
        }
    }
    fixed
}

/// A value of JavaScript as a Value.
pub(crate) fn read(realm: &Realm, value: &Js<'_>, lenient: bool) -> Result<Value, Fail> {
    // SAFETY: the value is alive, and a `Js` exists only inside an entry.
    unsafe { read_raw(realm, value.as_raw(), lenient) }
}

/// # Safety
/// Inside an entry of the realm; the value is alive.
#[inline]
pub(super) unsafe fn read_raw(realm: &Realm, value: qjs::JSValue, lenient: bool) -> Result<Value, Fail> {
    // SAFETY: the caller vouches for it.
    unsafe {
        if let Some(view) = scalar(value) {
            return Ok(view.to_value());
        }
        if qjs::JS_IsString(value) {
            let text = Text::of(realm.context, value)?;
            if is_text(text.bytes()) {
                return Ok(Value::String(Str::try_new(text.bytes())?));
            }
        }
        with_reader(realm, lenient, |walk| walk.value(value))
    }
}

/// A string's text, lone surrogates replaced; none for any other value.
pub(crate) fn text(value: &Js<'_>) -> Option<String> {
    if !value.is_string() {
        return None;
    }
    match read(super::realm_of(value.ctx()), value, true) {
        Ok(Value::String(text)) => text.to_str().map(str::to_owned),
        _ => None,
    }
}

/// A module's exports as a map.
pub(crate) fn exports(realm: &Realm, namespace: &Js<'_>, lenient: bool) -> Result<Value, Fail> {
    // SAFETY: as `read`.
    with_reader(realm, lenient, |walk| unsafe {
        let names = Names::of(realm.context, namespace.as_raw())?;
        walk.reader.builder.begin(Shape::Map)?;
        walk.pairs(namespace.as_raw(), names.as_slice())?;
        Ok(walk.reader.builder.end_distinct()?)
    })
}

/// What a walk over values needs, reused from one conversion to the next.
pub(crate) struct Reader {
    builder: Builder,
    /// The aggregates that are being walked, outermost first.
    path: Vec<*mut c_void>,
    keys: Keys,
}

impl Reader {
    fn new() -> Reader {
        Reader { builder: Builder::new(), path: Vec::new(), keys: Keys::new() }
    }
}

fn with_reader(
    realm: &Realm,
    lenient: bool,
    convert: impl FnOnce(&mut Walk<'_>) -> Result<(), Fail>,
) -> Result<Value, Fail> {
    let mut reader = realm.reader.take().unwrap_or_else(|| Box::new(Reader::new()));
    let mut walk = Walk { realm, ctx: realm.context.ptr(), lenient, reader: &mut reader };
    let converted = convert(&mut walk);
    let value = match converted {
        Ok(()) => reader.builder.finish().map_err(Fail::Error),
        Err(fail) => {
            reader.builder.reset();
            Err(fail)
        }
    };
    reader.path.clear();
    // SAFETY: alive; the builder has copied the keys' bytes.
    unsafe { reader.keys.clear(realm.context.ptr()) };
    realm.reader.set(Some(reader));
    value
}

/// An object's own enumerable names.
struct Names {
    context: RawContext,
    start: *mut qjs::JSPropertyEnum,
    count: u32,
}

impl Names {
    /// # Safety
    /// The context is alive and so is the object.
    unsafe fn of(context: RawContext, object: qjs::JSValue) -> Result<Names, Fail> {
        let (mut start, mut count) = (std::ptr::null_mut(), 0);
        let flags = (qjs::JS_GPN_STRING_MASK | qjs::JS_GPN_ENUM_ONLY) as c_int;
        // SAFETY: the caller vouches for both.
        let status = unsafe { qjs::JS_GetOwnPropertyNames(context.ptr(), &mut start, &mut count, object, flags) };
        if status < 0 { Err(Fail::Thrown) } else { Ok(Names { context, start, count }) }
    }

    fn as_slice(&self) -> &[qjs::JSPropertyEnum] {
        if self.start.is_null() {
            return &[];
        }
        // SAFETY: QuickJS wrote as many.
        unsafe { std::slice::from_raw_parts(self.start, self.count as usize) }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // SAFETY: alive; freed once.
        unsafe { qjs::JS_FreePropertyEnum(self.context.ptr(), self.start, self.count) };
    }
}

/// Atoms of array indices carry this bit and the index.
const INDEX_ATOM: u32 = 1 << 31;

/// One conversion. Its methods are to be called inside an entry of the realm, with values that are
/// alive: that is the safety condition of each.
struct Walk<'r> {
    realm: &'r Realm,
    ctx: *mut qjs::JSContext,
    lenient: bool,
    reader: &'r mut Reader,
}

impl Walk<'_> {
    unsafe fn value(&mut self, value: qjs::JSValue) -> Result<(), Fail> {
        // SAFETY: the caller vouches for the value.
        unsafe {
            if let Some(view) = scalar(value) {
                return Ok(self.reader.builder.view(view)?);
            }
            match qjs::JS_VALUE_GET_TAG(value) {
                qjs::JS_TAG_STRING | qjs::JS_TAG_STRING_ROPE => self.string(value),
                qjs::JS_TAG_OBJECT => self.object(value),
                qjs::JS_TAG_BIG_INT | qjs::JS_TAG_SHORT_BIG_INT => self.big_int(value),
                _ => self.odd("a Symbol"),
            }
        }
    }

    unsafe fn string(&mut self, value: qjs::JSValue) -> Result<(), Fail> {
        // SAFETY: the caller vouches for the value.
        let text = unsafe { Text::of(self.realm.context, value)? };
        if is_text(text.bytes()) {
            return Ok(self.reader.builder.string(text.bytes())?);
        }
        if !self.lenient {
            return Err(lone_surrogate().into());
        }
        Ok(self.reader.builder.string(&repair(text.bytes()))?)
    }

    /// What has no counterpart: refused, or nil when lenient.
    fn odd(&mut self, what: &str) -> Result<(), Fail> {
        if self.lenient {
            self.reader.builder.nil();
            return Ok(());
        }
        Err(Error::new(
            Code::Unsupported,
            format!("{what} cannot leave JavaScript: wanted data, a function or an object"),
        )
        .into())
    }

    unsafe fn big_int(&mut self, value: qjs::JSValue) -> Result<(), Fail> {
        // SAFETY: the caller vouches for the value.
        match unsafe { self.exact_int(value)? } {
            Some(int) => self.reader.builder.int(int),
            None if self.lenient => {
                let mut real = 0.0;
                // SAFETY: the caller vouches for the value; what is made is freed.
                unsafe {
                    let text = Text::of(self.realm.context, value)?;
                    let digits = std::str::from_utf8(text.bytes()).unwrap_or_default();
                    real = digits.parse().unwrap_or(real);
                }
                self.reader.builder.real(real);
            }
            None => {
                return Err(Error::new(Code::Range, "a BigInt that does not fit into 64 bits cannot cross").into());
            }
        }
        Ok(())
    }

    /// The BigInt as an int, if it is one of 64 bits.
    unsafe fn exact_int(&mut self, value: qjs::JSValue) -> Result<Option<i64>, Fail> {
        let mut int = 0;
        // SAFETY: the caller vouches for the value; the BigInt made to compare with is freed.
        unsafe {
            if qjs::JS_ToBigInt64(self.ctx, &mut int, value) < 0 {
                return Err(Fail::Thrown);
            }
            let back = qjs::JS_NewBigInt64(self.ctx, int);
            let same = qjs::JS_IsStrictEqual(self.ctx, back, value);
            free(self.ctx, back);
            Ok(same.then_some(int))
        }
    }

    unsafe fn object(&mut self, value: qjs::JSValue) -> Result<(), Fail> {
        let classes = &self.realm.classes;
        // SAFETY: the caller vouches for the value.
        unsafe {
            let class = qjs::JS_GetClassID(value);
            if class == classes.object {
                return self.plain(value);
            }
            if class == classes.array {
                return self.inside(value, |walk| walk.array(value));
            }
            if qjs::JS_IsFunction(self.ctx, value) {
                let callable = callable(self.realm, value)?;
                self.reader.builder.callable(callable);
                return Ok(());
            }
            if class == classes.held
                && let Some(object) = object_of(self.realm, value)
            {
                self.reader.builder.object(object.clone());
                return Ok(());
            }
            if qjs::JS_IsMap(value) {
                return self.inside(value, |walk| walk.map(value));
            }
            if let Some(bytes) = self.bytes(value, class)? {
                return Ok(self.reader.builder.bytes(bytes)?);
            }
            self.special(value)
        }
    }

    /// Walks into an aggregate, unless it is inside of itself.
    unsafe fn inside(
        &mut self,
        value: qjs::JSValue,
        walk: impl FnOnce(&mut Self) -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        // SAFETY: only the address is looked at.
        let address = unsafe { qjs::JS_VALUE_GET_PTR(value) };
        if self.reader.path.contains(&address) {
            return Err(Error::new(Code::Cycle, "a value that contains itself cannot cross").into());
        }
        self.reader.path.push(address);
        walk(self)?;
        self.reader.path.pop();
        Ok(())
    }

    /// An object of no special class: a map, if its prototype says that it is no class's instance.
    unsafe fn plain(&mut self, value: qjs::JSValue) -> Result<(), Fail> {
        // SAFETY: the caller vouches for the value; the prototype's count is given back.
        unsafe {
            let prototype = qjs::JS_GetPrototype(self.ctx, value);
            let address = qjs::JS_VALUE_GET_PTR(prototype);
            let plain = qjs::JS_IsNull(prototype) || address.addr() == self.realm.object_prototype.get();
            free(self.ctx, prototype);
            if !plain && !self.lenient {
                return self.odd(&instance_text(self.realm.context, value));
            }
            self.record(value)
        }
    }

    /// An object's own enumerable properties, as a map.
    unsafe fn record(&mut self, value: qjs::JSValue) -> Result<(), Fail> {
        // SAFETY: the caller vouches for the value.
        unsafe {
            self.inside(value, |walk| {
                walk.reader.builder.begin(Shape::Map)?;
                let names = Names::of(walk.realm.context, value)?;
                walk.pairs(value, names.as_slice())?;
                Ok(walk.reader.builder.end_distinct()?)
            })
        }
    }

    unsafe fn pairs(&mut self, object: qjs::JSValue, names: &[qjs::JSPropertyEnum]) -> Result<(), Fail> {
        for name in names {
            // SAFETY: the caller vouches for the object; the names are held by the caller; the
            // property's value is freed.
            unsafe {
                self.key(name.atom)?;
                let property = qjs::JS_GetProperty(self.ctx, object, name.atom);
                if qjs::JS_IsException(property) {
                    return Err(Fail::Thrown);
                }
                let read = self.value(property);
                free(self.ctx, property);
                read?;
            }
        }
        Ok(())
    }

    #[inline]
    unsafe fn key(&mut self, atom: qjs::JSAtom) -> Result<(), Fail> {
        // SAFETY: the caller vouches for the atom.
        let (bytes, fresh) = unsafe { self.reader.keys.bytes(self.ctx, atom) }.ok_or(Fail::Thrown)?;
        if fresh && !is_text(bytes) {
            if !self.lenient {
                return Err(lone_surrogate().into());
            }
            return Ok(self.reader.builder.key_str(&repair(bytes))?);
        }
        // The builder takes the number for an address and leaves its lowest four bits out.
        Ok(self.reader.builder.key_interned((atom as usize) << 4, bytes)?)
    }

    unsafe fn array(&mut self, value: qjs::JSValue) -> Result<(), Fail> {
        // SAFETY: the caller vouches for the value; each element is freed.
        unsafe {
            let mut length = 0;
            if qjs::JS_GetLength(self.ctx, value, &mut length) < 0 {
                return Err(Fail::Thrown);
            }
            if length > MAX_ELEMENTS {
                return Err(Error::new(Code::Limit, format!("an array of length {length} is too large")).into());
            }
            self.reader.builder.begin(Shape::List)?;
            for index in 0..length {
                let element = qjs::JS_GetPropertyInt64(self.ctx, value, index);
                if let Some(view) = scalar(element) {
                    self.reader.builder.view(view)?;
                    continue;
                }
                if qjs::JS_IsException(element) {
                    return Err(Fail::Thrown);
                }
                let read = self.value(element);
                free(self.ctx, element);
                read?;
            }
            let names = Names::of(self.realm.context, value)?;
            // Indices come first.
            let named = names.as_slice().partition_point(|name| name.atom & INDEX_ATOM != 0);
            self.pairs(value, &names.as_slice()[named..])?;
            Ok(self.reader.builder.end_distinct()?)
        }
    }

    unsafe fn map(&mut self, value: qjs::JSValue) -> Result<(), Fail> {
        let entries = crate::globals::map_entries(self.realm, |ctx| {
            // SAFETY: the caller vouches for the value; the duplicate is owned by what is made of it.
            unsafe { super::adopt(ctx, qjs::JS_DupValue(self.ctx, value)) }
        })?;
        self.reader.builder.begin(Shape::Map)?;
        // SAFETY: the entries are held by the pin; what is taken out of them is freed.
        unsafe {
            let mut count = 0;
            if qjs::JS_GetLength(self.ctx, entries.value, &mut count) < 0 {
                return Err(Fail::Thrown);
            }
            for at in (0..count).step_by(2) {
                let key = qjs::JS_GetPropertyInt64(self.ctx, entries.value, at);
                let item = qjs::JS_GetPropertyInt64(self.ctx, entries.value, at + 1);
                let read = self.entry(key, item);
                free(self.ctx, key);
                free(self.ctx, item);
                read?;
            }
        }
        Ok(self.reader.builder.end()?)
    }

    unsafe fn entry(&mut self, key: qjs::JSValue, item: qjs::JSValue) -> Result<(), Fail> {
        // SAFETY: the caller vouches for both.
        unsafe {
            let view = scalar(key);
            match view {
                Some(view) if view.as_int().is_some() => self.reader.builder.key_view(view)?,
                Some(view) if view.as_real().is_some_and(|real| !real.is_nan()) => {
                    self.reader.builder.key_view(view)?;
                }
                None if qjs::JS_IsString(key) => {
                    let text = Text::of(self.realm.context, key)?;
                    match is_text(text.bytes()) {
                        true => self.reader.builder.key_str(text.bytes())?,
                        false if self.lenient => self.reader.builder.key_str(&repair(text.bytes()))?,
                        false => return Err(lone_surrogate().into()),
                    }
                }
                None if qjs::JS_IsBigInt(key) => match self.exact_int(key)? {
                    Some(int) => self.reader.builder.key_int(int)?,
                    None => return self.odd_key(),
                },
                _ => return self.odd_key(),
            }
            self.value(item)
        }
    }

    fn odd_key(&self) -> Result<(), Fail> {
        if self.lenient {
            return Ok(());
        }
        let message = "a Map with a key that is neither a string nor a number cannot cross";
        Err(Error::new(Code::Unsupported, message).into())
    }

    /// The bytes of a Uint8Array or ArrayBuffer.
    unsafe fn bytes<'a>(&self, value: qjs::JSValue, class: qjs::JSClassID) -> Result<Option<&'a [u8]>, Fail> {
        let mut size = 0;
        // SAFETY: the caller vouches for the value, which holds the bytes; no JavaScript runs before
        // they are copied.
        unsafe {
            let start = if class == self.realm.classes.array_buffer {
                qjs::JS_GetArrayBuffer(self.ctx, &mut size, value)
            } else if qjs::JS_GetTypedArrayType(value) == qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT8 as c_int {
                qjs::JS_GetUint8Array(self.ctx, &mut size, value)
            } else {
                return Ok(None);
            };
            if !start.is_null() {
                return Ok(Some(std::slice::from_raw_parts(start, size as usize)));
            }
            if qjs::JS_HasException(self.ctx) { Err(Fail::Thrown) } else { Ok(Some(&[])) }
        }
    }

    /// Objects of classes that have no counterpart; a module's namespace is a map.
    unsafe fn special(&mut self, value: qjs::JSValue) -> Result<(), Fail> {
        // SAFETY: the caller vouches for the value; the prototype's count is given back.
        unsafe {
            if qjs::JS_IsProxy(value) {
                return if self.lenient { self.record(value) } else { self.odd("a Proxy") };
            }
            let prototype = qjs::JS_GetPrototype(self.ctx, value);
            let bare = qjs::JS_IsNull(prototype);
            free(self.ctx, prototype);
            if bare || self.lenient { self.record(value) } else { self.odd(&instance_text(self.realm.context, value)) }
        }
    }
}

/// What an object is, for a message: "an instance of Point".
unsafe fn instance_text(context: RawContext, value: qjs::JSValue) -> String {
    let ctx = context.ptr();
    // SAFETY: the caller vouches for the value; everything taken out is freed, and an exception that a
    // getter threw is dropped.
    unsafe {
        let constructor = qjs::JS_GetPropertyStr(ctx, value, c"constructor".as_ptr());
        let name = match qjs::JS_IsObject(constructor) {
            true => qjs::JS_GetPropertyStr(ctx, constructor, c"name".as_ptr()),
            false => qjs::JS_UNDEFINED,
        };
        let text = if qjs::JS_IsString(name) { Text::of(context, name).ok() } else { None };
        let text = text.map(|text| String::from_utf8_lossy(text.bytes()).into_owned()).filter(|it| !it.is_empty());
        free(ctx, name);
        free(ctx, constructor);
        if qjs::JS_HasException(ctx) {
            free(ctx, qjs::JS_GetException(ctx));
        }
        text.map_or_else(|| "an object of a class".into(), |name| format!("an instance of {name}"))
    }
}

/// A function as a callable: a foreign one is what it stands for, an own one gets its key.
unsafe fn callable(realm: &Realm, value: qjs::JSValue) -> Result<Callable, Fail> {
    // SAFETY: the caller vouches for the value.
    unsafe {
        if let Some(bound) = Bound::of(realm, value)
            && let Some(callable) = bound.as_callable(realm, value)
        {
            return Ok(callable);
        }
        let address = qjs::JS_VALUE_GET_PTR(value).addr();
        Ok(realm.functions.publish(&realm.host, address, || super::Pin::of(realm.context, value))?)
    }
}

/// The Object a value stands for.
unsafe fn object_of<'a>(realm: &Realm, value: qjs::JSValue) -> Option<&'a Object> {
    // SAFETY: the caller vouches for the value.
    match unsafe { held::opaque(realm, value) }? {
        Held::Object(object) => Some(object),
        Held::Error(..) => None,
    }
}
