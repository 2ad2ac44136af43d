//! Into JavaScript: views into C values.
//!
//! A block's keys become atoms once, whatever the number of maps that use them; lists are handed over
//! in bulk; properties are defined, not set, so that no setter and no `__proto__` gets between.

use calog_plugin_api::{AggregateView, Callable, Code, Error, Kind, Object, Pair, Shape, Value, View};
use rquickjs::{Ctx, Value as Js, qjs};

use super::bound::{Bound, How, Target};
use super::read::MAX_SAFE;
use super::{Fail, adopt, enter, free};
use crate::realm::Realm;

/// A view as a JavaScript value.
pub(crate) fn write<'js>(ctx: &Ctx<'js>, view: View<'_>, lenient: bool) -> rquickjs::Result<Js<'js>> {
    let realm = super::realm_of(ctx);
    // SAFETY: inside an entry; the result is owned.
    match unsafe { to_raw(realm, view, lenient).map(|value| adopt(ctx, value)) } {
        Ok(value) => Ok(value),
        Err(fail) => {
            super::throw_fail(realm, fail);
            Err(rquickjs::Error::Exception)
        }
    }
}

/// A view as an owned C value.
///
/// # Safety
/// Inside an entry of the realm.
#[inline]
pub(super) unsafe fn to_raw(realm: &Realm, view: View<'_>, lenient: bool) -> Result<qjs::JSValue, Fail> {
    // SAFETY: the caller vouches for the entry.
    unsafe {
        match view.kind() {
            Kind::Nil => Ok(qjs::JS_NULL),
            Kind::Bool => Ok(qjs::JS_MKVAL(qjs::JS_TAG_BOOL, (view.as_bool() == Some(true)).into())),
            Kind::Int => checked(int(realm, view.as_int().unwrap_or_default())),
            Kind::Real => Ok(qjs::JS_NewFloat64(view.as_real().unwrap_or_default())),
            Kind::String => checked(string(realm, view)),
            Kind::Callable => match view.as_callable() {
                Some(callable) => checked(function(realm, callable)),
                None => Ok(qjs::JS_NULL),
            },
            Kind::Object => match view.as_object() {
                Some(object) => own_object(realm, object),
                None => Ok(qjs::JS_NULL),
            },
            Kind::Aggregate => match view.as_aggregate() {
                Some(aggregate) => with_writer(realm, aggregate, lenient),
                None => Ok(qjs::JS_NULL),
            },
        }
    }
}

/// # Safety
/// The value is what a C function just returned.
#[inline]
unsafe fn checked(value: qjs::JSValue) -> Result<qjs::JSValue, Fail> {
    // SAFETY: only the tag is looked at.
    if unsafe { qjs::JS_IsException(value) } { Err(Fail::Thrown) } else { Ok(value) }
}

/// # Safety
/// Inside an entry of the realm.
#[inline]
unsafe fn int(realm: &Realm, int: i64) -> qjs::JSValue {
    if let Ok(small) = i32::try_from(int) {
        return qjs::JS_MKVAL(qjs::JS_TAG_INT, small);
    }
    if int.unsigned_abs() <= MAX_SAFE {
        return qjs::__JS_NewFloat64(int as f64);
    }
    // SAFETY: the caller vouches for the entry.
    unsafe { qjs::JS_NewBigInt64(realm.context.ptr(), int) }
}

/// # Safety
/// Inside an entry of the realm.
#[inline]
unsafe fn string(realm: &Realm, view: View<'_>) -> qjs::JSValue {
    let bytes = view.as_bytes().unwrap_or_default();
    let text = !view.is_bytes() && (bytes.is_ascii() || std::str::from_utf8(bytes).is_ok());
    let ctx = realm.context.ptr();
    // SAFETY: the caller vouches for the entry; the bytes are copied.
    unsafe {
        if text {
            qjs::JS_NewStringLen(ctx, bytes.as_ptr().cast(), bytes.len() as qjs::size_t)
        } else {
            qjs::JS_NewUint8ArrayCopy(ctx, bytes.as_ptr(), bytes.len() as qjs::size_t)
        }
    }
}

/// A callable: an own one is the function it came from, a foreign one always the same function.
///
/// # Safety
/// Inside an entry of the realm.
unsafe fn function(realm: &Realm, callable: &Callable) -> qjs::JSValue {
    // SAFETY: the caller vouches for the entry; duplicates are owned by what is returned.
    unsafe {
        if let Some(known) = Bound::known(realm, callable) {
            return known;
        }
        let own = realm.host.own_key(callable);
        if let Some(value) = own.and_then(|key| realm.functions.with(key, |pin| pin.value)) {
            return qjs::JS_DupValue(realm.context.ptr(), value);
        }
        Bound::make(realm, Target::Callable(callable.clone()), How::InPlace)
    }
}

