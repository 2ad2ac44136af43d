//! Programs at random: one strategy for each part of a program.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::Union;

use crate::program::{
    After, Argument, Body, Call, Closing, Context, Given, How, Kind, OnError, Phase, Program, Source, Step, Task, When,
};

/// Any number: what it points at is taken modulo what there is. Smaller ones are simpler.
fn index() -> impl Strategy<Value = u8> + Clone {
    0..26_u8
}

fn kind() -> impl Strategy<Value = Kind> + Clone {
    proptest::sample::select(&Kind::ALL[..])
}

fn source() -> impl Strategy<Value = Source> + Clone {
    prop_oneof![
        1 => Just(Source::None),
        5 => Just(Source::Received),
        3 => Just(Source::Register),
        2 => index().prop_map(Source::Held),
        2 => index().prop_map(Source::Own),
        8 => (index(), index()).prop_map(|(context, at)| Source::Export(context, at)),
        5 => index().prop_map(Source::Closure),
        2 => kind().prop_map(Source::Native),
    ]
}

/// A function that is known by its place.
fn known() -> impl Strategy<Value = Source> + Clone {
    prop_oneof![index().prop_map(Source::Own), (index(), index()).prop_map(|(context, at)| Source::Export(context, at)),]
}

fn argument() -> impl Strategy<Value = Argument> + Clone {
    (source(), index()).prop_map(|(source, shape)| Argument { source, shape })
}

fn call() -> impl Strategy<Value = Call> + Clone {
    (source(), argument(), index()).prop_map(|(target, argument, form)| Call { target, argument, form })
}

fn on_error() -> impl Strategy<Value = OnError> + Clone {
    prop_oneof![3 => Just(OnError::Catch), 2 => Just(OnError::Pass), 1 => Just(OnError::Rethrow)]
}

fn when() -> impl Strategy<Value = When> + Clone {
    (index(), index())
}

fn step() -> impl Strategy<Value = Step> + Clone {
    let mix = (1..9_u16, 0..999_u16).prop_map(|(times, plus)| Step::Mix { times, plus });
    let calls = (call(), on_error(), any::<bool>());
    let calls = calls.prop_map(|(call, on_error, keep)| Step::Call { call, on_error, keep });
    let fork = (call(), call()).prop_map(|(first, second)| Step::Fork { calls: Box::new([first, second]) });
    let throw = (when(), index(), index(), any::<u8>());
    let throw = throw.prop_map(|(when, form, code, message)| Step::Throw { when, form, code, message });
    let give = (when(), source(), index());
    let give = give.prop_map(|(when, source, shape)| Step::Return { when, source, shape });
    Union::new_weighted(vec![
        (3, mix.boxed()),
        (18, calls.boxed()),
        (2, fork.boxed()),
        (2, (index(), call()).prop_map(|(form, call)| Step::Detach { form, call }).boxed()),
        (2, (source(), index()).prop_map(|(source, slot)| Step::Hold { source, slot }).boxed()),
        (1, index().prop_map(|slot| Step::Drop { slot }).boxed()),
        (1, Just(Step::Forget).boxed()),
        (1, Just(Step::Collect).boxed()),
        (2, (source(), known()).prop_map(|(left, right)| Step::Compare { left, right }).boxed()),
        (2, throw.boxed()),
        (3, give.boxed()),
        (1, (when(), index()).prop_map(|(when, context)| Step::Close { when, context }).boxed()),
    ])
}

fn body() -> impl Strategy<Value = Body> + Clone {
    (index(), vec(step(), 1..7)).prop_map(|(form, steps)| Body { form, steps })
}

fn context() -> impl Strategy<Value = Context> + Clone {
    let functions = (vec(body(), 1..4), vec(body(), 0..3));
    let place = (index(), option::weighted(0.4, index()), proptest::bool::weighted(0.4));
    (functions, place).prop_map(|((exports, closures), (language, thread, by_script))| Context {
        language,
        thread,
        by_script,
        exports,
        closures,
    })
}

fn newcomer() -> impl Strategy<Value = Context> + Clone {
    let empty = Body { form: 0, steps: Vec::new() };
    (index(), option::weighted(0.4, index())).prop_map(move |(language, thread)| Context {
        language,
        thread,
        by_script: false,
        exports: vec![empty.clone(); 3],
        closures: Vec::new(),
    })
}

fn given() -> impl Strategy<Value = Given> + Clone {
    prop_oneof![
        1 => Just(Given::Nothing),
        4 => (index(), index()).prop_map(|(context, at)| Given::Export(context, at)),
        3 => index().prop_map(Given::Token),
        3 => Just(Given::Last),
    ]
}

fn task() -> impl Strategy<Value = Task> + Clone {
    let how = prop_oneof![2 => Just(How::CallExport), 3 => Just(How::Begin), 2 => Just(How::Elsewhere)];
    let numbers = (0..1000_u16, 2..9_u8, index());
    (index(), (index(), index()), numbers, given(), how)
        .prop_map(|(session, entry, (x, fuel, shape), given, how)| Task { session, entry, x, fuel, given, shape, how })
}

fn phase() -> impl Strategy<Value = Phase> + Clone {
    let closing = (index(), any::<bool>()).prop_map(|(context, elsewhere)| Closing { context, elsewhere });
    let racing = prop_oneof![4 => Just(Vec::new()), 1 => vec(closing, 1..3)];
    let after = prop_oneof![
        2 => index().prop_map(After::Close),
        2 => index().prop_map(After::Drop),
        1 => newcomer().prop_map(After::Newcomer),
    ];
    (vec(task(), 1..8), racing, any::<bool>(), vec(after, 0..3)).prop_map(|(tasks, racing, by_run, after)| Phase {
        tasks,
        racing,
        by_run,
        after,
    })
}

/// Any program.
pub(crate) fn program() -> impl Strategy<Value = Program> {
    (vec(context(), 1..5), vec(phase(), 1..4), proptest::bool::weighted(0.1)).prop_map(
        |(mut contexts, phases, fresh)| {
            // It opens those that scripts open.
            contexts[0].by_script = false;
            Program { contexts, phases, fresh }
        },
    )
}
