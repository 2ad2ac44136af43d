//! Errors: one type, carried in the one result channel, growing a trace as it crosses boundaries.
//!
//! An error is itself a block of the value format (a map of code, message, trace, thrown value), so
//! it crosses the ABI, and one day a process boundary, as any value does.

use std::borrow::Cow;
use std::fmt::{self, Debug, Display, Formatter};

use crate::value::{Aggregate, AggregateView, Builder, Shape, Str, Value, View};

/// A result with calog's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// The fixed words that say what sort of error it is; scripts match on them.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The word.
            pub fn word(self) -> &'static str {
                match self { $(Code::$name => $word,)* }
            }
        }
    };
}

codes! {
    /// A value of another kind was wanted.
    Type = "type",
    /// A number, index or duration outside its bounds.
    Range = "range",
    /// Too few or too many arguments.
    Arity = "arity",
    /// Values nest or calls recurse too deeply.
    Depth = "depth",
    /// A value contains itself.
    Cycle = "cycle",
    /// A value or operation that cannot be had across this boundary.
    Unsupported = "unsupported",
    /// Nothing has that name.
    NotFound = "not_found",
    /// The context, or the party that would have answered, is gone.
    Dead = "dead",
    /// The queue, socket or handle was closed.
    Closed = "closed",
    /// The wait or task was cancelled.
    Cancelled = "cancelled",
    /// The time was up.
    Timeout = "timeout",
    /// A named limit was reached.
    Limit = "limit",
    /// Not allowed to this context.
    Permission = "permission",
    /// Native code panicked; a defect, caught at the boundary.
    Panic = "panic",
    /// A script raised it, or could not be compiled.
    Script = "script",
    /// The operating system refused; the message has its reason.
    Io = "io",
}

impl Code {
    /// The code with this word.
    pub fn from_word(word: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.word() == word)
    }
}

impl Display for Code {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One step of an error's way. Empty texts and zeros mean "not known".
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Frame {
    /// The language of the code.
    pub language: String,
    /// The name of the context it ran in.
    pub context: String,
    /// The function, as its language names it.
    pub function: String,
    /// The file, as it was opened.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1 in bytes.
    pub column: u32,
}

impl Frame {
    fn of(view: View<'_>) -> Frame {
        let text = |key| view.field(key).as_bytes().map_or_else(String::new, |it| String::from_utf8_lossy(it).into());
        let number = |key| view.field(key).as_int().and_then(|it| u32::try_from(it).ok()).unwrap_or(0);
        Frame {
            language: text("language"),
            context: text("context"),
            function: text("function"),
            file: text("file"),
            line: number("line"),
            column: number("column"),
        }
    }

    /// The frame as a map, in the form scripts see.
    pub fn to_value(&self) -> Result<Value> {
        let mut builder = Builder::new();
        self.write(&mut builder)?;
        builder.finish()
    }

    /// The frame in a map that [`to_value`](Frame::to_value) made.
    pub fn from_value(value: View<'_>) -> Option<Frame> {
        value.as_aggregate().map(|_| Frame::of(value))
    }

    fn write(&self, builder: &mut Builder) -> Result<()> {
        builder.begin(Shape::Map)?;
        let texts = [
            ("language", &self.language),
            ("context", &self.context),
            ("function", &self.function),
            ("file", &self.file),
        ];
        for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            builder.key_str(key.as_bytes())?;
            builder.string(text.as_bytes())?;
        }
        for (key, number) in [("line", self.line), ("column", self.column)] {
            if number != 0 {
                builder.key_str(key.as_bytes())?;
                builder.int(number.into());
            }
        }
        builder.end_distinct()
    }
}

impl Display for Frame {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let place = if self.file.is_empty() { &self.context } else { &self.file };
        if place.is_empty() && self.language.is_empty() && !self.function.is_empty() {
            // What is no place in a script, such as a task, is named alone.
            return f.write_str(&self.function);
        }
        f.write_str(if place.is_empty() { "?" } else { place })?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        if !self.function.is_empty() {
            write!(f, " in {}", self.function)?;
        }
        if !self.language.is_empty() {
            write!(f, " ({})", self.language)?;
        }
        Ok(())
    }
}

/// An error: code, message, trace and, when a script threw a value, that value.
#[repr(transparent)]
#[derive(Clone, PartialEq)]
pub struct Error(Aggregate);

/// The levels an error's own form puts around a thrown value or a frame.
const OWN_LEVELS: usize = 3;

/// Frames kept in a trace; of a longer one the outermost are left out.
pub const MAX_FRAMES: usize = 256;

impl Error {
    /// An error without a trace.
    pub fn new(code: Code, message: impl AsRef<str>) -> Error {
        Parts { code: code.word().into(), message: Str::new(message.as_ref()), ..Parts::default() }.error()
    }

    /// What sort of error it is. A word this version does not know reads as `script`.
    pub fn code(&self) -> Code {
        Code::from_word(self.text("code").as_ref()).unwrap_or(Code::Script)
    }

