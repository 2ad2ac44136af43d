//! A runtime for programs to run in, one after the other, with the natives and threads they need.

use std::sync::Arc;

use calog::Value;
use calog::plugin_api::{Args, CallInfo, Completion, Descriptor, Facts, KeptInfo, Native, NativeType, Outcome, Result};
use calog_tests::World;
use parking_lot::Mutex;

use crate::courier::Couriers;
use crate::natives::{self, Shared};

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) shared: Arc<Shared>,
    /// The circumstances of calls that the program makes by itself, from any thread.
    pub(crate) info: KeptInfo,
    /// The reports that have been looked at.
    pub(crate) reports_seen: usize,
    /// Dropped last: the natives use them.
    pub(crate) couriers: Couriers,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        let couriers = Couriers::new();
        let shared = Shared::new(couriers.counter());
        let world = World::with(|builder| natives::add(builder, &shared));
        let handle = world.runtime.handle();
        let mut facts = Facts::default();
        facts.runtime = handle.id();
        let info = KeptInfo::new(handle, None, facts);
        Stage { world, shared, info, reports_seen: 0, couriers }
    }

    /// Waits for a completion as the program does for any call: pumping.
    pub(crate) fn wait(&self, completion: Completion) -> Result<Value> {
        let waits = Native::new(Arc::new(Waits(Mutex::new(Some(completion)))));
        let function = self.world.runtime.handle().callable(&waits)?;
        self.world.runtime.call(&function, &[])
    }

    /// Waits for an outcome.
    pub(crate) fn settle(&self, outcome: Outcome) -> Result<Value> {
        outcome.settled().unwrap_or_else(|completion| self.wait(completion))
    }
}

/// A native that takes as long as the completion in it.
struct Waits(Mutex<Option<Completion>>);

impl NativeType for Waits {
    fn call(&self, _info: &CallInfo, _args: Args<'_>) -> Outcome {
        self.0.lock().take().map_or(Outcome::Ready(Value::Nil), Outcome::Pending)
    }

    fn descriptor(&self) -> Value {
        Descriptor::method("waits").to_value().unwrap_or_default()
    }

    fn flags(&self) -> u32 {
        0
    }
}
