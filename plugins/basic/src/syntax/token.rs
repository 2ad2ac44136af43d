//! The words of the language.

use std::rc::Rc;

use super::Place;
use crate::names::Sym;

/// A token and where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Tok,
    pub(crate) at: Place,
    /// No space lies between it and the token before.
    pub(crate) is_glued: bool,
}

/// What a token is.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Tok {
    Int(i64),
    Real(f64),
    Text(Rc<Vec<u8>>),
    /// A name: its number and its spelling.
    Name(Sym, Rc<str>),
    /// A keyword, with its spelling: after a dot it is a name.
    Key(Key, Rc<str>),
    Mark(Mark),
    Newline,
    End,
}

macro_rules! words {
    ($enum:ident: $($name:ident $text:literal,)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum $enum { $($name,)* }

        impl $enum {
            /// How it is written.
            pub(crate) const ALL: &'static [($enum, &'static str)] = &[$(($enum::$name, $text),)*];
        }
    };
}

words! { Key:
    Rem "REM", Nil "NIL", Mod "MOD", And "AND", Or "OR", Not "NOT", Is "IS", Let "LET", Dim "DIM", If "IF", Then "THEN",
    ElseIf "ELSEIF", Else "ELSE", EndIf "ENDIF", For "FOR", In "IN", To "TO", Step "STEP", Next "NEXT", While "WHILE",
    Wend "WEND", Do "DO", Until "UNTIL", Exit "EXIT", Goto "GOTO", Gosub "GOSUB", Return "RETURN", Call "CALL", Def "DEF",
    EndDef "ENDDEF", Class "CLASS", EndClass "ENDCLASS", Me "ME", New "NEW", Var "VAR", Reflect "REFLECT", Lambda "LAMBDA",
    Mem "MEM", Type "TYPE", Import "IMPORT", End "END", True "TRUE", False "FALSE", Print "PRINT", Input "INPUT",
    Try "TRY", Catch "CATCH", EndTry "ENDTRY",
}

words! { Mark:
    Plus "+", Minus "-", Star "*", Slash "/", Caret "^", Less "<", More ">", AtMost "<=", AtLeast ">=", Unequal "<>",
    Equal "=", Open "(", Close ")", Comma ",", Semicolon ";", Colon ":", Dots "...", Dot ".",
}

impl Key {
    /// The keyword of this upper-case text.
    pub(crate) fn find(upper: &str) -> Option<Key> {
        Key::ALL.iter().find(|(_, text)| *text == upper).map(|(key, _)| *key)
    }
}