/// # Safety
/// Inside an entry of the realm.
unsafe fn own_object(realm: &Realm, object: &Object) -> Result<qjs::JSValue, Fail> {
    enter(realm, |ctx| {
        let value = crate::objects::wrap(ctx, object).map_err(|_| Fail::Thrown)?;
        // SAFETY: the duplicate is owned by what is returned.
        Ok(unsafe { qjs::JS_DupValue(ctx.as_raw().as_ptr(), value.as_raw()) })
    })
}

/// What writing aggregates needs, reused from one conversion to the next.
#[derive(Default)]
pub(crate) struct Writer {
    /// The atom of each key id of the block, 0 for one not yet met.
    atoms: Vec<qjs::JSAtom>,
    /// Elements of the lists that are being written.
    elements: Vec<qjs::JSValue>,
}

/// # Safety
/// Inside an entry of the realm.
#[inline(never)]
unsafe fn with_writer(realm: &Realm, aggregate: AggregateView<'_>, lenient: bool) -> Result<qjs::JSValue, Fail> {
    let mut writer = realm.writer.take().unwrap_or_default();
    writer.atoms.resize(aggregate.key_ids(), 0);
    let ctx = realm.context.ptr();
    // SAFETY: the caller vouches for the entry; atoms and left-over elements are freed once.
    unsafe {
        let value = Block { realm, ctx, lenient, writer: &mut writer }.aggregate(aggregate);
        for atom in writer.atoms.drain(..).filter(|&atom| atom != 0) {
            qjs::JS_FreeAtom(ctx, atom);
        }
        for element in writer.elements.drain(..) {
            free(ctx, element);
        }
        realm.writer.set(Some(writer));
        value
    }
}

/// The writing of one block. Its methods are to be called inside an entry of the realm: that is the
/// safety condition of each; what they return is owned by the caller.
struct Block<'r> {
    realm: &'r Realm,
    ctx: *mut qjs::JSContext,
    lenient: bool,
    writer: &'r mut Writer,
}

