//! Every entry of an engine and of its contexts, and every deed that can be ordered of it.

use std::thread;

use calog::plugin_api::Value;
use calog::{ContextRef, Ended};
use calog_tests::Asked;

use crate::stage::{Row, Stage, check, row, said};

/// Orders one deed of one entry.
fn orders(entry: &'static str, deed: &'static str) -> &'static [(&'static str, &'static str)] {
    // A row's few bytes, for as long as the tests run.
    Box::leak(Box::new([(entry, deed)]))
}

/// The thread that a victim shares with whoever reads its properties.
const SHARED: &str = "shared";

/// Has an entry entered. What comes of it, if it comes as an answer.
fn begin(stage: &Stage, entry: &'static str, deed: &'static str) -> (ContextRef, Option<Asked>) {
    let world = &stage.world;
    let all = match entry {
        "interrupt" => Box::leak(Box::new([("call", "deaf"), ("interrupt", deed)])),
        _ => orders(entry, deed),
    };
    let thread = (entry == "get").then_some(SHARED);
    let victim = stage.victim_from("fine", all, thread);
    if matches!(entry, "open" | "load") {
        return (victim, None);
    }
    world.runtime.wait_for(&victim).expect("a main chunk that runs");
    let ask = |words: &[&str]| {
        let words: Vec<Value> = words.iter().map(|&word| word.into()).collect();
        Some(world.ask(&victim, "obey", &words))
    };
    let give = |what: &str| world.try_call(&victim, "obey", &[what.into()]).expect("something of the context's own");
    let asked = match entry {
        "eval" => {
            world.runtime.eval(&victim, "fine");
            None
        }
        "call" => ask(&["fine"]),
        "resume" => ask(&["suspend"]),
        "watched" => ask(&["watch"]),
        "site" => ask(&["native", "wicked.site"]),
        "method" => Some(world.ask(&stage.neighbour, "obey", &[give("object"), "fine".into()])),
        "get" => {
            let reader = world.open_on(SHARED, "reader.lua", "return { it = function(object) return object.it end }");
            Some(world.ask(&reader, "it", &[give("object")]))
        }
        "release" => {
            drop(give("function"));
            None
        }
        "release_object" => {
            drop(give("object"));
            None
        }
        "drop" => {
            victim.ask_to_close();
            None
        }
        "interrupt" => {
            let asked = ask(&["fine"]);
            stage.wait_for_entry("call");
            victim.ask_to_close();
            asked
        }
        entry => panic!("there is no entry '{entry}'"),
    };
    (victim, asked)
}

/// Has an entry do something that ends; says what was answered, what the program was told, and how
/// the context is then.
fn ends(stage: &Stage, entry: &'static str, deed: &'static str) -> String {
    let (victim, asked) = begin(stage, entry, deed);
    let world = &stage.world;
    let answer = match (entry, &asked) {
        ("open" | "load", _) => said(&world.runtime.wait_for(&victim)),
        (_, Some(asked)) => stage.answer(asked),
        (_, None) => "nothing".into(),
    };
    if matches!(entry, "watched" | "drop") {
        stage.wait_for_entry(entry);
    }
    let answer = if answer.starts_with("{obey: ") { "its exports".into() } else { answer };
    let state = stage.state(&victim);
    // What was reported before that is here by now.
    let reports: Vec<String> = world.errors().iter().map(|it| format!("{}: {}", it.code(), it.message())).collect();
    let reports = if reports.is_empty() { String::new() } else { format!("; reported {}", reports.join(", ")) };
    format!("{answer}{reports}; {state}")
}

fn ending(table: &[(&'static str, &'static str, &str)]) -> Vec<Row> {
    let rows = table
        .iter()
        .map(|&(entry, deed, says)| row(format!("{entry}: {deed}"), move |stage| ends(stage, entry, deed), says));
    rows.collect()
}

