//! Natives written as typed Rust closures: arguments convert themselves, with precise errors.

use std::sync::Arc;

use crate::abi::{Args, CallInfo, Callable, Native, NativeType, Object, Outcome};
use crate::completion::Completion;
use crate::descriptor::{Descriptor, Param};
use crate::error::{Code, Error, Result};
use crate::value::{AggregateView, FromView, Str, Value, View};

/// Where a call's arguments are taken from, one by one.
pub struct Cursor<'a> {
    info: &'a CallInfo,
    args: Args<'a>,
    defaults: &'a [Option<Value>],
    next: usize,
}

impl<'a> Cursor<'a> {
    /// The next argument, its default, or nil.
    #[inline]
    fn peek(&self) -> View<'a> {
        let given = self.args.get(self.next);
        match self.defaults.get(self.next) {
            Some(Some(default)) if given.is_nil() => default.view(),
            _ => given,
        }
    }

    /// Takes what [`peek`](Cursor::peek) shows.
    #[inline]
    fn take(&mut self) -> View<'a> {
        let view = self.peek();
        self.next += 1;
        view
    }
}

/// A type that a parameter of a typed native may have.
pub trait Argument {
    /// The type with the lifetime of one call.
    type Item<'a>;
    /// What a descriptor says of it; `None` for what takes no argument.
    fn describe() -> Option<Param>;
    /// Takes it from a call.
    ///
    /// # Errors
    /// When the argument does not have the type.
    fn take<'a>(cursor: &mut Cursor<'a>) -> Result<Self::Item<'a>>;
}

fn described(type_name: &str, optional: bool, variadic: bool) -> Option<Param> {
    Some(Param { type_name: type_name.into(), optional, variadic, ..Param::default() })
}

macro_rules! plain_arguments {
    ($lifetime:lifetime: $($type:ty => $item:ty;)*) => {
        $(impl Argument for $type {
            type Item<$lifetime> = $item;
            fn describe() -> Option<Param> {
                #[allow(clippy::extra_unused_lifetimes)]
                fn wanted<$lifetime>() -> &'static str {
                    <$item as FromView>::WANTED
                }
                described(wanted(), wanted() == "any", false)
            }
            #[inline]
            fn take<$lifetime>(cursor: &mut Cursor<$lifetime>) -> Result<$item> {
                <$item>::from_view(cursor.take())
            }
        })*
    };
}

plain_arguments! { 'a:
    bool => bool; i8 => i8; i16 => i16; i32 => i32; i64 => i64; u8 => u8; u16 => u16; u32 => u32; u64 => u64;
    usize => usize; f64 => f64; String => String; Str => Str; Value => Value; Callable => Callable; Object => Object;
    &str => &'a str; &[u8] => &'a [u8]; View<'_> => View<'a>; &Callable => &'a Callable; &Object => &'a Object;
    AggregateView<'_> => AggregateView<'a>;
}

impl<T: for<'a> FromView<'a> + 'static> Argument for Vec<T> {
    type Item<'a> = Vec<T>;
    fn describe() -> Option<Param> {
        described("list", false, false)
    }
    fn take<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<T>> {
        Vec::from_view(cursor.take())
    }
}

impl<T: Argument> Argument for Option<T> {
    type Item<'a> = Option<T::Item<'a>>;
    fn describe() -> Option<Param> {
        T::describe().map(|param| Param { optional: true, ..param })
    }
    #[inline]
    fn take<'a>(cursor: &mut Cursor<'a>) -> Result<Option<T::Item<'a>>> {
        if cursor.peek().is_nil() {
            cursor.next += 1;
            return Ok(None);
        }
        T::take(cursor).map(Some)
    }
}

/// All further arguments.
pub struct Rest<'a>(pub Args<'a>);

impl Argument for Rest<'_> {
    type Item<'a> = Rest<'a>;
    fn describe() -> Option<Param> {
        described("any", true, true)
    }
    fn take<'a>(cursor: &mut Cursor<'a>) -> Result<Rest<'a>> {
        let rest = cursor.args.from(cursor.next);
        cursor.next = cursor.args.len();
        Ok(Rest(rest))
    }
}

impl Argument for &CallInfo {
    type Item<'a> = &'a CallInfo;
    fn describe() -> Option<Param> {
        None
    }
    #[inline]
    fn take<'a>(cursor: &mut Cursor<'a>) -> Result<&'a CallInfo> {
        Ok(cursor.info)
    }
}

