//! What a native or an Object's member is called, takes and gives: enough for precise messages,
//! help texts and type stubs.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::value::{Value, View, from_value, to_value};

/// A parameter.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its type, in words: "int", "string", "any".
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it is when it is left out.
    pub default: Option<Value>,
    /// Whether it takes all further arguments.
    pub variadic: bool,
}

/// A native, a method or a property in words.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Descriptor {
    /// Its name, dotted for natives: "sync.Queue".
    pub name: String,
    /// Its parameters.
    pub params: Vec<Param>,
    /// What it gives, in words.
    pub returns: String,
    /// One line of documentation.
    pub doc: String,
    /// `Descriptor::WAITS` and others.
    pub flags: u32,
}

impl Descriptor {
    /// It is documented as waiting: JavaScript gets a promise, and `.sync` beside it.
    pub const WAITS: u32 = 1;
    /// It runs on the embedding program's thread.
    pub const HOST_THREAD: u32 = 2;
    /// It blocks, and runs on the pool for blocking work.
    pub const BLOCKING: u32 = 4;
    /// It is a property, not a method.
    pub const PROPERTY: u32 = 8;
    /// It may take time but is called in place everywhere; JavaScript gets `.async` beside it.
    pub const IN_PLACE: u32 = 16;

    /// A method without parameters; see [`Function`](crate::Function) for typed natives.
    pub fn method(name: &str) -> Descriptor {
        Descriptor { name: name.into(), ..Descriptor::default() }
    }

    /// A property.
    pub fn property(name: &str) -> Descriptor {
        Descriptor { name: name.into(), flags: Descriptor::PROPERTY, ..Descriptor::default() }
    }

    /// With flags added.
    #[must_use]
    pub fn with_flags(mut self, flags: u32) -> Descriptor {
        self.flags |= flags;
        self
    }

    /// Whether a flag is set.
    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The descriptor as a map.
    ///
    /// # Errors
    /// When a default value is too deep or too large.
    pub fn to_value(&self) -> Result<Value> {
        to_value(self)
    }

    /// The descriptor in a map; what is missing or of another type reads as empty.
    pub fn from_view(map: View<'_>) -> Descriptor {
        from_value(map).unwrap_or_default()
    }

    /// It as a line of code: `sync.Queue(name: string, maxsize: int = 0) -> object`.
    pub fn signature(&self) -> String {
        if self.has(Descriptor::PROPERTY) {
            return self.name.clone();
        }
        let params: Vec<String> = self.params.iter().map(Param::signature).collect();
        let returns = if self.returns.is_empty() { String::new() } else { format!(" -> {}", self.returns) };
        format!("{}({}){returns}", self.name, params.join(", "))
    }
}

impl Param {
    fn signature(&self) -> String {
        let dots = if self.variadic { "..." } else { "" };
        let mark = if self.optional && self.default.is_none() { "?" } else { "" };
        let default = self.default.as_ref().map(|it| format!(" = {it:?}")).unwrap_or_default();
        format!("{dots}{}{mark}: {}{default}", self.name, self.type_name)
    }
}
