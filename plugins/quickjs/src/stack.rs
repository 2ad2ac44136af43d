//! QuickJS's stack traces: text to frames, and frames to text.

use calog_plugin_api::Frame;

/// The language of this engine's frames.
pub(crate) const LANGUAGE: &str = "javascript";

/// How the files and the context of a script are called in frames.
#[derive(Default)]
pub(crate) struct Names {
    context: String,
    /// What to leave out at the beginning of a path, so that the main script is called as the user called it.
    root: String,
}

impl Names {
    /// Those of a context whose main script is not known yet.
    pub(crate) fn new(context: &str) -> Names {
        Names { context: context.to_owned(), root: String::new() }
    }

    /// The main script's name as the user gave it, and its path.
    pub(crate) fn set_main(&mut self, name: &str, path: &str) {
        self.root = path.strip_suffix(name).unwrap_or_default().to_owned();
    }

    /// A frame that says where, but not more.
    pub(crate) fn bare(&self) -> Frame {
        Frame { language: LANGUAGE.into(), context: self.context.clone(), ..Frame::default() }
    }

    /// The frames of a stack trace, innermost first.
    pub(crate) fn frames(&self, stack: &str) -> Vec<Frame> {
        stack.lines().filter_map(|line| self.frame(line)).collect()
    }

    /// `    at find (users.js:3:9)`, or `    at users.js:3:9` for a syntax error.
    fn frame(&self, line: &str) -> Option<Frame> {
        let rest = line.trim_start().strip_prefix("at ")?;
        let (function, place) = match rest.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
            Some((function, place)) => (function, place),
            None => ("", rest),
        };
        if matches!(place, "native" | "missing") || place.starts_with("calog:") {
            return None;
        }
        let (file, line, column) = split_place(place);
        let file = file.strip_prefix(self.root.as_str()).unwrap_or(file);
        let function = if matches!(function, "<anonymous>" | "<eval>") { "" } else { function };
        Some(Frame { function: function.into(), file: file.into(), line, column, ..self.bare() })
    }
}

/// `users.js:3:9` into its parts; a place without numbers has line and column 0.
fn split_place(place: &str) -> (&str, u32, u32) {
    let number = |text: &str| text.parse::<u32>().ok();
    let parts = place.rsplit_once(':').and_then(|(front, column)| {
        let (file, line) = front.rsplit_once(':')?;
        Some((file, number(line)?, number(column)?))
    });
    parts.unwrap_or((place, 0, 0))
}

/// Frames of other languages in the form of QuickJS's own traces.
pub(crate) fn text_of<'f>(frames: impl IntoIterator<Item = &'f Frame>) -> String {
    frames.into_iter().map(|frame| format!("    at {frame}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read() {
        let mut names = Names::new("web");
        names.set_main("app/main.js", "/home/me/app/main.js");
        let stack = "    at find (/home/me/app/main.js:3:9)\n    at <anonymous> (/home/me/lib.js:1:2)\n    at map (native)\n    at /home/me/app/x.js:7:1\n";
        let read: Vec<_> =
            names.frames(stack).into_iter().map(|it| (it.function, it.file, it.line, it.column)).collect();
        assert_eq!(
            read,
            [
                ("find".into(), "app/main.js".into(), 3, 9),
                (String::new(), "lib.js".into(), 1, 2),
                (String::new(), "app/x.js".into(), 7, 1),
            ]
        );
    }
}
