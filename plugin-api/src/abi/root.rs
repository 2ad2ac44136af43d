//! What a plugin exports: one root module, checked by abi_stable, that leads to the plugin's table.
//!
//! The root's own layout and that of `Value` are checked field by field when a plugin is opened.
//! Everything else is an opaque reference to a table that begins with its size, so that tables may
//! grow without older plugins being refused.

// abi_stable names what it derives.
#![allow(non_camel_case_types)]

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::sabi_types::VersionStrings;

#[cfg(feature = "host")]
use super::suffix;
use super::{BundleHandle, EngineHandle, Fallible, Head, RuntimeHandle, Text};
use crate::bundle::MakeBundle;
use crate::engine::Engine;
use crate::value::{Value, View};

/// The root module.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRoot_Ref, prefix_fields = PluginRoot_Prefix)))]
#[sabi(missing_field(panic))]
pub struct PluginRoot {
    /// Gives nil; there so that the layout of `Value` is checked.
    pub nil: extern "C" fn() -> Value,
    /// The plugin's table.
    #[sabi(unsafe_opaque_field)]
    #[sabi(last_prefix_field)]
    pub table: &'static PluginTable,
}

impl RootModule for PluginRoot_Ref {
    abi_stable::declare_root_module_statics! {PluginRoot_Ref}
    const BASE_NAME: &'static str = "calog_plugin";
    const NAME: &'static str = "calog_plugin";
    // A constant of ours, not the crate's version: abi_stable would refuse an older 0.x minor.
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("0.1.0");
}

pub(crate) extern "C" fn nil() -> Value {
    Value::Nil
}

/// What a plugin offers. Only its functions are read from outside; the slices are its maker's own.
#[repr(C)]
pub struct PluginTable {
    head: Head,
    engine: unsafe extern "C" fn(*const PluginTable, usize) -> *const EngineEntry,
    bundle: unsafe extern "C" fn(*const PluginTable, usize) -> *const BundleEntry,
    engines: &'static [&'static [EngineEntry]],
    bundles: &'static [&'static [BundleEntry]],
    /// Has an engine, by its place, look at a section of `calog.toml`.
    validate: unsafe extern "C" fn(*const PluginTable, usize, *const View<'_>, *mut Fallible<Value>),
}

// SAFETY: it points to constants.
unsafe impl Sync for PluginTable {}
// SAFETY: as above.
unsafe impl Send for PluginTable {}

impl PluginTable {
    /// A table of these entries, as the export macro groups them.
    pub const fn new(
        engines: &'static [&'static [EngineEntry]],
        bundles: &'static [&'static [BundleEntry]],
    ) -> PluginTable {
        let head = Head::of::<PluginTable>();
        PluginTable { head, engine: engine_at, bundle: bundle_at, engines, bundles, validate: validate_engine }
    }
}

unsafe extern "C" fn engine_at(table: *const PluginTable, index: usize) -> *const EngineEntry {
    // SAFETY: the table is the one this function stands in, a constant of this plugin.
    let table = unsafe { &*table };
    table.engines.iter().copied().flatten().nth(index).map_or(std::ptr::null(), std::ptr::from_ref)
}

unsafe extern "C" fn bundle_at(table: *const PluginTable, index: usize) -> *const BundleEntry {
    // SAFETY: as above.
    let table = unsafe { &*table };
    table.bundles.iter().copied().flatten().nth(index).map_or(std::ptr::null(), std::ptr::from_ref)
}

unsafe extern "C" fn validate_engine(
    table: *const PluginTable,
    index: usize,
    config: *const View<'_>,
    out: *mut Fallible<Value>,
) {
    // SAFETY: as above; the entry is of this plugin, so it has all fields.
    let entry = unsafe { engine_at(table, index).as_ref() };
    if let Some(entry) = entry {
        // SAFETY: the configuration is borrowed for the call, `out` initialised.
        unsafe { (entry.validate)(config, out) };
    }
}

