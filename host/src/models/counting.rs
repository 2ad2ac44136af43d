//! What contexts use is counted on whatever thread it comes and goes: never more than there may be, and in
//! the end nothing.

use std::sync::Arc;

use calog_plugin_api::{Code, Value};

use super::check::{check, each};
use super::scene::{THREADS, build, circumstances, joined, script, spawn};
use crate::limits::{Limit, Rights, Taken, Terms};
use crate::sync::atomic::{AtomicUsize, Ordering};

fn limits(most: i64) -> Value {
    let limits = Value::map([("sockets", most)]).expect("a map");
    Value::map([("limits", limits)]).expect("a map")
}

fn rights(most: i64, opener: Option<&Arc<Rights>>) -> Arc<Rights> {
    let terms = Terms::read(limits(most).view(), None).expect("terms");
    Rights::new("counted", None, &terms, opener).expect("rights")
}

#[test]
fn no_more_is_counted_than_there_may_be() {
    check(|| {
        let opener = rights(2, None);
        let child = rights(2, Some(&opener));
        let held = Arc::new(AtomicUsize::new(0));
        let users = [&opener, &child, &child].map(|rights| {
            let (rights, held) = (Arc::clone(rights), Arc::clone(&held));
            spawn(move || {
                for _ in 0..2 {
                    match Taken::one(&rights, Limit::Sockets) {
                        Ok(taken) => {
                            assert!(held.fetch_add(1, Ordering::SeqCst) < 2, "three at a time");
                            held.fetch_sub(1, Ordering::SeqCst);
                            drop(taken);
                        }
                        Err(error) => assert_eq!(error.code(), Code::Limit),
                    }
                }
            })
        });
        users.into_iter().for_each(joined);
        // All is given back, at both.
        for rights in [child, opener] {
            let all = [(); 3].map(|()| Taken::one(&rights, Limit::Sockets).is_ok());
            assert_eq!(all, [true; 3], "each was dropped at once");
            let held = [(); 3].map(|()| Taken::one(&rights, Limit::Sockets).ok());
            assert_eq!(held.each_ref().map(Option::is_some), [true, true, false]);
        }
    });
}

/// What a native counts outlives the context whose it is, and is asked for while that one closes.
#[test]
fn a_native_counts_for_a_context_that_closes() {
    each(THREADS, |thread| {
        let runtime = build(|builder| builder);
        let open = script("counted", thread, "answer: give 1");
        let open = open.option("limits", Value::map([("sockets", 1)]).expect("a map"));
        let context = runtime.open(open).expect("a context");
        runtime.wait_for(&context).expect("its main chunk");
        let (info, id) = (circumstances(&runtime), context.id().number());
        let counters = [(); 2].map(|()| {
            let info = info.clone();
            spawn(move || {
                let counted = info.runtime().count(id, "sockets", 1);
                counted.map(drop).map_err(|error| error.code())
            })
        });
        let kept = runtime.handle().count(id, "sockets", 1);
        runtime.close_context(&context);
        for counted in counters.map(joined) {
            assert!(matches!(counted, Ok(()) | Err(Code::Limit | Code::Dead)), "{counted:?}");
        }
        drop(kept);
        let after = runtime.handle().count(id, "sockets", 1).map(drop);
        assert_eq!(after.map_err(|error| error.code()), Err(Code::Dead));
    });
}
