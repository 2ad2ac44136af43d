//! An error as a person reads it: what happened, the source line with a caret, one trace through all
//! languages, and what to do.
//!
//! It only reads: the error, and the file that its innermost known place names. What scripts put into
//! names and messages cannot steer the terminal.

mod source;

use std::fmt::Write;
use std::io::IsTerminal;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use calog_plugin_api::{Error, Frame};

use source::Excerpt;

/// Whether text for standard error should be coloured: it is a terminal, and `NO_COLOR` is not set.
pub fn colour_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty()) && std::io::stderr().is_terminal()
}

/// The error as text of several lines.
pub fn render(error: &Error, colour: bool) -> String {
    let frames: Vec<Frame> = error.frames().collect();
    let excerpt = frames.iter().find(|frame| frame.line > 0 && !frame.file.is_empty()).and_then(Excerpt::read);
    let mut text = head(error, excerpt.as_ref(), colour);
    text.push('\n');
    trace(&mut text, &frames);
    if let Some(help) = error.help() {
        let (on, off) = if colour { ("\x1b[1;96m", "\x1b[0m") } else { ("", "") };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{on}help{off}: {}", harmless(&help));
    }
    text
}

/// `error[code]: message`, and the source line where it is known.
fn head(error: &Error, excerpt: Option<&Excerpt>, colour: bool) -> String {
    let message = error.message();
    let (code, message) = (error.code().word(), harmless(&message));
    let title = Level::ERROR.primary_title(&message).id(code);
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let Some(excerpt) = excerpt else { return renderer.render(&[Group::with_title(title)]) };
    let snippet = Snippet::source(&excerpt.text)
        .path(&excerpt.file)
        .line_start(excerpt.line)
        .annotation(AnnotationKind::Primary.span(excerpt.span.clone()));
    renderer.render(&[title.element(snippet)])
}

/// One line a frame, innermost first; a frame that repeats says how often.
fn trace(text: &mut String, frames: &[Frame]) {
    for same in frames.chunk_by(|a, b| a == b) {
        let times = if same.len() > 1 { format!(" [{} times]", same.len()) } else { String::new() };
        let _ = writeln!(text, "  at {}{times}", harmless(&same[0].to_string()));
    }
}

/// The text without control characters but line ends and tabs.
fn harmless(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests;