/// What a typed native may give back.
pub trait Answer {
    /// It as an outcome.
    fn outcome(self) -> Outcome;
}

impl<T: Into<Value>> Answer for T {
    #[inline]
    fn outcome(self) -> Outcome {
        Outcome::Ready(self.into())
    }
}

impl<T: Answer> Answer for Result<T> {
    #[inline]
    fn outcome(self) -> Outcome {
        self.map_or_else(Outcome::Failed, Answer::outcome)
    }
}

impl Answer for Outcome {
    #[inline]
    fn outcome(self) -> Outcome {
        self
    }
}

impl Answer for Completion {
    fn outcome(self) -> Outcome {
        Outcome::Pending(self)
    }
}

/// A closure that can be a native; implemented for closures of up to eight typed parameters.
pub trait TypedClosure<Types>: Send + Sync + 'static {
    /// What it takes.
    fn params() -> Vec<Param>;
    /// Whether it takes any number of arguments.
    fn variadic() -> bool;
    /// Takes its arguments and runs.
    ///
    /// # Errors
    /// When an argument does not have its type; the cursor then stands behind it.
    fn run(&self, cursor: &mut Cursor<'_>) -> Result<Outcome>;
}

macro_rules! typed_closures {
    ($(($($type:ident)*))*) => {
        $(impl<F, R, $($type),*> TypedClosure<fn($($type,)*) -> R> for F
        where
            $($type: Argument,)*
            R: Answer,
            F: Send + Sync + 'static,
            F: Fn($($type),*) -> R,
            F: for<'a> Fn($($type::Item<'a>),*) -> R,
        {
            fn params() -> Vec<Param> {
                let params: Vec<Option<Param>> = vec![$($type::describe()),*];
                params.into_iter().flatten().collect()
            }

            fn variadic() -> bool {
                false $(|| $type::describe().is_some_and(|param| param.variadic))*
            }

            #[inline]
            #[allow(non_snake_case, unused_variables)]
            fn run(&self, cursor: &mut Cursor<'_>) -> Result<Outcome> {
                $(let $type = $type::take(cursor)?;)*
                Ok(self($($type),*).outcome())
            }
        })*
    };
}

typed_closures! {
    () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E G) (A B C D E G H) (A B C D E G H I)
}

/// A native under construction: a name, a typed closure, and words about it.
///
/// ```
/// use calog_plugin_api::Function;
/// let repeat = Function::new("text.repeat", |text: &str, times: usize| text.repeat(times))
///     .params(["text", "times = 2"])
///     .doc("Repeats a text.");
/// assert_eq!(
///     repeat.build()?.descriptor().signature(),
///     "text.repeat(text: string of valid UTF-8, times: int = 2)",
/// );
/// # Ok::<(), calog_plugin_api::Error>(())
/// ```
pub struct Function {
    descriptor: Descriptor,
    /// Given by `params`, looked at by `build`, so that the chain needs no error of its own.
    names: Option<Vec<String>>,
    draft: Box<dyn Draft>,
}

impl Function {
    /// A native of this closure. Its name is dotted: "math.add".
    pub fn new<Types: 'static>(name: impl Into<String>, closure: impl TypedClosure<Types>) -> Function {
        let draft = Typed { closure, types: std::marker::PhantomData };
        let descriptor = Descriptor { name: name.into(), params: draft.params(), ..Descriptor::default() };
        Function { descriptor, names: None, draft: Box::new(draft) }
    }

    /// Names its parameters; `"times = 2"` also gives a default, written as JSON.
    #[must_use]
    pub fn params<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Function {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Says in one line what it does.
    #[must_use]
    pub fn doc(mut self, line: impl Into<String>) -> Function {
        self.descriptor.doc = line.into();
        self
    }

    /// Says what it gives: "int", "list of string".
    #[must_use]
    pub fn returns(mut self, type_name: impl Into<String>) -> Function {
        self.descriptor.returns = type_name.into();
        self
    }

    /// Sets flags of [`Descriptor`].
    #[must_use]
    pub fn flags(mut self, flags: u32) -> Function {
        self.descriptor.flags |= flags;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.descriptor.name
    }

    /// The native.
    ///
    /// # Errors
    /// `arity` when there are not as many names as parameters, `type` when a default is no JSON or
    /// does not have a simple type.
    pub fn build(mut self) -> Result<Native> {
        match self.names.take() {
            Some(names) => self.name_params(&names)?,
            None => {
                for (at, param) in self.descriptor.params.iter_mut().enumerate() {
                    param.name = format!("arg{}", at + 1);
                }
            }
        }
        Ok(self.draft.native(self.descriptor))
    }

    fn name_params(&mut self, names: &[String]) -> Result<()> {
        let Descriptor { name, params, .. } = &mut self.descriptor;
        if names.len() != params.len() {
            return Err(Error::new(
                Code::Arity,
                format!("{name}: {} names for {} parameters: {names:?}", names.len(), params.len()),
            ));
        }
        for (param, text) in params.iter_mut().zip(names) {
            let (param_name, default) = match text.split_once('=') {
                Some((param_name, default)) => (param_name, Some(default)),
                None => (text.as_str(), None),
            };
            param.name = param_name.trim().into();
            if let Some(default) = default {
                param.default = Some(read_default(default.trim()).ok_or_else(|| {
                    Error::new(Code::Type, format!("{name}: the default of '{}' cannot be read", param.name))
                })?);
                param.optional = true;
            }
        }
        Ok(())
    }
}

