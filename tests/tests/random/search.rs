//! From a seed to a program, and from a failing program to a smaller one that fails.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::time::{Duration, Instant};

use crate::generate;
use crate::model::shared_thread;
use crate::plan::Plan;
use crate::program::{Program, Task};
use crate::render::{functions, language};
use crate::run::{Counts, Shown, run};
use crate::stage::Stage;
use crate::watchdog::Watched;

/// How long a failing program is made smaller.
const SHRINKING: Duration = Duration::from_secs(90);

/// How often a failing program is run again, at most, to learn how rarely it fails.
const MOST_TRIES: usize = 200;

/// A smaller program counts as sound when it did not fail in so many times the tries that the first took.
const PATIENCE: usize = 4;

/// The program of a seed, which can be made smaller.
pub(crate) fn program_of(seed: u64) -> impl ValueTree<Value = Program> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    generate::program().new_tree(&mut runner).expect("no strategy refuses anything")
}

/// Runs programs, one after the other, most of them in one runtime.
pub(crate) struct Runner {
    stage: Option<Stage>,
    watched: Watched,
}

impl Runner {
    pub(crate) fn new(watched: Watched) -> Runner {
        Runner { stage: None, watched }
    }

    /// Runs the program of a seed.
    ///
    /// # Errors
    /// What is wrong, with the smallest program found that still fails.
    pub(crate) fn run_seed(&mut self, seed: u64) -> Result<Counts, String> {
        let mut tree = program_of(seed);
        let program = tree.current();
        match self.run(seed, &program) {
            Ok(counts) => Ok(counts),
            Err(faults) => {
                eprintln!("seed {seed} fails:\n  {}\n", faults.join("\n  "));
                let (smallest, last) = self.shrink(seed, &mut tree, (program, faults.clone()));
                Err(report(seed, &faults, &smallest, &last))
            }
        }
    }

    fn run(&mut self, seed: u64, program: &Program) -> Result<Counts, Vec<String>> {
        self.watched.begin(seed, program);
        let plan = Plan::new(program);
        let mut stage = match self.stage.take() {
            Some(stage) if !program.fresh => stage,
            _ => Stage::new(),
        };
        let counts = run(&mut stage, &plan);
        if counts.is_ok() && !program.fresh {
            // A runtime in which something went wrong is not used again.
            self.stage = Some(stage);
        }
        self.watched.end();
        counts
    }

    /// Takes parts away as long as it still fails.
    fn shrink(
        &mut self,
        seed: u64,
        tree: &mut impl ValueTree<Value = Program>,
        mut failing: (Program, Vec<String>),
    ) -> (Program, Vec<String>) {
        let until = Instant::now() + SHRINKING;
        let again = |_: &usize| Instant::now() < until && self.run(seed, &failing.0).is_ok();
        let tries = ((0..MOST_TRIES).take_while(again).count() + 1) * PATIENCE;
        let mut is_smaller = tree.simplify();
        while is_smaller && Instant::now() < until {
            let program = tree.current();
            let is_time = |_: &usize| Instant::now() < until;
            let failure = (0..tries).take_while(is_time).find_map(|_| self.run(seed, &program).err());
            is_smaller = match failure {
                Some(faults) => {
                    failing = (program, faults);
                    tree.simplify()
                }
                None => tree.complicate(),
            };
        }
        failing
    }
}

fn report(seed: u64, faults: &[String], smallest: &Program, last: &[String]) -> String {
    let profile = if cfg!(debug_assertions) { "" } else { " --release" };
    format!(
        "seed {seed} fails:\n  {}\n\nA smaller program fails, too:\n  {}\n\n{}\n\
         To run this seed alone:\n  CALOG_SEED={seed} CALOG_PROGRAMS=1 cargo test{profile} -p calog-tests --test random\n",
        faults.join("\n  "),
        last.join("\n  "),
        describe(smallest),
    )
}

/// A program for people: its functions, without what all scripts of a language share, and its phases.
pub(crate) fn describe(program: &Program) -> String {
    let mut text = String::new();
    for (number, context) in program.contexts.iter().enumerate() {
        let thread =
            shared_thread(context).map_or("a thread of its own".to_owned(), |thread| format!("thread t{thread}"));
        let by = if context.by_script { ", opened by c0" } else { "" };
        text += &format!("== c{number}.{} on {thread}{by}\n", language(context).extension);
        text += &functions(program, number);
    }
    for (number, phase) in Plan::new(program).phases.iter().enumerate() {
        let by = if phase.phase.by_run { "by run" } else { "one by one" };
        text += &format!("== phase {number}, served {by}, closing {:?} meanwhile\n", phase.exposed);
        for task in &phase.tasks {
            let ((context, at), Task { how, given, shape, x, .. }) = (task.entry, task.task);
            text += &format!("{how:?} c{context}.f{at}(id, {}, {}, {x}, ", task.session, task.fuel);
            text += &format!("{given:?} in shape {shape}) gives {:?}\n", Shown(&task.answer));
        }
        text += &format!("then {:?}\n", phase.phase.after);
    }
    text
}
