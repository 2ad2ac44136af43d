//! Completions: of finishing, cancelling and leaving one wins, and everybody is told.

use calog_plugin_api::host_side::{Callback, promise};
use calog_plugin_api::{Code, Completion, Finisher, Value};

use super::check::check;
use super::scene::{Count, Heard, cancelled, joined, promised, spawn};

/// A promise whose cancel hook and settling are counted.
fn counted() -> (Completion, Finisher, Count, Count) {
    let (hooks, settled) = (Count::default(), Count::default());
    let rises = settled.rises();
    let (completion, finisher) = promise("the model", true, Some(Callback::new(move |_| rises())));
    finisher.on_cancel(hooks.rises());
    (completion, finisher, hooks, settled)
}

#[test]
fn of_finishing_cancelling_and_leaving_one_wins() {
    check(|| {
        let (completion, finisher, hooks, settled) = counted();
        let canceller = completion.canceller();
        let finish = spawn(move || finisher.finish(Ok(1.into())));
        let cancel = spawn(move || canceller.cancel(&cancelled()));
        drop(completion);
        let (finished, cancelled) = (joined(finish), joined(cancel));
        assert!(finished.is_err() || !cancelled, "both won");
        assert!(finished.is_ok() || finished == Err(Ok(Value::Int(1))), "a late result is handed back: {finished:?}");
        // Whoever left or cancelled first had the hook run; a result that came first made it void.
        assert_eq!((hooks.get(), settled.get()), (usize::from(finished.is_err()), 1), "runs of the hook, settled");
    });
}

#[test]
fn a_waiter_hears_the_winner_of_finishing_and_cancelling_once() {
    check(|| {
        let (completion, finisher, hooks, settled) = counted();
        let canceller = completion.canceller();
        let finish = spawn(move || finisher.finish(Ok(1.into())).is_ok());
        let cancel = spawn(move || canceller.cancel(&cancelled()));
        let heard = Heard::default();
        completion.then(heard.hear());
        let won = (joined(finish), joined(cancel));
        let wanted = match won {
            (true, false) => Ok(Value::Int(1)),
            (false, true) => Err(Code::Cancelled),
            both => panic!("finished, cancelled: {both:?}"),
        };
        assert_eq!(heard.outcome(), wanted);
        assert_eq!((hooks.get(), settled.get()), (usize::from(won.1), 1), "runs of the hook, settled");
    });
}

#[test]
fn a_finisher_that_is_dropped_answers_whenever_the_waiter_comes() {
    check(|| {
        let (completion, finisher) = promised();
        let leave = spawn(move || drop(finisher));
        let heard = Heard::default();
        completion.then(heard.hear());
        joined(leave);
        assert_eq!(heard.outcome(), Err(Code::Dead));
    });
}

#[test]
fn a_hook_that_is_set_while_the_wait_is_cancelled_runs_once() {
    check(|| {
        let (completion, finisher) = promised();
        let canceller = completion.canceller();
        let hooks = Count::default();
        let cancel = spawn(move || canceller.cancel(&cancelled()));
        finisher.on_cancel(hooks.rises());
        assert!(joined(cancel), "nobody else ends it");
        assert_eq!(hooks.get(), 1);
        assert_eq!(
            completion.try_take().map_err(drop).map(|it| it.map_err(|error| error.code())),
            Ok(Err(Code::Cancelled))
        );
    });
}

#[test]
fn a_result_is_taken_once_by_looking_or_by_waiting() {
    check(|| {
        let (completion, finisher) = promised();
        let finish = spawn(move || finisher.finish(Ok(1.into())).is_ok());
        let heard = Heard::default();
        match completion.try_take() {
            Ok(result) => heard.hear()(result),
            Err(completion) => completion.then(heard.hear()),
        }
        assert!(joined(finish), "somebody waited");
        assert_eq!(heard.outcome(), Ok(Value::Int(1)));
    });
}