#[test]
fn an_entry_that_panics_leaves_its_context_dead_and_all_others_alive() {
    check(ending(&[
        ("open", "panic", "panic: context 'victim' could not be opened: panicked: wicked: as ordered; dead"),
        ("open", "payload", "panic: context 'victim' could not be opened: panicked: without a message; dead"),
        ("load", "panic", "panic: panicked: wicked: as ordered; dead"),
        ("load", "payload", "panic: panicked: without a message; dead"),
        ("eval", "panic", "nothing; reported panic: panicked: wicked: as ordered; dead"),
        ("eval", "payload", "nothing; reported panic: panicked: without a message; dead"),
        ("call", "panic", "panic: panicked: wicked: as ordered; dead"),
        ("call", "payload", "panic: panicked: without a message; dead"),
        ("method", "panic", "panic: panicked: wicked: as ordered; dead"),
        ("method", "payload", "panic: panicked: without a message; dead"),
        ("get", "panic", "panic: panicked: wicked: as ordered; dead"),
        ("resume", "panic", "panic: panicked: wicked: as ordered; dead"),
        ("resume", "payload", "panic: panicked: without a message; dead"),
        ("watched", "panic", "nil; reported panic: panicked: wicked: as ordered; dead"),
        ("watched", "payload", "nil; reported panic: panicked: without a message; dead"),
        ("release", "panic", "nothing; dead"),
        ("release", "payload", "nothing; dead"),
        ("release_object", "panic", "nothing; dead"),
        ("release_object", "payload", "nothing; dead"),
        ("drop", "panic", "nothing; dead"),
        ("drop", "payload", "nothing; dead"),
        ("site", "panic", "nil; alive"),
        ("site", "payload", "nil; alive"),
    ]));
}

#[test]
fn what_nobody_asks_yet_hurts_nobody() {
    let act = |stage: &Stage| {
        const ALL: [(&str, &str); 5] = [
            ("abandon", "panic"),
            ("memory", "panic"),
            ("limit", "panic"),
            ("signature", "panic"),
            ("complete", "panic"),
        ];
        let victim = stage.ready_victim(&ALL);
        let forever = stage.world.ask(&victim, "obey", &["forever".into()]);
        let function = stage.obey(&victim, &["function".into()]);
        let state = stage.state(&victim);
        assert!(stage.world.runtime.close_context(&victim));
        let entered: i64 = ALL.iter().map(|(entry, _)| stage.entered(entry)).sum();
        format!("{function}; {state}; {}; {entered}", stage.answer(&forever))
    };
    let says = "<function 2 of context 3>; alive; dead: context 'victim' is closed; 0";
    check(vec![row("abandon, memory, limit, signature, complete: panic", act, says)]);
}

#[test]
fn an_entry_that_fails_is_an_error_and_nothing_else() {
    check(ending(&[
        ("open", "fail", "io: context 'victim' could not be opened: wicked: as ordered; dead"),
        ("load", "fail", "io: wicked: as ordered; alive"),
        ("eval", "fail", "nothing; reported io: wicked: as ordered; alive"),
        ("call", "fail", "io: wicked: as ordered; alive"),
        ("method", "fail", "io: wicked: as ordered; alive"),
        ("get", "fail", "io: wicked: as ordered; alive"),
        ("resume", "fail", "io: wicked: as ordered; alive"),
        ("watched", "fail", "nil; reported io: wicked: as ordered; alive"),
    ]));
}

#[test]
fn an_entry_may_wait_in_place_whichever_it_is() {
    check(ending(&[
        ("open", "pause", "its exports; alive"),
        ("load", "pause", "its exports; alive"),
        ("eval", "pause", "nothing; alive"),
        ("call", "pause", "fine; alive"),
        ("method", "pause", "fine; alive"),
        ("get", "pause", "it; alive"),
        ("resume", "pause", "resumed; alive"),
        ("watched", "pause", "nil; alive"),
        ("release", "pause", "nothing; alive"),
        ("release_object", "pause", "nothing; alive"),
        ("drop", "pause", "nothing; dead"),
        ("site", "pause", "7; alive"),
    ]));
}

/// Has an entry do something that does not end before its context is asked to; says what was
/// answered, and whether the context ended.
fn held(stage: &Stage, entry: &'static str, deed: &'static str) -> String {
    let (victim, asked) = begin(stage, entry, deed);
    stage.wait_for_entry(entry);
    assert!(!asked.as_ref().is_some_and(Asked::is_answered), "it is answered already");
    let state = if stage.world.runtime.close_context(&victim) { "closed" } else { "not closed" };
    let answer = match (entry, asked) {
        ("open" | "load", _) => said(&stage.world.runtime.wait_for(&victim)),
        (_, Some(asked)) => stage.answer(&asked),
        (_, None) => "nothing".into(),
    };
    format!("{answer}; {state}")
}

