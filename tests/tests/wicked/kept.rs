//! What is kept and used when that which it is of is gone: functions, Objects, promises, circumstances,
//! runtimes, hosts; and hosts on threads where they do not belong.

use calog::plugin_api::Value;
use calog_tests::World;

use crate::stage::{Row, Stage, check, row, said, with_wicked};

fn lua(stage: &Stage, code: &str) -> String {
    said(&stage.world.runtime.evaluate(&stage.neighbour, code))
}

/// Keeps what a context gives, closes the context, uses what was kept. Names are the process's, so each
/// row has its own.
fn after_close(name: &'static str, word: &'static str, closes: bool, says: &str) -> Row {
    let act = move |stage: &Stage| {
        let victim = stage.ready_victim(&[]);
        let kept = stage.world.try_call(&victim, "obey", &[word.into()]).expect("something of the context's own");
        let keep = ["native".into(), "wicked.keep".into(), name.into(), kept];
        stage.world.try_call(&victim, "obey", &keep).expect("it is kept");
        drop(keep);
        if closes {
            assert!(stage.world.runtime.close_context(&victim));
        } else {
            // It dies.
            stage.obey(&victim, &["panic".into()]);
        }
        let called = lua(stage, &format!("return wicked.call_kept('{name}', 'hello')"));
        let given = lua(stage, &format!("return type(wicked.kept('{name}'))"));
        let gone = lua(stage, &format!("return wicked.let_go('{name}')"));
        format!("{called}, {given}, {gone}")
    };
    row(format!("{word} of a context that {}", if closes { "is closed" } else { "panicked" }), act, says)
}

#[test]
fn what_is_kept_of_a_closed_context_is_dead() {
    let dead = |what: &str| format!("dead: context 'victim' is closed, {what}, true");
    check(vec![
        after_close("function 1", "function", true, &dead("function")),
        after_close("object 1", "object", true, &dead("userdata")),
        after_close("function 2", "function", false, &dead("function")),
        after_close("object 2", "object", false, &dead("userdata")),
    ]);
}

/// What a runtime that is closed answers, to whoever still holds a handle of it.
fn after_the_end(name: &'static str, word: &'static str, says: &str) -> Row {
    let act = move |stage: &Stage| {
        let before = World::with(with_wicked);
        let victim = before.open("victim.wkd", "fine");
        let kept = before.try_call(&victim, "obey", &[word.into()]).expect("something of the context's own");
        let keep = ["native".into(), "wicked.keep".into(), name.into(), kept];
        before.try_call(&victim, "obey", &keep).expect("it is kept");
        drop((keep, victim));
        assert_eq!(before.runtime.close(calog::CLOSE_LIMIT).lost, []);
        drop(before);
        let said = lua(stage, &format!("return wicked.use_kept('{name}')"));
        let again = lua(stage, &format!("return wicked.use_kept('{name}')"));
        assert_eq!(said, again);
        format!("{said}; {}", lua(stage, &format!("return wicked.let_go('{name}')")))
    };
    row(format!("{word} of a runtime that is closed"), act, says)
}

#[test]
fn what_is_kept_of_a_closed_runtime_is_dead() {
    let says = |call: &str| {
        format!(
            "call: {call}; completion: finished, \"kept\"; after: dead; blocking: dead; post: dead, dead; \
             site: None; token: made; native: \"late\"; true"
        )
    };
    check(vec![
        after_the_end("late function", "function", &says("dead")),
        after_the_end("late object", "object", &says("dead")),
        after_the_end("late text", "nothing", &says("no function")),
    ]);
}

/// The same of a runtime that lives, to compare.
#[test]
fn what_is_kept_of_a_runtime_that_lives_works() {
    let act = |stage: &Stage| {
        stage.ready_victim(&[]);
        stage.world.runtime.evaluate(&stage.neighbour, "wicked.keep('alive', 'a text')").expect("it is kept");
        let used = lua(stage, "return wicked.use_kept('alive')");
        // It may be done already.
        used.replace("blocking: nil", "blocking: pending") + "; " + &lua(stage, "return wicked.let_go('alive')")
    };
    let says = "call: no function; completion: finished, \"kept\"; after: pending; blocking: pending; \
                post: posted, posted; site: Some(1); token: made; native: \"late\"; true";
    check(vec![row("a text", act, says)]);
}

#[test]
fn what_belongs_to_another_runtime_is_refused_there() {
    let act = |word: &'static str, name: &'static str| {
        move |stage: &Stage| {
            let other = World::with(with_wicked);
            let victim = other.open("victim.wkd", "fine");
            let kept = other.try_call(&victim, "obey", &[word.into()]).expect("something of the context's own");
            let keep = ["native".into(), "wicked.keep".into(), name.into(), kept];
            other.try_call(&victim, "obey", &keep).expect("it is kept");
            drop(keep);
            let called = match word {
                "object" => lua(stage, &format!("return wicked.kept('{name}').obey('hello')")),
                _ => lua(stage, &format!("return wicked.kept('{name}')('hello')")),
            };
            let called = called.replace(&format!("runtime {} ", other.runtime.handle().id()), "runtime A ");
            let called = called.replace(&format!("runtime {}", stage.world.runtime.handle().id()), "runtime B");
            let gone = lua(stage, &format!("return wicked.let_go('{name}')"));
            assert_eq!(other.runtime.close(calog::CLOSE_LIMIT).lost, []);
            format!("{called}; {gone}")
        }
    };
    check(vec![
        row(
            "a function of another runtime",
            act("function", "foreign function"),
            "unsupported: a function of runtime A cannot be called from runtime B; true",
        ),
        row(
            "an Object of another runtime",
            act("object", "foreign object"),
            "unsupported: an Object of runtime A cannot be used from runtime B; true",
        ),
    ]);
}