/// A simple value written as JSON.
fn read_default(text: &str) -> Option<Value> {
    match text {
        "nil" | "null" => Some(Value::Nil),
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ => {
            if let Some(inside) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                // Escapes are not read, so a text that has some is refused rather than taken as it stands.
                return (!inside.contains(['\\', '"'])).then(|| Value::from(inside));
            }
            text.parse::<i64>().map(Value::Int).ok().or_else(|| text.parse().map(Value::Real).ok())
        }
    }
}

/// A closure whose descriptor is not final.
trait Draft: Send + Sync {
    fn native(self: Box<Self>, descriptor: Descriptor) -> Native;
}

struct Typed<F, Types> {
    closure: F,
    types: std::marker::PhantomData<fn() -> Types>,
}

impl<F: TypedClosure<Types>, Types> Typed<F, Types> {
    fn params(&self) -> Vec<Param> {
        F::params()
    }
}

impl<F: TypedClosure<Types>, Types: 'static> Draft for Typed<F, Types> {
    fn native(self: Box<Self>, descriptor: Descriptor) -> Native {
        let Typed { closure, types } = *self;
        let defaults = if descriptor.params.iter().any(|param| param.default.is_some()) {
            descriptor.params.iter().map(|param| param.default.clone()).collect()
        } else {
            Vec::new()
        };
        let most = if F::variadic() { usize::MAX } else { descriptor.params.len() };
        Native::new(Arc::new(TypedNative { closure, descriptor, defaults, most, types }))
    }
}

struct TypedNative<F, Types> {
    closure: F,
    descriptor: Descriptor,
    /// Empty when no parameter has one.
    defaults: Vec<Option<Value>>,
    /// How many arguments it takes at most.
    most: usize,
    types: std::marker::PhantomData<fn() -> Types>,
}

impl<F: TypedClosure<Types>, Types: 'static> NativeType for TypedNative<F, Types> {
    #[inline]
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        if args.len() > self.most {
            return Outcome::Failed(self.too_many(args.len()));
        }
        let mut cursor = Cursor { info, args, defaults: &self.defaults, next: 0 };
        match self.closure.run(&mut cursor) {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed(self.bad_argument(&error, cursor.next, args.len())),
        }
    }

    fn descriptor(&self) -> Value {
        self.descriptor.to_value().unwrap_or_default()
    }

    fn flags(&self) -> u32 {
        self.descriptor.flags
    }
}

impl<F, Types> TypedNative<F, Types> {
    #[cold]
    fn too_many(&self, given: usize) -> Error {
        let Descriptor { name, params, .. } = &self.descriptor;
        let most = params.len();
        let s = if most == 1 { "" } else { "s" };
        Error::new(Code::Arity, format!("{name}: takes at most {most} argument{s}, got {given}"))
            .with_help(format!("it is {}", self.descriptor.signature()))
    }

    #[cold]
    fn bad_argument(&self, error: &Error, position: usize, given: usize) -> Error {
        let Descriptor { name, params, .. } = &self.descriptor;
        let param = params.get(position.saturating_sub(1)).map_or("?", |param| &param.name);
        let help = format!("it is {}", self.descriptor.signature());
        if position > given {
            let message = format!("{name}: argument {position} '{param}' is missing");
            return Error::new(Code::Arity, message).with_help(help);
        }
        error.inside(&format!("{name}: argument {position} '{param}'")).with_help(help)
    }
}