#[test]
fn an_entry_that_waits_or_looks_at_the_stop_flag_ends_when_its_context_closes() {
    let entries =
        ["open", "load", "eval", "call", "method", "get", "resume", "release", "release_object", "drop", "site"];
    let rows = entries.into_iter().flat_map(|entry| {
        ["loop", "wait"].map(|deed| {
            let answer = match (entry, deed) {
                ("open", "loop") => "cancelled: context 'victim' could not be opened: wicked: it was asked to stop",
                ("open", _) => "dead: context 'victim' could not be opened: the context is closing",
                ("eval" | "release" | "release_object" | "drop", _) => "nothing",
                ("site", _) => "7",
                (_, "loop") => "cancelled: wicked: it was asked to stop",
                (_, _) => "dead: the context is closing",
            };
            let says = format!("{answer}; closed");
            row(format!("{entry}: {deed}"), move |stage| held(stage, entry, deed), says)
        })
    });
    check(rows.collect());
}

#[test]
fn an_entry_that_never_returns_is_named_when_the_runtime_closes() {
    let entries = [
        "open",
        "load",
        "eval",
        "call",
        "method",
        "get",
        "resume",
        "watched",
        "release",
        "release_object",
        "drop",
        "site",
        "interrupt",
    ];
    let rows = entries.into_iter().map(|entry| {
        let act = move |stage: &Stage| {
            let (_victim, _asked) = begin(stage, entry, "never");
            stage.wait_for_entry(entry);
            String::new()
        };
        let lost = match entry {
            "get" => vec![
                format!("context 'victim' (wicked) on thread '{SHARED}'"),
                format!("context 'reader' (lua) on thread '{SHARED}'"),
            ],
            _ => vec!["context 'victim' (wicked) on thread 'victim'".to_owned()],
        };
        row(format!("{entry}: never"), act, "").loses(lost)
    });
    check(rows.collect());
}

