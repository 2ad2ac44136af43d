//! The arguments of a method, taken one by one, with the messages that typed natives give.

use calog_plugin_api::{Args, Code, Descriptor, Error, FromView, Param, Result, View};

/// What a method is called and takes.
pub(crate) struct Signature {
    /// With its kind: "connection.send".
    pub(crate) name: &'static str,
    /// Names and types; an optional parameter's type ends with `?`.
    pub(crate) params: &'static [(&'static str, &'static str)],
    pub(crate) returns: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) waits: bool,
}

impl Signature {
    /// The name without the kind.
    pub(crate) fn method(&self) -> &'static str {
        self.name.rsplit_once('.').map_or(self.name, |(_, method)| method)
    }

    pub(crate) fn descriptor(&self) -> Descriptor {
        let param = |(name, type_name): &(&str, &str)| Param {
            name: (*name).into(),
            type_name: type_name.trim_end_matches('?').into(),
            optional: type_name.ends_with('?'),
            ..Param::default()
        };
        let mut descriptor = Descriptor::method(self.method());
        descriptor.params = self.params.iter().map(param).collect();
        (descriptor.returns, descriptor.doc) = (self.returns.into(), self.doc.into());
        descriptor.with_flags(if self.waits { Descriptor::WAITS } else { 0 })
    }
}

/// What a method was called with.
pub(crate) struct Arguments<'a> {
    signature: &'static Signature,
    args: Args<'a>,
    next: usize,
}

impl<'a> Arguments<'a> {
    /// # Errors
    /// `arity` when there are too many.
    pub(crate) fn new(signature: &'static Signature, args: Args<'a>) -> Result<Arguments<'a>> {
        let most = signature.params.len();
        if args.len() > most {
            let s = if most == 1 { "" } else { "s" };
            let message = format!("{}: takes at most {most} argument{s}, got {}", signature.name, args.len());
            return Err(Error::new(Code::Arity, message));
        }
        Ok(Arguments { signature, args, next: 0 })
    }

    /// The next one.
    ///
    /// # Errors
    /// `arity` when it is missing, and what its type says.
    pub(crate) fn take<T: FromView<'a>>(&mut self) -> Result<T> {
        let view = self.view();
        if self.next > self.args.len() {
            let message = format!("{} is missing", self.place());
            return Err(Error::new(Code::Arity, message));
        }
        T::from_view(view).map_err(|error| error.inside(&self.place()))
    }

    /// The next one, unless it is nil or left out.
    ///
    /// # Errors
    /// What its type says.
    pub(crate) fn optional<T: FromView<'a>>(&mut self) -> Result<Option<T>> {
        let view = self.view();
        <Option<T>>::from_view(view).map_err(|error| error.inside(&self.place()))
    }

    fn view(&mut self) -> View<'a> {
        let view = self.args.get(self.next);
        self.next += 1;
        view
    }

    /// The last one taken, for messages.
    pub(crate) fn place(&self) -> String {
        let at = self.next;
        let name = self.signature.params.get(at.wrapping_sub(1)).map_or("?", |(name, _)| name);
        format!("{}: argument {at} '{name}'", self.signature.name)
    }

    /// The error that the last one is out of its bounds.
    pub(crate) fn out_of_range(&self, wanted: &str, got: impl std::fmt::Display) -> Error {
        Error::new(Code::Range, format!("{}: wanted {wanted}, got {got}", self.place()))
    }
}
