//! What can go wrong inside BASIC: one of its own numbered errors, an error of the broker, or the end
//! of the program. A fault has no place; whoever knows the running code adds it.

use std::borrow::Cow;

use calog_plugin_api::{Code, Error};

macro_rules! faults {
    ($($name:ident = $number:literal $text:literal,)*) => {
        /// BASIC's own errors, by their numbers.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub(crate) enum Number { $($name = $number,)* }

        impl Number {
            /// The warning of a division by zero.
            pub(crate) const DIVIDE_BY_ZERO: &str = "Divide by zero";

            /// The warning of a function that has no value for a number.
            pub(crate) const NO_VALUE: &str = "No value for this number";

            /// What it says.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Number::$name => $text,)* }
            }

            /// The error of this number.
            pub(crate) fn from_number(number: i64) -> Option<Number> {
                match number { $($number => Some(Number::$name),)* _ => None }
            }
        }
    };
}

faults! {
    FailedToOpen = 4 "Failed to open file",
    InvalidCharacter = 6 "Invalid character",
    InvalidModule = 7 "Invalid module",
    ProgramTooLong = 10 "Program too long",
    Syntax = 11 "Syntax error",
    OutOfMemory = 12 "Out of memory",
    UnexpectedType = 14 "Unexpected type",
    InvalidString = 15 "Invalid string",
    IntegerExpected = 16 "Integer expected",
    NotNumeric = 17 "Number expected",
    StringExpected = 18 "String expected",
    VariableExpected = 19 "Variable expected",
    IndexOutOfBound = 20 "Index out of bound",
    NotFound = 21 "Cannot find with the specific index",
    TooManyDimensions = 22 "Too many dimensions",
    RankOutOfBound = 23 "Rank out of bound",
    InvalidIdentifier = 24 "Invalid identifier usage",
    ReservedWord = 25 "Cannot assign to reserved word",
    DuplicateIdentifier = 26 "Duplicate identifier",
    Incomplete = 27 "Incomplete structure",
    NoLabel = 28 "Label does not exist",
    NoReturnPoint = 29 "No return point",
    ColonExpected = 30 "Colon expected",
    CommaExpected = 31 "Comma expected",
    SeparatorExpected = 32 "Comma or semicolon expected",
    OpenBracket = 33 "Open bracket expected",
    CloseBracket = 34 "Close bracket expected",
    TooManyNested = 35 "Too many nested",
    OperatorExpected = 37 "Operator expected",
    AssignExpected = 38 "Assign operator expected",
    ThenExpected = 39 "THEN statement expected",
    EndIfExpected = 41 "ENDIF statement expected",
    ToExpected = 42 "TO statement expected",
    NextExpected = 43 "NEXT statement expected",
    UntilExpected = 44 "UNTIL statement expected",
    LoopVariable = 45 "Loop variable expected",
    LabelExpected = 46 "Jump label expected",
    Calculation = 47 "Calculation error",
    InvalidExpression = 48 "Invalid expression",
    CannotMix = 52 "Cannot mix instructional and structured sub routines",
    InvalidRoutine = 53 "Invalid routine",
    RoutineExpected = 54 "Routine expected",
    DuplicateRoutine = 55 "Duplicate routine",
    InvalidClass = 56 "Invalid class",
    ClassExpected = 57 "Class expected",
    DuplicateClass = 58 "Duplicate class",
    HashAndCompare = 59 "HASH and COMPARE must be provided together",
    InvalidLambda = 60 "Invalid lambda",
    ListExpected = 62 "List expected",
    InvalidIterator = 63 "Invalid iterator",
    IterableExpected = 64 "Iterable expected",
    CollectionExpected = 65 "Collection expected",
}

impl Number {
    /// What the author may do about it: the numbers' own texts say little.
    fn help(self) -> Option<&'static str> {
        Some(match self {
            Number::Syntax => "no statement begins like this here, or it ends a block that was not begun",
            Number::StringExpected => "STR(x) makes a string of a number",
            Number::InvalidIdentifier => {
                "there is nothing of this name to call or index here; a routine that is defined further down is called with CALL"
            }
            Number::ColonExpected => "statements on one line have a colon between them",
            Number::SeparatorExpected => {
                "between values PRINT takes a comma, which prints nothing, or a semicolon, which ends the line"
            }
            Number::AssignExpected => {
                "a statement assigns or calls; a routine that is defined further down is called with CALL, from inside another one"
            }
            Number::ThenExpected => "THEN stands behind the condition; where it ends the line, ENDIF ends the block",
            Number::InvalidRoutine => "at the top level a routine can be called behind its DEF",
            _ => return None,
        })
    }
}

/// Something that went wrong.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// An error of BASIC's own, perhaps with a word more.
    Own(Number, Cow<'static, str>),
    /// An error of the broker's, of another language, or raised by the script.
    Broker(Error),
    /// The program is to stop: no script catches this.
    Stopped,
    /// So many bytes are wanted, and it is to be weighed whether they may be had: nothing was done yet.
    Weigh(usize),
}

/// A result with a fault.
pub(crate) type Outcome<T> = Result<T, Fault>;

impl From<Number> for Fault {
    fn from(number: Number) -> Fault {
        Fault::Own(number, Cow::Borrowed(""))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Broker(error)
    }
}

impl Fault {
    /// An own error with a word more.
    pub(crate) fn with(number: Number, more: impl Into<Cow<'static, str>>) -> Fault {
        Fault::Own(number, more.into())
    }

    /// The error of a recursion without end.
    #[cold]
    pub(crate) fn depth(what: &str) -> Fault {
        Fault::Broker(Error::new(Code::Depth, what))
    }

    /// The message alone.
    pub(crate) fn message(&self) -> String {
        match self {
            Fault::Own(number, more) if more.is_empty() => number.text().to_owned(),
            Fault::Own(number, more) => format!("{}: {more}", number.text()),
            Fault::Broker(error) => error.message().into_owned(),
            Fault::Stopped => STOPPED.to_owned(),
            Fault::Weigh(_) => Number::OutOfMemory.text().to_owned(),
        }
    }

    /// The fault as others see it, without frames.
    pub(crate) fn to_error(&self) -> Error {
        match self {
            Fault::Own(number, more) => {
                let error = Error::new(Code::Script, format!("{} (error {})", self.message(), *number as u8));
                match number.help() {
                    // What is said more is more precise.
                    Some(help) if more.is_empty() => error.with_help(help),
                    _ => error,
                }
            }
            Fault::Broker(error) => error.clone(),
            Fault::Stopped => Error::new(Code::Cancelled, STOPPED),
            // Whoever runs code weighs; this is for code that nothing runs.
            Fault::Weigh(_) => Error::new(Code::Limit, self.message()),
        }
    }
}

/// The message of a program that was told to stop.
const STOPPED: &str = "the script was stopped";
