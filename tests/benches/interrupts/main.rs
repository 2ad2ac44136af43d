//! How long it takes from the moment that code is told to stop to its end: for each language and each sort
//! of code that never ends by itself (`tests/src/endless.rs`), by the abort of its call and by the close of
//! its context.
//!
//! `cargo bench -p calog-tests --bench interrupts` prints the median and the worst, in milliseconds, of 20
//! times each (`CALOG_TIMES` says otherwise), all sorts of a language together and the slowest of them.
//! `CALOG_WRITE=1` also writes the table into `docs/limits.md`. Words after `--` select languages.

use std::env;
use std::time::{Duration, Instant};

use calog_tests::{Endless, LANGUAGES, Language, Scene, deaf, endless, rewrite_part, root, script};

#[derive(Clone, Copy)]
enum By {
    Abort,
    Closing,
}

/// One language's times by one way, with the sort of code.
type Times = Vec<(Duration, &'static str)>;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    // Cargo runs benches as tests, too; then there is nothing to measure.
    if !args.iter().any(|arg| arg == "--bench") {
        return;
    }
    let times = env::var("CALOG_TIMES").map_or(20, |text| text.parse().expect("a number"));
    let words: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |language: &&Language| words.is_empty() || words.iter().any(|word| language.name.contains(&**word));
    let mut lines = vec![
        "| language | ended by | sorts of code | median ms | worst ms | the slowest |".to_owned(),
        "| --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    for language in LANGUAGES.iter().filter(wanted) {
        for (how, by) in [("abort", By::Abort), ("closing", By::Closing)] {
            lines.push(line(language, how, endless(language), times, by));
        }
        if !deaf(language).is_empty() {
            lines.push(line(language, "closing, and lost", deaf(language), times.min(3), By::Closing));
        }
    }
    let table = lines.join("\n");
    println!("{table}");
    if env::var_os("CALOG_WRITE").is_some() {
        rewrite_part(&root().join("docs/limits.md"), "interrupts", &table);
    }
}

fn line(language: &Language, how: &str, sorts: &'static [Endless], times: usize, by: By) -> String {
    let mut all: Times = Vec::new();
    for (name, code) in sorts {
        all.extend((0..times).map(|_| (time(language, code, by), *name)));
    }
    all.sort();
    let (median, (worst, slowest)) = (all[all.len() / 2].0, all[all.len() - 1]);
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (median, worst) = (ms(median), ms(worst));
    format!("| {} | {how} | {} | {median:.2} | {worst:.1} | {slowest} |", language.name, sorts.len())
}

/// From the moment it is told to stop to the answer of its call, or the end of its context.
fn time(language: &Language, code: &str, by: By) -> Duration {
    let scene = Scene::new(language.name);
    let context = scene.script("endless", language, None, &script(language, code, true));
    let token = scene.world.runtime.handle().cancel_token(None).expect("a token");
    let asked = scene.world.ask_with(&scene.world.info_with(Some(token.clone()), 0), &context, "run", &[]);
    scene.world.wait_until("the loop", || !scene.gates.notes().is_empty());
    // It gets into what it does.
    scene.world.runtime.pump_for(Duration::from_millis(5));
    let began = Instant::now();
    match by {
        By::Abort => token.abort(),
        By::Closing => context.ask_to_close(),
    }
    let over = || match by {
        By::Abort => asked.is_answered(),
        By::Closing => context.is_closed(),
    };
    while !over() {
        scene.world.runtime.pump_until(over, Duration::from_micros(100));
    }
    began.elapsed()
}
