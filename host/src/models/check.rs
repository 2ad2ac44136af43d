//! How a model is run: along how many schedules, of which kinds, or along one that failed.

use std::env;
use std::sync::Arc;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

use super::probe;

/// Schedules of each kind for a model, unless `CALOG_MODEL_ROUNDS` says otherwise.
const ROUNDS: usize = 100;

/// What random schedules begin with, unless `SHUTTLE_RANDOM_SEED` says otherwise.
const SEED: u64 = 0x0ca1_0900;

/// The kinds of schedules besides purely random ones: few changes of mind at moments that are drawn,
/// between threads with priorities that are drawn (probabilistic concurrency testing). Most races
/// need one, two or three.
const DEPTHS: [usize; 3] = [2, 3, 4];

/// A model that has not ended after so many steps never will.
const MAX_STEPS: usize = 100_000;

/// The stack of each thread. Unoptimised code is hungry.
const STACK_BYTES: usize = 1 << 20;

/// Runs a model along many schedules, or along the one that `CALOG_MODEL_REPLAY` gives. What fails is
/// a panic in the model, a deadlock, a thread that does not end, or what the probe saw.
pub(super) fn check(model: impl Fn() + Send + Sync + 'static) {
    each([()], move |()| model());
}

/// Runs a model in several variants. A schedule is one of one variant: `CALOG_MODEL_VARIANT` says
/// which is replayed, by its number.
pub(super) fn each<V: Copy + Send + Sync + 'static>(
    variants: impl IntoIterator<Item = V>,
    model: impl Fn(V) + Send + Sync + 'static,
) {
    let model = Arc::new(model);
    let replayed = env::var("CALOG_MODEL_REPLAY").ok();
    let number = |name, otherwise| env::var(name).map_or(otherwise, |text| text.parse().expect("a number"));
    for (place, variant) in variants.into_iter().enumerate() {
        let model = Arc::clone(&model);
        let model = Arc::new(move || model(variant));
        let _named = Variant(place);
        match &replayed {
            None => draw(number("CALOG_MODEL_ROUNDS", ROUNDS), &model),
            Some(schedule) if place == number("CALOG_MODEL_VARIANT", 0) => {
                run(ReplayScheduler::new_from_encoded(schedule), &model);
            }
            Some(_) => {}
        }
    }
}

/// Says which variant failed.
struct Variant(usize);

impl Drop for Variant {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to replay it, say CALOG_MODEL_VARIANT={}", self.0);
        }
    }
}

fn draw(rounds: usize, model: &Arc<impl Fn() + Send + Sync + 'static>) {
    run(RandomScheduler::new_from_seed(SEED, rounds), model);
    for depth in DEPTHS {
        run(PctScheduler::new_from_seed(SEED, depth, rounds), model);
    }
}

fn run(scheduler: impl Scheduler + 'static, model: &Arc<impl Fn() + Send + Sync + 'static>) {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    config.silence_warnings = true;
    let model = Arc::clone(model);
    Runner::new(scheduler, config).run(move || {
        model();
        probe::close();
    });
}