    /// What happened, for a person.
    pub fn message(&self) -> Cow<'_, str> {
        self.text("message")
    }

    /// What the person might do about it, where that is known.
    pub fn help(&self) -> Option<Cow<'_, str>> {
        self.field("help").as_bytes().map(String::from_utf8_lossy)
    }

    /// The value a script threw, when it threw one that is more than a message.
    pub fn thrown(&self) -> Option<View<'_>> {
        self.0.view().get("thrown")
    }

    /// The trace, innermost frame first.
    pub fn frames(&self) -> impl Iterator<Item = Frame> + '_ {
        self.field("trace").as_aggregate().into_iter().flat_map(AggregateView::elements).map(Frame::of)
    }

    /// The trace as scripts see it: a list of maps.
    pub fn trace(&self) -> Value {
        self.field("trace").to_value()
    }

    /// The same error with one more, outer frame.
    pub fn with_frame(&self, frame: Frame) -> Error {
        self.changed(|parts| {
            if parts.frames.len() < MAX_FRAMES {
                parts.frames.push(frame);
            }
        })
    }

    /// The same error with these outer frames.
    pub fn with_frames(&self, frames: impl IntoIterator<Item = Frame>) -> Error {
        self.changed(|parts| {
            let room = MAX_FRAMES.saturating_sub(parts.frames.len());
            parts.frames.extend(frames.into_iter().take(room));
        })
    }

    /// The same error with the value a script threw.
    pub fn with_thrown(&self, thrown: Value) -> Error {
        self.changed(|parts| parts.thrown = Some(thrown))
    }

    /// The same error with a hint what to do.
    pub fn with_help(&self, help: impl AsRef<str>) -> Error {
        self.changed(|parts| parts.help = Some(Str::new(help.as_ref())))
    }

    /// The same error with the dotted key of a configuration that it is about: by it the host finds the
    /// line of `calog.toml`.
    pub fn at_key(&self, key: impl AsRef<str>) -> Error {
        self.changed(|parts| parts.key = Some(Str::new(key.as_ref())))
    }

    /// The key of a configuration that it is about.
    pub fn key(&self) -> Option<Cow<'_, str>> {
        self.field("key").as_bytes().map(String::from_utf8_lossy)
    }

    /// The same error with the place inside a larger whole: `element 3: wanted int, got nil`.
    pub fn inside(&self, place: &str) -> Error {
        let message = format!("{place}: {}", self.message());
        self.changed(|parts| parts.message = Str::new(message))
    }

    fn field(&self, key: &str) -> View<'_> {
        self.0.view().get(key).unwrap_or(View::NIL)
    }

    fn text(&self, key: &str) -> Cow<'_, str> {
        String::from_utf8_lossy(self.field(key).as_bytes().unwrap_or_default())
    }

    fn changed(&self, change: impl FnOnce(&mut Parts)) -> Error {
        let mut parts = Parts {
            code: self.text("code").into_owned(),
            message: self.field("message").to_owned_str().unwrap_or_else(|| Str::new("")),
            help: self.field("help").to_owned_str(),
            key: self.field("key").to_owned_str(),
            frames: self.frames().collect(),
            thrown: self.thrown().map(View::to_value),
        };
        change(&mut parts);
        parts.error()
    }
}

/// An error taken apart.
struct Parts {
    code: String,
    message: Str,
    help: Option<Str>,
    key: Option<Str>,
    frames: Vec<Frame>,
    thrown: Option<Value>,
}

impl Default for Parts {
    fn default() -> Parts {
        Parts { code: String::new(), message: Str::new(""), help: None, key: None, frames: Vec::new(), thrown: None }
    }
}

impl Parts {
    fn error(mut self) -> Error {
        if let Ok(aggregate) = self.build() {
            return Error(aggregate);
        }
        // Only the thrown value can be too large for an error around it; the message says enough.
        self.thrown = None;
        match self.build() {
            Ok(aggregate) => Error(aggregate),
            Err(error) => error,
        }
    }

    fn build(&self) -> Result<Aggregate> {
        let mut builder = Builder::with_extra_depth(OWN_LEVELS);
        builder.begin(Shape::Map)?;
        builder.key_str(b"code")?;
        builder.string(self.code.as_bytes())?;
        builder.key_str(b"message")?;
        builder.string(self.message.as_bytes())?;
        if let Some(help) = &self.help {
            builder.key_str(b"help")?;
            builder.string(help.as_bytes())?;
        }
        if let Some(key) = &self.key {
            builder.key_str(b"key")?;
            builder.string(key.as_bytes())?;
        }
        builder.key_str(b"trace")?;
        builder.begin(Shape::List)?;
        for frame in &self.frames {
            frame.write(&mut builder)?;
        }
        builder.end_distinct()?;
        if let Some(thrown) = &self.thrown {
            builder.key_str(b"thrown")?;
            builder.value(thrown)?;
        }
        builder.end_distinct()?;
        match builder.finish()? {
            Value::Aggregate(aggregate) => Ok(aggregate),
            // A builder whose outermost push is an aggregate finishes as one.
            _ => unreachable!("a map was built"),
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message())?;
        self.frames().try_for_each(|frame| write!(f, "\n  at {frame}"))
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        Error::new(Code::Io, error.to_string())
    }
}