/// A promise that a script waits for, finished when its time is over.
fn promise(what: &str, name: &'static str, end: fn(&Stage, &calog::ContextRef), says: &str) -> Row {
    let act = move |stage: &Stage| {
        let waiter = stage.world.start("waiter.lua", &format!("return wicked.promise('{name}')"));
        stage.world.wait_until("the wait", || lua(stage, &format!("return wicked.awaited('{name}')")) == "true");
        end(stage, &waiter);
        let awaited = lua(stage, &format!("return wicked.awaited('{name}')"));
        let finished = lua(stage, &format!("return wicked.finish('{name}', 7)"));
        let again = lua(stage, &format!("return wicked.finish('{name}', 8)"));
        format!("{awaited}, {finished}, {again}; {}", said(&stage.world.runtime.wait_for(&waiter)))
    };
    row(what, act, says)
}

#[test]
fn a_promise_is_kept_once_and_whoever_is_late_gets_his_value_back() {
    let twice = "not_found: wicked: no such promise";
    let close = |stage: &Stage, waiter: &calog::ContextRef| {
        assert!(stage.world.runtime.close_context(waiter));
    };
    check(vec![
        promise("finished in time", "in time", |_, _| {}, &format!("true, taken, {twice}; 7")),
        promise(
            "finished after close",
            "late",
            close,
            &format!("false, handed back: Ok(7), {twice}; dead: context 'waiter' is closed"),
        ),
    ]);
}

/// What a host says that is asked for everything: whether it waits and watches, what calls of what it
/// gives come to, whether more waits may nest, and whether its context is to stop.
fn host_says(waits: bool, nests: bool, stopping: bool) -> String {
    let (wait, own) = if waits { ("there", "\"\", own true") } else { ("dead", "dead, own false") };
    let depth = if nests { "some" } else { "none" };
    format!(
        "wait: {wait}; wait for what comes later: {wait}; watch: awaited {waits}; function: {own}; object: {own}; \
         native: given; depth: {depth}; info: given; options: true; stopping: {stopping}"
    )
}

/// A host that is used when its context is gone, by another context on the same thread.
fn stale_host(stage: &Stage, name: &str, dies: bool) -> String {
    let victim = stage.victim_from("fine", &[], Some("shared"));
    stage.world.runtime.wait_for(&victim).expect("a main chunk that runs");
    let path = stage.world.write("second.wkd", "fine");
    let second = stage.world.runtime.open(calog::Open::file(path).thread("shared")).expect("a context");
    stage.world.runtime.wait_for(&second).expect("a main chunk that runs");
    stage.obey(&victim, &["keep-host".into(), name.into()]);
    if dies {
        stage.obey(&victim, &["panic".into()]);
    }
    assert!(stage.world.runtime.close_context(&victim));
    stage.obey(&second, &["use-host".into(), name.into()])
}

#[test]
fn a_host_of_a_closed_context_says_so() {
    check(vec![
        row(
            "its own host",
            |stage| {
                let victim = stage.ready_victim(&[]);
                stage.obey(&victim, &["keep-host".into(), "own".into()]);
                stage.obey(&victim, &["use-host".into(), "own".into()])
            },
            host_says(true, true, false),
        ),
        row("of a closed context", |stage| stale_host(stage, "closed", false), host_says(false, true, true)),
        row("of a context that panicked", |stage| stale_host(stage, "panicked", true), host_says(false, true, true)),
    ]);
}

#[test]
fn a_host_on_a_thread_that_is_not_its_own_says_so() {
    let act = |stage: &Stage| {
        let victim = stage.ready_victim(&[]);
        let said = stage.obey(&victim, &["foreign-host".into()]);
        format!("{said}; {}, {}", stage.state(&victim), stage.obey(&victim, &["hello".into()]))
    };
    check(vec![row("foreign-host", act, host_says(false, false, false) + "; alive, hello")]);
}

#[test]
fn a_value_that_is_kept_to_the_end_of_the_process_hurts_nobody() {
    let act = |stage: &Stage| {
        let list = Value::list((0..1000).map(Value::Int)).expect("a list");
        stage
            .world
            .try_call(
                &stage.ready_victim(&[]),
                "obey",
                &["native".into(), "wicked.keep".into(), "for ever".into(), list],
            )
            .map_or_else(|error| error.to_string(), |_| "kept".into())
    };
    check(vec![row("a list", act, "kept")]);
}