/// Asks a program that is stuck who waits, and where.
fn stuck(stage: &Stage, deed: &'static str) -> String {
    let victim = stage.ready_victim(orders("wait_site", deed));
    let _asked = stage.world.ask(&victim, "obey", &["stuck".into()]);
    match stage.world.runtime.run() {
        Ended::Stuck(waiting) => {
            let waiting: Vec<String> =
                waiting.iter().map(|it| format!("{} in line {} for {}", it.context, it.line, it.what)).collect();
            format!("{}; {}", waiting.join(", "), stage.state(&victim))
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn whoever_cannot_say_where_it_waits_is_named_without_a_place() {
    let late = |stage: &Stage| {
        let (output, info) = (stage.world.output.clone(), stage.world.info());
        let wake = stage.function("wake");
        let waker = thread::spawn(move || {
            while !output.text().contains("wait_site: hold") {
                thread::yield_now();
            }
            Asked::of(&wake, &info, &[])
        });
        // Until it answers a thread is at work: the program is not stuck, as far as anybody can tell.
        let said = stuck(stage, "hold");
        stage.answer(&waker.join().expect("it wakes")) + ", " + &said
    };
    let in_open = |stage: &Stage| {
        let _victim = stage.victim(&[("open", "stuck")]);
        match stage.world.runtime.run() {
            Ended::Stuck(waiting) => format!("{} for {}", waiting[0].context, waiting[0].what),
            other => format!("{other:?}"),
        }
    };
    check(vec![
        row("open: stuck", in_open, "victim for something that never comes"),
        row("wait_site", |stage| stuck(stage, ""), "victim in line 1 for something that never comes; alive"),
        row(
            "wait_site: panic",
            |stage| stuck(stage, "panic"),
            "victim in line 0 for something that never comes; alive",
        ),
        row(
            "wait_site: payload",
            |stage| stuck(stage, "payload"),
            "victim in line 0 for something that never comes; alive",
        ),
        row(
            "wait_site: pause",
            |stage| stuck(stage, "pause"),
            "victim in line 1 for something that never comes; alive",
        ),
        row("wait_site: hold", late, "nil, victim in line 1 for something that never comes; alive"),
    ]);
}

#[test]
fn a_panic_above_code_that_waits_in_place_ends_that_wait() {
    let act = |stage: &Stage| {
        let victim = stage.ready_victim(&[("method", "wait")]);
        let object = stage.world.try_call(&victim, "obey", &["object".into()]).expect("an Object");
        let below = stage.world.ask(&stage.neighbour, "obey", &[object, "fine".into()]);
        stage.wait_for_entry("method");
        let above = stage.obey(&victim, &["panic".into()]);
        let below = stage.answer(&below);
        format!("{above}; {below}; {}", stage.state(&victim))
    };
    let says = "panic: panicked: wicked: as ordered; dead: the context is closing; dead";
    check(vec![row("a call is served by a wait, and panics", act, says)]);
}

/// Has a context wait in place as it is asked where it is; meanwhile others of its thread come and go.
fn asked_at_length(stage: &Stage, closes: bool) -> String {
    let victim = stage.victim_from("fine", &[("site", "await")], Some(SHARED));
    stage.world.runtime.wait_for(&victim).expect("a main chunk that runs");
    let asked = stage.world.ask(&victim, "obey", &["native".into(), "wicked.site".into()]);
    stage.wait_for_entry("site");
    let came = stage.world.open_on(SHARED, "comes.lua", "return { come = 'came' }");
    let came = said(&Ok(came.export("come").expect("an export")));
    let went = if closes {
        victim.ask_to_close();
        "closing"
    } else {
        said(&stage.world.try_call(&stage.neighbour, "wake", &[]));
        "woken"
    };
    let answer = stage.answer(&asked);
    format!("{came}; {went}; {answer}; {}", stage.state(&victim))
}

/// The same when it is asked where it waits, with nothing of it on the stack.
fn stuck_at_length(stage: &Stage, closes: bool) -> String {
    let victim = stage.victim_from("fine", &[("wait_site", "await")], Some(SHARED));
    stage.world.runtime.wait_for(&victim).expect("a main chunk that runs");
    let asked = stage.world.ask(&victim, "obey", &["stuck".into()]);
    let (output, info, wake) = (stage.world.output.clone(), stage.world.info(), stage.function("wake"));
    let came = stage.world.write("comes.lua", "return { come = 'came' }");
    let open = stage.function("open");
    let closing = victim.clone();
    let other = thread::spawn(move || {
        while !output.text().contains("wait_site: await") {
            thread::yield_now();
        }
        let opened = Asked::of(&open, &info, &[came.display().to_string().into(), SHARED.into()]);
        while !opened.is_answered() {
            thread::yield_now();
        }
        if closes {
            closing.ask_to_close();
        } else {
            Asked::of(&wake, &info, &[]);
        }
        opened.answers()
    });
    let ended = match stage.world.runtime.run() {
        // Whether it was still there when the others had been asked is a matter of moments.
        Ended::Stuck(_) | Ended::Idle if closes => "ended".into(),
        Ended::Stuck(waiting) => format!("stuck {}", waiting.len()),
        ended => format!("{ended:?}"),
    };
    let opened: Vec<String> = other.join().expect("it is answered").iter().map(said).collect();
    let answer = if closes || asked.is_answered() { stage.answer(&asked) } else { "waits".into() };
    format!("{}; {ended}; {answer}; {}", opened.join(", "), stage.state(&victim))
}

#[test]
fn a_context_that_takes_its_time_to_say_where_it_is_holds_nobody_up() {
    check(vec![
        row("site", |stage| asked_at_length(stage, false), "came; woken; 7; alive"),
        row("site, and closes", |stage| asked_at_length(stage, true), "came; closing; 7; dead"),
        row("wait_site", |stage| stuck_at_length(stage, false), "came; stuck 1; waits; alive"),
        row(
            "wait_site, and closes",
            |stage| stuck_at_length(stage, true),
            "came; ended; dead: context 'victim' is closed; dead",
        ),
    ]);
}
