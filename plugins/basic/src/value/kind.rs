//! The types, by the names programs know them under.

macro_rules! kinds {
    ($($name:ident $text:literal $($other:literal)?,)*) => {
        /// A type; a value of its own.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub(crate) enum Kind { $($name,)* }

        impl Kind {
            /// Its name.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Kind::$name => $text,)* }
            }

            /// The type of this name, in whatever case.
            pub(crate) fn named(name: &[u8]) -> Option<Kind> {
                $(if name.eq_ignore_ascii_case($text.as_bytes()) $(|| name.eq_ignore_ascii_case($other.as_bytes()))? {
                    return Some(Kind::$name);
                })*
                None
            }
        }
    };
}

kinds! {
    Nil "NIL", Unknown "UNKNOWN", Integer "INTEGER" "INT", Real "REAL", String "STRING", Type "TYPE",
    UserType "USERTYPE", Array "ARRAY", List "LIST", ListIterator "LIST_IT" "LIST_ITERATOR", Dict "DICT",
    DictIterator "DICT_IT" "DICT_ITERATOR", Class "CLASS", Routine "ROUTINE",
}
