//! What ends last: a scope waits for the scopes within it, whatever became of the code that waits for those.

use std::sync::mpsc::{Receiver, channel};

use calog::plugin_api::{CallInfo, CancelToken, Finisher, Function, Value};
use calog_tests::Scene;
use calog_tests::stage::steps;

use crate::players::PLAYERS;

/// A task that is no script's, and ends when the test says so: it hears of nothing.
struct Hold {
    function: Value,
    /// By which it ends, and the token that it runs under.
    held: Receiver<(Finisher, CancelToken)>,
}

impl Hold {
    fn new(scene: &Scene) -> Hold {
        let (tell, held) = channel();
        let hold = move |info: &CallInfo| {
            let (completion, finisher) = info.runtime().internal_completion("the test");
            let token = info.cancel_token().cloned().expect("a task has a token");
            tell.send((finisher, token)).expect("the test hears");
            completion
        };
        let native = Function::new("hold", hold).build().expect("a native");
        let function = scene.world.runtime.handle().callable(&native).expect("a function");
        Hold { function: Value::Callable(function), held }
    }
}

#[test]
fn a_scope_ends_after_the_scopes_of_its_aborted_tasks() {
    PLAYERS.every_language(|scene, a| {
        let hold = Hold::new(scene);
        let nested = steps![["scope", "within", steps![["child", "n", hold.function.clone()]]]];
        let asked = scene.begin(a, steps![["scope", false, steps![["child", "c", nested]]]]);
        let (finisher, token) = hold.held.recv().expect("it begins");
        let (tell, aborted) = channel();
        token.on_abort(move || tell.send(()).expect("the test hears"));
        scene.settle(a);
        scene.play(a, steps![["abort", "c"]]).expect(&scene.what);
        aborted.recv().expect("it is aborted");
        scene.turns(a);
        assert!(!asked.is_answered(), "{}: a task of the inner scope is left", scene.what);
        finisher.finish(Ok(Value::Nil)).expect("the inner scope waits for it");
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
    });
}

#[test]
fn who_is_cancelled_while_a_scope_of_its_own_drains_ends_after_it() {
    PLAYERS.every_language(|scene, a| {
        let hold = Hold::new(scene);
        let inner = steps![["scope", "within", steps![["child", "n", hold.function.clone()]]], ["checkpoint"]];
        let child = steps![["catch", inner], ["note", "the last word"]];
        let asked = scene.begin(a, steps![["scope", "s", steps![["keep", "s"], ["child", "c", child]]]]);
        let (finisher, token) = hold.held.recv().expect("it begins");
        let (tell, cancelled) = channel();
        token.on_cancel(move || tell.send(()).expect("the test hears"));
        scene.settle(a);
        scene.play(a, steps![["use", "s", steps![["cancel"]]]]).expect(&scene.what);
        cancelled.recv().expect("it is cancelled");
        scene.turns(a);
        assert_eq!((asked.is_answered(), scene.told()), (false, vec![]), "{}", scene.what);
        finisher.finish(Ok(Value::Nil)).expect("the inner scope waits for it");
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        assert_eq!(scene.told(), ["cancelled: task cancelled", "the last word"], "{}", scene.what);
    });
}
