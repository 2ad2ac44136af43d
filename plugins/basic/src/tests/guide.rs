//! The programs of `docs/basic.md` print what the page says. Those with a file's name above them take
//! other languages and are run with the guide's.
use calog_plugin_api::mock::printed;

use super::Opened;

const PAGE: &str = include_str!("../../../../docs/basic.md");

#[test]
fn the_programs_of_the_page_print_what_it_says() {
    let mut lines = PAGE.lines();
    let (mut program, mut before, mut run) = (None, "", 0);
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            if !line.is_empty() {
                before = line;
            }
            continue;
        };
        let block: String = lines.by_ref().take_while(|line| *line != "```").map(|it| format!("{it}\n")).collect();
        match kind {
            "basic" if before.ends_with("`:") => {}
            "basic" => {
                assert!(program.is_none(), "a program without its output:\n{}", program.unwrap_or_default());
                program = Some(block);
            }
            "text" => {
                if let Some(program) = program.take() {
                    check(&program, &block);
                    run += 1;
                }
            }
            _ => {}
        }
        before = "";
    }
    // One is the guide's: it has other languages in it.
    let programs = PAGE.matches("```basic\n").count() - 1;
    assert!(program.is_none() && run == programs, "{run} of {programs} programs were run");
}

fn check(program: &str, wanted: &str) {
    let opened = Opened::new();
    printed();
    opened.run(program).unwrap_or_else(|error| panic!("{error:?}\nin:\n{program}"));
    assert_eq!(printed().trim_end_matches('\n'), wanted.trim_end_matches('\n'), "{program}");
}
