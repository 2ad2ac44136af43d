//! What the author of natives writes: a bundle of functions, with a lifecycle if it needs one.

use crate::abi::{CancelToken, Hook, Native, RuntimeHandle};
use crate::error::{Code, Error, Result};
use crate::function::{Function, TypedClosure};
use crate::lifecycle::Lifecycle;
use crate::value::View;

/// When a hook runs among those of other bundles: lower comes first, shutdown goes the other way.
pub mod priority {
    /// Before all others.
    pub const FIRST: u8 = 0;
    /// Before most.
    pub const EARLY: u8 = 50;
    /// The usual.
    pub const NORMAL: u8 = 100;
    /// After most.
    pub const LATE: u8 = 150;
    /// After all others.
    pub const LAST: u8 = 255;
}

type Asks = Box<dyn Fn(View<'_>) -> Lifecycle + Send + Sync>;
type HookBody = Box<dyn Fn(&RuntimeHandle, View<'_>, Option<&CancelToken>) -> Result<()> + Send + Sync>;

/// A set of natives, with a lifecycle. One instance for each runtime.
///
/// ```
/// use calog_plugin_api::Bundle;
/// fn math() -> Bundle {
///     Bundle::new("math")
///         .function("add", |a: i64, b: i64| a.wrapping_add(b))
///         .params(["a", "b"])
///         .doc("Adds two integers; wraps around at 64 bits.")
///         .function("mean", |numbers: Vec<f64>| {
///             let count = numbers.len();
///             (count > 0).then(|| numbers.iter().sum::<f64>() / count as f64)
///         })
/// }
/// assert_eq!(math().check().unwrap().natives()[0].descriptor().name, "math.add");
/// ```
pub struct Bundle {
    name: String,
    drafts: Vec<Function>,
    natives: Vec<Native>,
    hooks: Vec<(Hook, u8, HookBody)>,
    asks: Option<Asks>,
}

impl Bundle {
    /// An empty bundle. Its natives are named `name.function`.
    pub fn new(name: impl Into<String>) -> Bundle {
        Bundle { name: name.into(), drafts: Vec::new(), natives: Vec::new(), hooks: Vec::new(), asks: None }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a native: a closure of typed parameters. `params`, `doc`, `returns` and the flags that
    /// follow speak of it.
    #[must_use]
    pub fn function<Types: 'static>(mut self, name: &str, closure: impl TypedClosure<Types>) -> Bundle {
        let name = format!("{}.{name}", self.name);
        self.drafts.push(Function::new(name, closure));
        self
    }

    fn change_last(mut self, change: impl FnOnce(Function) -> Function) -> Bundle {
        if let Some(last) = self.drafts.pop() {
            self.drafts.push(change(last));
        }
        self
    }

    /// Names the last function's parameters; `"b = 1"` also gives a default, written as JSON.
    #[must_use]
    pub fn params<const N: usize>(self, names: [&str; N]) -> Bundle {
        self.change_last(|function| function.params(names))
    }

    /// Says in one line what the last function does.
    #[must_use]
    pub fn doc(self, line: &str) -> Bundle {
        self.change_last(|function| function.doc(line))
    }

    /// Says what the last function gives.
    #[must_use]
    pub fn returns(self, type_name: &str) -> Bundle {
        self.change_last(|function| function.returns(type_name))
    }

    /// Sets flags of [`Descriptor`](crate::Descriptor) for the last function.
    #[must_use]
    pub fn flags(self, flags: u32) -> Bundle {
        self.change_last(|function| function.flags(flags))
    }

    /// Says what it asks for in its life: its place among others, and what becomes of its `run` hook when
    /// that ends. It is given its section, which nobody may have validated yet.
    #[must_use]
    pub fn lifecycle(mut self, asks: impl Fn(View<'_>) -> Lifecycle + Send + Sync + 'static) -> Bundle {
        self.asks = Some(Box::new(asks));
        self
    }

    fn hook(mut self, hook: Hook, priority: u8, body: HookBody) -> Bundle {
        self.hooks.push((hook, priority, body));
        self
    }

    /// Looks at its section of `calog.toml` (a map, or nil), before anything boots or is reloaded. An
    /// error that names its key ([`Section`](crate::Section) makes such) is told with its line.
    #[must_use]
    pub fn validate(self, body: impl Fn(View<'_>) -> Result<()> + Send + Sync + 'static) -> Bundle {
        self.hook(Hook::Validate, priority::NORMAL, Box::new(move |_, config, _| body(config)))
    }

    /// Starts what its natives need.
    #[must_use]
    pub fn boot(
        self,
        priority: u8,
        body: impl Fn(&RuntimeHandle, View<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Bundle {
        self.hook(Hook::Boot, priority, Box::new(move |runtime, config, _| body(runtime, config)))
    }

    /// Works on a thread of its own until the token is raised. When it fails, and is not asked for
    /// otherwise ([`lifecycle`](Bundle::lifecycle)), the program ends.
    #[must_use]
    pub fn run(
        self,
        priority: u8,
        body: impl Fn(&RuntimeHandle, &CancelToken) -> Result<()> + Send + Sync + 'static,
    ) -> Bundle {
        let body = move |runtime: &RuntimeHandle, _: View<'_>, stop: Option<&CancelToken>| match stop {
            Some(stop) => body(runtime, stop),
            None => Err(Error::new(Code::Dead, "there is nothing to say when to stop")),
        };
        self.hook(Hook::Run, priority, Box::new(body))
    }

    /// Takes a changed configuration over.
    #[must_use]
    pub fn reload(self, priority: u8, body: impl Fn(View<'_>) -> Result<()> + Send + Sync + 'static) -> Bundle {
        self.hook(Hook::Reload, priority, Box::new(move |_, config, _| body(config)))
    }

    /// Ends what was started.
    #[must_use]
    pub fn shutdown(self, priority: u8, body: impl Fn() -> Result<()> + Send + Sync + 'static) -> Bundle {
        self.hook(Hook::Shutdown, priority, Box::new(move |_, _, _| body()))
    }

    /// Builds its natives. Called when a runtime takes the bundle in; tests may call it themselves.
    ///
    /// # Errors
    /// When names and parameters do not match, or a name comes twice.
    pub fn check(mut self) -> Result<Bundle> {
        for draft in std::mem::take(&mut self.drafts) {
            let name = draft.name().to_owned();
            let native = draft.build()?;
            if self.natives.iter().any(|other| other.descriptor().name == name) {
                return Err(Error::new(Code::Unsupported, format!("the bundle has two natives '{name}'")));
            }
            self.natives.push(native);
        }
        Ok(self)
    }

    /// Its natives, once checked.
    pub fn natives(&self) -> &[Native] {
        &self.natives
    }

    pub(crate) fn asks(&self, config: View<'_>) -> Lifecycle {
        self.asks.as_ref().map_or_else(Lifecycle::default, |asks| asks(config))
    }

    pub(crate) fn priority(&self, hook: Hook) -> Option<u8> {
        self.hooks.iter().find(|(which, ..)| *which == hook).map(|(_, priority, _)| *priority)
    }

    pub(crate) fn run_hook(
        &self,
        hook: Hook,
        runtime: &RuntimeHandle,
        config: View<'_>,
        stop: Option<&CancelToken>,
    ) -> Result<()> {
        let mut bodies = self.hooks.iter().filter(|(which, ..)| *which == hook);
        bodies.try_for_each(|(_, _, body)| body(runtime, config, stop))
    }
}

/// A function that makes a bundle: `fn() -> Bundle`, or one that takes the runtime or may fail.
pub trait MakeBundle<Form>: Send + Sync + 'static {
    /// Makes it.
    ///
    /// # Errors
    /// The function's own, and those of [`Bundle::check`].
    fn make(&self, runtime: RuntimeHandle) -> Result<Bundle>;
}

impl<F: Fn() -> Bundle + Send + Sync + 'static> MakeBundle<fn() -> Bundle> for F {
    fn make(&self, _runtime: RuntimeHandle) -> Result<Bundle> {
        self().check()
    }
}

impl<F: Fn(RuntimeHandle) -> Result<Bundle> + Send + Sync + 'static> MakeBundle<fn(RuntimeHandle) -> Bundle> for F {
    fn make(&self, runtime: RuntimeHandle) -> Result<Bundle> {
        self(runtime)?.check()
    }
}
