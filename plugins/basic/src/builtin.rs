//! The functions that are part of the language, by name.

macro_rules! builtins {
    ($($name:ident $text:literal $least:literal $most:expr,)*) => {
        /// A function of the language.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub(crate) enum Builtin { $($name,)* }

        impl Builtin {
            const ALL: &'static [(Builtin, &'static str)] = &[$((Builtin::$name, $text),)*];

            /// Its name. A class may have a method of this name, which is called in its place.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Builtin::$name => $text,)* }
            }

            /// Every one of them.
            pub(crate) fn all() -> impl Iterator<Item = Builtin> {
                Builtin::ALL.iter().map(|(builtin, _)| *builtin)
            }

            /// How many arguments it takes, at least and at most.
            pub(crate) fn arguments(self) -> (usize, usize) {
                match self { $(Builtin::$name => ($least, $most),)* }
            }
        }
    };
}

/// As many arguments as one likes.
const ANY: usize = usize::MAX;

builtins! {
    Abs "ABS" 1 1, Sgn "SGN" 1 1, Sqr "SQR" 1 1, Floor "FLOOR" 1 1, Ceil "CEIL" 1 1, Fix "FIX" 1 1, Round "ROUND" 1 1,
    Srnd "SRND" 1 1, Rnd "RND" 0 2, Sin "SIN" 1 1, Cos "COS" 1 1, Tan "TAN" 1 1, Asin "ASIN" 1 1, Acos "ACOS" 1 1,
    Atan "ATAN" 1 1, Exp "EXP" 1 1, Log "LOG" 1 1, Asc "ASC" 1 1, Chr "CHR" 1 1, Left "LEFT" 2 2, Len "LEN" 1 1,
    Mid "MID" 3 3, Right "RIGHT" 2 2, Str "STR" 1 1, Val "VAL" 1 1, List "LIST" 0 ANY, Dict "DICT" 0 ANY,
    Push "PUSH" 1 ANY, Pop "POP" 1 1, Back "BACK" 1 1, Insert "INSERT" 3 3, Sort "SORT" 1 1, Exists "EXISTS" 2 2,
    IndexOf "INDEX_OF" 2 2, Get "GET" 1 2, Set "SET" 3 ANY, Remove "REMOVE" 2 2, Clear "CLEAR" 1 1, Clone "CLONE" 1 1,
    ToArray "TO_ARRAY" 1 1, Iterator "ITERATOR" 1 1, MoveNext "MOVE_NEXT" 1 1, Type "TYPE" 1 1, New "NEW" 1 1,
    Reflect "REFLECT" 1 1, Raise "RAISE" 1 2, Ticks "TICKS" 0 0, Range "LIST" 2 2,
}

impl Builtin {
    /// The reserved function of this upper-case name.
    pub(crate) fn find(upper: &str) -> Option<Builtin> {
        let reserved = Builtin::ALL.iter().find(|(_, text)| *text == upper).map(|(builtin, _)| *builtin);
        reserved.filter(|it| !matches!(it, Builtin::Raise | Builtin::Ticks | Builtin::Range))
    }

    /// The function of this name where the program has nothing else under it.
    pub(crate) fn find_soft(upper: &str) -> Option<Builtin> {
        match upper {
            "RAISE" => Some(Builtin::Raise),
            "TICKS" => Some(Builtin::Ticks),
            _ => None,
        }
    }

    /// Whether it may have something to warn of.
    #[inline]
    pub(crate) fn may_warn(self) -> bool {
        use Builtin as B;
        matches!(
            self,
            B::Pop | B::Back | B::Sqr | B::Sin | B::Cos | B::Tan | B::Asin | B::Acos | B::Atan | B::Exp | B::Log
        )
    }

    /// The method of a class that is called in its place.
    pub(crate) fn method(self) -> Option<&'static str> {
        match self {
            Builtin::Str => Some("TO_STRING"),
            Builtin::Len
            | Builtin::Val
            | Builtin::Get
            | Builtin::Set
            | Builtin::Push
            | Builtin::Pop
            | Builtin::Back => Some(self.name()),
            Builtin::Insert | Builtin::Sort | Builtin::Exists | Builtin::IndexOf | Builtin::Remove | Builtin::Clear => {
                Some(self.name())
            }
            Builtin::Clone | Builtin::ToArray | Builtin::Iterator | Builtin::MoveNext => Some(self.name()),
            _ => None,
        }
    }
}