impl Block<'_> {
    unsafe fn value(&mut self, view: View<'_>) -> Result<qjs::JSValue, Fail> {
        // SAFETY: the caller vouches for the entry.
        unsafe {
            match view.as_aggregate() {
                Some(aggregate) => self.aggregate(aggregate),
                None => to_raw(self.realm, view, self.lenient),
            }
        }
    }

    unsafe fn aggregate(&mut self, aggregate: AggregateView<'_>) -> Result<qjs::JSValue, Fail> {
        // SAFETY: the caller vouches for the entry.
        unsafe {
            if aggregate.shape() == Shape::List {
                return self.list(aggregate);
            }
            if aggregate.pairs().any(|pair| pair.key.kind() != Kind::String) {
                return self.map(aggregate);
            }
            let object = match aggregate.list_len() {
                0 => checked(qjs::JS_NewObject(self.ctx))?,
                _ => {
                    self.check_names(aggregate)?;
                    self.list(aggregate)?
                }
            };
            match self.properties(object, aggregate) {
                Ok(()) => Ok(object),
                Err(fail) => {
                    free(self.ctx, object);
                    Err(fail)
                }
            }
        }
    }

    unsafe fn list(&mut self, aggregate: AggregateView<'_>) -> Result<qjs::JSValue, Fail> {
        let base = self.writer.elements.len();
        // SAFETY: the caller vouches for the entry; the elements are handed over to the array, or
        // stay where `with_writer` frees them.
        unsafe {
            for element in aggregate.elements() {
                let value = self.value(element)?;
                self.writer.elements.push(value);
            }
            let elements = &self.writer.elements[base..];
            let array = qjs::JS_NewArrayFrom(self.ctx, elements.len() as i32, elements.as_ptr());
            self.writer.elements.truncate(base);
            checked(array)
        }
    }

    unsafe fn properties(&mut self, object: qjs::JSValue, aggregate: AggregateView<'_>) -> Result<(), Fail> {
        let flags = qjs::JS_PROP_C_W_E as i32;
        for pair in aggregate.pairs() {
            // SAFETY: the caller vouches for entry and object; the value is handed over.
            unsafe {
                let atom = self.atom(pair)?;
                let value = self.value(pair.value)?;
                if qjs::JS_DefinePropertyValue(self.ctx, object, atom, value, flags) < 0 {
                    return Err(Fail::Thrown);
                }
            }
        }
        Ok(())
    }

    #[inline]
    unsafe fn atom(&mut self, pair: Pair<'_>) -> Result<qjs::JSAtom, Fail> {
        let known = self.writer.atoms[pair.key_id as usize];
        if known != 0 {
            return Ok(known);
        }
        let bytes = pair.key.as_bytes().unwrap_or_default();
        if !bytes.is_ascii() && std::str::from_utf8(bytes).is_err() {
            return self.broken_key(pair);
        }
        // SAFETY: the caller vouches for the entry; the bytes are copied.
        let atom = unsafe { qjs::JS_NewAtomLen(self.ctx, bytes.as_ptr().cast(), bytes.len() as qjs::size_t) };
        if atom == qjs::JS_ATOM_NULL {
            return Err(Fail::Thrown);
        }
        self.writer.atoms[pair.key_id as usize] = atom;
        Ok(atom)
    }

    /// A property's name is text: bytes that are not become U+FFFD when lenient.
    #[cold]
    fn broken_key(&mut self, pair: Pair<'_>) -> Result<qjs::JSAtom, Fail> {
        if !self.lenient {
            let message = "a key that is not valid UTF-8 cannot be a property in JavaScript";
            return Err(Error::new(Code::Unsupported, message).into());
        }
        let name = String::from_utf8_lossy(pair.key.as_bytes().unwrap_or_default()).into_owned();
        // SAFETY: methods are called inside an entry; the bytes are copied.
        let atom = unsafe { qjs::JS_NewAtomLen(self.ctx, name.as_ptr().cast(), name.len() as qjs::size_t) };
        if atom == qjs::JS_ATOM_NULL {
            return Err(Fail::Thrown);
        }
        self.writer.atoms[pair.key_id as usize] = atom;
        Ok(atom)
    }

    /// An array has indices and a length of its own: names that are these cannot stand beside them.
    fn check_names(&self, aggregate: AggregateView<'_>) -> Result<(), Fail> {
        let index = |key: &[u8]| key.iter().all(u8::is_ascii_digit) && (key == b"0" || !key.starts_with(b"0"));
        let clash = aggregate.pairs().find(|pair| {
            let key = pair.key.as_bytes().unwrap_or_default();
            key == b"length" || (!key.is_empty() && index(key))
        });
        match clash {
            Some(pair) if !self.lenient || pair.key.as_bytes() == Some(b"length") => Err(both(pair.key)),
            _ => Ok(()),
        }
    }

    /// With int or real keys: a `Map`, the list part under 0 and up.
    unsafe fn map(&mut self, aggregate: AggregateView<'_>) -> Result<qjs::JSValue, Fail> {
        let covered = |key: View<'_>| {
            let at = key.as_int().and_then(|int| usize::try_from(int).ok());
            at.filter(|&at| at < aggregate.list_len())
        };
        if !self.lenient
            && let Some(pair) = aggregate.pairs().find(|pair| covered(pair.key).is_some())
        {
            return Err(both(pair.key));
        }
        let base = self.writer.elements.len();
        // SAFETY: the caller vouches for the entry; the entries are handed over to the array, or stay
        // where `with_writer` frees them.
        let flat = unsafe {
            for (at, element) in aggregate.elements().enumerate() {
                self.writer.elements.push(int(self.realm, at as i64));
                let value = self.value(element)?;
                self.writer.elements.push(value);
            }
            for pair in aggregate.pairs() {
                let key = self.value(pair.key)?;
                self.writer.elements.push(key);
                let value = self.value(pair.value)?;
                self.writer.elements.push(value);
            }
            let entries = &self.writer.elements[base..];
            let flat = qjs::JS_NewArrayFrom(self.ctx, entries.len() as i32, entries.as_ptr());
            self.writer.elements.truncate(base);
            checked(flat)?
        };
        enter(self.realm, |ctx| {
            // SAFETY: the array is owned here; the duplicate is owned by what is returned.
            unsafe {
                let flat = adopt(ctx, flat);
                let map = crate::globals::make_map(ctx, flat).map_err(|_| Fail::Thrown)?;
                Ok(qjs::JS_DupValue(self.ctx, map.as_raw()))
            }
        })
    }
}

fn both(key: View<'_>) -> Fail {
    let key: Value = key.to_value();
    let message = format!("the list part and the key {key:?} cannot both be in one JavaScript value");
    Error::new(Code::Unsupported, message).into()
}