/// An engine in a plugin.
#[repr(C)]
pub struct EngineEntry {
    name: Text,
    create: unsafe extern "C" fn(*mut RuntimeHandle, *const View<'_>, *mut Fallible<EngineHandle>),
    /// The plugin's own: the host asks through the table.
    validate: unsafe extern "C" fn(*const View<'_>, *mut Fallible<Value>),
}

impl EngineEntry {
    /// The entry of this engine.
    pub const fn of<E: Engine>() -> EngineEntry {
        let name = Text { start: E::NAME.as_ptr(), len: E::NAME.len() };
        EngineEntry { name, create: create_engine::<E>, validate: validate::<E> }
    }
}

// SAFETY: it points to constants.
unsafe impl Sync for EngineEntry {}

unsafe extern "C" fn create_engine<E: Engine>(
    runtime: *mut RuntimeHandle,
    config: *const View<'_>,
    out: *mut Fallible<EngineHandle>,
) {
    // SAFETY: the runtime is handed over, the configuration borrowed, `out` initialised.
    unsafe {
        let runtime = runtime.read();
        *out = EngineHandle::make::<E>(runtime, *config).into();
    }
}

unsafe extern "C" fn validate<E: Engine>(config: *const View<'_>, out: *mut Fallible<Value>) {
    // SAFETY: the configuration is borrowed for the call, `out` initialised.
    unsafe { *out = EngineHandle::validate::<E>(*config).map(|()| Value::Nil).into() }
}

/// A bundle in a plugin.
#[repr(C)]
pub struct BundleEntry {
    name: Text,
    create: unsafe extern "C" fn(*mut RuntimeHandle, *mut Fallible<BundleHandle>),
}

// SAFETY: it points to constants.
unsafe impl Sync for BundleEntry {}

impl BundleEntry {
    /// The entry of a bundle whose function item has this type.
    pub const fn of<F: MakeBundle<M>, M>(name: &'static str, _make: &F) -> BundleEntry {
        const { assert!(size_of::<F>() == 0, "a bundle is made by a plain function") };
        BundleEntry { name: Text { start: name.as_ptr(), len: name.len() }, create: create_bundle::<F, M> }
    }
}

unsafe extern "C" fn create_bundle<F: MakeBundle<M>, M>(runtime: *mut RuntimeHandle, out: *mut Fallible<BundleHandle>) {
    // SAFETY: the runtime is handed over, `out` initialised. F is a function item, which has no size
    // (checked when the entry is made), so that it can be had from nothing.
    unsafe {
        let runtime = runtime.read();
        let make = std::ptr::NonNull::<F>::dangling().as_ref();
        *out = BundleHandle::make(make, runtime).into();
    }
}

/// A plugin that passed all checks and is open.
#[cfg(feature = "host")]
#[derive(Clone, Copy)]
pub struct LoadedPlugin {
    table: &'static PluginTable,
}

/// Checks the root module of the library at `path`, which the caller has opened already, and gives
/// what it offers.
///
/// # Errors
/// abi_stable's report, whole: its last lines say what differs.
///
/// # Safety
/// The library stays open for ever, and its file has passed the checks that come before opening.
#[cfg(feature = "host")]
pub unsafe fn open_root(path: &std::path::Path) -> Result<LoadedPlugin, String> {
    use abi_stable::library::{RawLibrary, lib_header_from_raw_library};
    // A second handle of the open library, closed again below: the one that keeps it open is the
    // caller's. abi_stable's own way to keep it open would leak the path, for every runtime anew.
    let library = RawLibrary::load_at(path).map_err(|error| error.to_string())?;
    // SAFETY: the library stays open, as the caller vouches.
    let header = unsafe { lib_header_from_raw_library(&library) }.map_err(|error| error.to_string())?;
    let root = header.init_root_module::<PluginRoot_Ref>().map_err(|error| error.to_string())?;
    Ok(LoadedPlugin { table: root.table() })
}

#[cfg(feature = "host")]
impl LoadedPlugin {
    /// The plugin that these entries make, for programs that compile one in.
    pub const fn compiled_in(table: &'static PluginTable) -> LoadedPlugin {
        LoadedPlugin { table }
    }

    fn engine_entry(&self, name: &str) -> Option<(usize, *const EngineEntry)> {
        // SAFETY: the table's function gives entries, which are constants, and null behind the last. They
        // are held by pointer: one of an older maker is shorter, but begins the same.
        let entries = (0..).map(|at| (at, unsafe { (self.table.engine)(self.table, at) }));
        let mut entries = entries.take_while(|(_, entry)| !entry.is_null());
        // SAFETY: entries and their names are constants.
        entries.find(|(_, entry)| unsafe { (**entry).name.bytes() } == name.as_bytes())
    }

    fn bundle_entry(&self, name: &str) -> Option<&'static BundleEntry> {
        // SAFETY: as in `engine_entry`.
        let mut entries = (0..).map_while(|at| unsafe { (self.table.bundle)(self.table, at).as_ref() });
        // SAFETY: names are constants.
        entries.find(|entry| unsafe { entry.name.bytes() } == name.as_bytes())
    }

    /// Makes an engine of this plugin for a runtime.
    ///
    /// # Errors
    /// The engine's; `not_found` when the plugin has none of that name.
    pub fn engine(&self, name: &str, runtime: RuntimeHandle, config: View<'_>) -> crate::Result<EngineHandle> {
        let (_, entry) = self.engine_entry(name).ok_or_else(|| missing("engine", name))?;
        let mut runtime = std::mem::ManuallyDrop::new(runtime);
        let mut result = Fallible::Failed(missing("engine", name));
        // SAFETY: the entry is a constant; the runtime is handed over, the configuration borrowed, `result` initialised.
        unsafe { ((*entry).create)(&raw mut *runtime, &config, &mut result) };
        result.into()
    }

    /// Has an engine of this plugin look at a section of `calog.toml`, though it may not be made yet.
    ///
    /// # Errors
    /// The engine's; `not_found` when the plugin has none of that name.
    pub fn validate_engine(&self, name: &str, config: View<'_>) -> crate::Result<()> {
        let (index, _) = self.engine_entry(name).ok_or_else(|| missing("engine", name))?;
        // SAFETY: the table is a constant.
        let Some(validate) = (unsafe { suffix!(self.table, PluginTable, validate) }) else { return Ok(()) };
        let mut result = Fallible::Fine(Value::Nil);
        // SAFETY: the table is the plugin's own, the configuration borrowed, `result` initialised.
        unsafe { validate(self.table, index, &config, &mut result) };
        crate::Result::from(result).map(drop)
    }

    /// Makes a bundle of this plugin for a runtime.
    ///
    /// # Errors
    /// The bundle's; `not_found` when the plugin has none of that name.
    pub fn bundle(&self, name: &str, runtime: RuntimeHandle) -> crate::Result<BundleHandle> {
        let entry = self.bundle_entry(name).ok_or_else(|| missing("bundle", name))?;
        let mut runtime = std::mem::ManuallyDrop::new(runtime);
        let mut result = Fallible::Failed(missing("bundle", name));
        // SAFETY: the runtime is handed over, `result` initialised.
        unsafe { (entry.create)(&raw mut *runtime, &mut result) };
        result.into()
    }
}

#[cfg(feature = "host")]
fn missing(what: &str, name: &str) -> crate::Error {
    crate::Error::new(
        crate::Code::NotFound,
        format!("the plugin's table has no {what} '{name}', though its header says so"),
    )
}
