//! Parts of documents that are written by a program.

use std::fs;
use std::path::Path;

/// Puts this text, which ends with a line break, between a page's marks `<!-- NAME begins ... -->` and
/// `<!-- NAME ends -->`.
///
/// # Panics
/// When the page cannot be read or written, or has no such marks.
pub fn rewrite_part(page: &Path, name: &str, text: &str) {
    let old = fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let new = with_part(&old, name, text).unwrap_or_else(|| panic!("{}: no marks for '{name}'", page.display()));
    fs::write(page, new).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
}

fn with_part(page: &str, name: &str, text: &str) -> Option<String> {
    let begins = page.find(&format!("<!-- {name} begins"))?;
    let from = begins + page[begins..].find('\n')? + 1;
    let to = from + page[from..].find(&format!("<!-- {name} ends -->"))?;
    Some(format!("{}\n{text}\n{}", &page[..from], &page[to..]))
}

#[cfg(test)]
mod tests {
    use super::with_part;

    #[test]
    fn a_part_is_replaced_and_all_else_stays() {
        let page = "a\n<!-- x begins; by a program -->\n\nold\n\n<!-- x ends -->\nb\n";
        let once = with_part(page, "x", "new\n").expect("it has the marks");
        assert_eq!(once, "a\n<!-- x begins; by a program -->\n\nnew\n\n<!-- x ends -->\nb\n");
        assert_eq!(with_part(&once, "x", "new\n"), Some(once));
        assert_eq!(with_part(page, "y", "new\n"), None);
    }
}
