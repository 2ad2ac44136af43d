//! The engines under stress. A further one is a further entry: its name, its extension, and an actor
//! that can do what the others can.

/// An engine.
pub(crate) struct Language {
    /// The extension of its scripts.
    pub(crate) extension: &'static str,
    /// The actor.
    pub(crate) actor: &'static str,
    /// Code to evaluate that gives 42.
    pub(crate) answer: &'static str,
}

/// All of them.
pub(crate) const LANGUAGES: &[Language] = &[
    Language { extension: "lua", actor: include_str!("scripts/actor.lua"), answer: "40 + 2" },
    Language { extension: "js", actor: include_str!("scripts/actor.js"), answer: "40 + 2" },
    Language { extension: "nut", actor: include_str!("scripts/actor.nut"), answer: "40 + 2" },
    Language { extension: "bas", actor: include_str!("scripts/actor.bas"), answer: "40 + 2" },
];
