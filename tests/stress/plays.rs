//! What can be called: functions of actors, with arguments, and what they must come to.

use calog::plugin_api::{Code, Value};

use crate::dice::Dice;
use crate::lane::Lane;
use crate::languages::LANGUAGES;
use crate::ledger::Expect;
use crate::show::{Adder, Show};

/// One call to be made.
pub(crate) struct Play {
    pub(crate) name: &'static str,
    pub(crate) args: Vec<Value>,
    pub(crate) expect: Expect,
}

impl Show {
    pub(crate) fn play(&self, lane: &mut Lane<'_>) -> Option<Play> {
        let n = lane.dice.below(1000) as i64;
        let other = |lane: &mut Lane<'_>, name| self.export(lane, name).map(Value::from);
        let value = |value: i64| Expect::Value(Value::Int(value));
        let play = |name, args: Vec<Value>, expect| Some(Play { name, args, expect });
        match lane.dice.below(22) {
            0 => play("add", vec![n.into(), 1.into()], value(n + 1)),
            1 => {
                let data = data(&mut lane.dice, 3);
                play("echo", vec![data.clone()], Expect::Value(data))
            }
            2 | 3 => play("apply", vec![other(lane, "add")?, 0.into(), n.into(), 2.into()], value(n + 2)),
            4 => {
                let (outer, inner) = (other(lane, "apply")?, other(lane, "add")?);
                play("apply", vec![outer, 0.into(), inner, 0.into(), n.into(), 3.into()], value(n + 3))
            }
            5 | 6 => {
                let adder = self.adder(lane)?;
                play("twice", vec![adder.function.clone().into(), n.into()], value(n + 2 * adder.n))
            }
            7 => self.sort(lane),
            8 => {
                let adders: Vec<&Adder> = self.adders.iter().collect();
                let sum = adders.iter().map(|adder| n + adder.n).sum();
                let functions = Value::list(adders.iter().map(|adder| adder.function.clone())).ok()?;
                let some = !adders.is_empty();
                play("gather", vec![functions, n.into()], value(sum)).filter(|_| some)
            }
            9 => play("keep", vec![self.adder(lane)?.function.clone().into()], Expect::Any),
            10 => {
                let caught = Expect::Caught("script".into(), format!("failure {n}"));
                play("catch", vec![other(lane, "fail")?, n.into()], caught)
            }
            11 => {
                let caught = Expect::Caught("thrown".into(), format!("thrown {n}"));
                play("catch", vec![other(lane, "throw")?, n.into()], caught)
            }
            12 => {
                let failure = Expect::Failure(Code::Script, format!("failure {n}"));
                play("apply", vec![other(lane, "fail")?, n.into()], failure)
            }
            13 => {
                let depth = lane.dice.below(6) as i64;
                play("ping", vec![other(lane, "ping")?, depth.into()], value(depth))
            }
            14 => play("wait", vec![n.into()], Expect::Settled(Value::Int(n))),
            15 => play("wait_in_place", vec![n.into()], Expect::Settled(Value::Int(n))),
            16 => play("after", vec![(n / 2).into()], value(n / 2)),
            17 => play("block", vec![n.into()], value(n)),
            18 => play("host", vec![n.into()], value(n)),
            19 => play("panic", vec![], Expect::Failure(Code::Panic, String::new())),
            20 => play("give", vec![(n % 4).into()], value(n % 4)),
            _ if lane.dice.one_in(2) => play("post", vec![], Expect::Value(Value::Bool(true))),
            _ => {
                let language = lane.dice.pick(LANGUAGES);
                let (name, path) = match lane.dice.one_in(2) {
                    true => ("child", lane.scripts.actor(language)),
                    false => ("import", lane.scripts.module(language)),
                };
                play(name, vec![path.to_string_lossy().into_owned().into(), n.into()], value(2 * n))
            }
        }
    }

    pub(crate) fn sort(&self, lane: &mut Lane<'_>) -> Option<Play> {
        let less = self.export(lane, "less")?;
        let mut numbers: Vec<i64> = (0..2 + lane.dice.below(6)).map(|_| lane.dice.below(100) as i64).collect();
        let list = Value::list(numbers.clone()).ok()?;
        numbers.sort_unstable();
        Some(Play { name: "sort", args: vec![list, less.into()], expect: Expect::Value(Value::list(numbers).ok()?) })
    }

    pub(crate) fn adder(&self, lane: &mut Lane<'_>) -> Option<&Adder> {
        if self.adders.is_empty() { None } else { Some(lane.dice.pick(&self.adders)) }
    }
}

/// Some data that every language gives back as it came.
fn data(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 4 } else { 7 }) {
        0 => Value::Int(dice.below(1 << 40) as i64 - (1 << 39)),
        1 => Value::Real(dice.below(1000) as f64 + 0.5),
        2 => Value::from("text ".repeat(dice.below(20))),
        3 => Value::Bool(dice.one_in(2)),
        4 | 5 => Value::list((0..=dice.below(6)).map(|_| data(dice, depth - 1))).expect("a list"),
        _ => {
            let pairs = (0..=dice.below(6)).map(|at| (format!("key {at}"), data(dice, depth - 1)));
            Value::map(pairs.collect::<Vec<_>>()).expect("a map")
        }
    }
}
