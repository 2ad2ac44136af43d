//! The one line that makes a library a plugin.

/// Makes a library a calog plugin: exports its root module and its header.
///
/// ```text
/// export_plugin! { engine: Tally }
/// export_plugin! { bundle: math }
/// export_plugin! { engine: Lua, bundle: lua_tools }
/// ```
///
/// An engine is a type that implements [`Engine`](crate::Engine); a bundle is a function that makes a
/// [`Bundle`](crate::Bundle) of the same name: `fn math() -> Bundle`. The plugin's name and version are those of its
/// package. Panics are caught at every entry, drops included; a library built with `panic = "abort"`
/// says so in its header and is refused.
#[macro_export]
macro_rules! export_plugin {
    ($($kind:ident : $what:ident),+ $(,)?) => {
        const _: () = {
            use $crate::__private as calog;

            const ENTRIES: &[calog::Entry] = &[$($crate::__entry!($kind $what)),+];
            const ENGINES: &[&[calog::EngineEntry]] = &[$($crate::__engines!($kind $what)),+];
            const BUNDLES: &[&[calog::BundleEntry]] = &[$($crate::__bundles!($kind $what)),+];

            #[used]
            #[unsafe(link_section = ".calog_plugin")]
            static HEADER: calog::Header = calog::Header::new(
                env!("CARGO_PKG_NAME"),
                env!("CARGO_PKG_VERSION"),
                cfg!(panic = "unwind"),
                ENTRIES,
            );

            static TABLE: calog::PluginTable = calog::PluginTable::new(ENGINES, BUNDLES);

            fn root() -> calog::PluginRootRef {
                calog::plugin_root(&TABLE)
            }

            extern "C" fn load() -> calog::RootModuleResult {
                calog::call_root_module_loader(root)
            }

            // SAFETY: `load` gives the root module of the type that is named here.
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            static ROOT: calog::LibHeader = unsafe {
                calog::LibHeader::from_constructor::<calog::PluginRootRef>(load, calog::CheckTypeLayout::Yes)
            };
        };
    };
}

/// One entry of the header.
#[doc(hidden)]
#[macro_export]
macro_rules! __entry {
    (engine $what:ident) => {
        $crate::__private::Entry::engine::<$what>()
    };
    (bundle $what:ident) => {
        $crate::__private::Entry::bundle(stringify!($what))
    };
}

/// The engines of one entry: itself or none.
#[doc(hidden)]
#[macro_export]
macro_rules! __engines {
    (engine $what:ident) => {
        &[$crate::__private::EngineEntry::of::<$what>()]
    };
    (bundle $what:ident) => {
        &[]
    };
}

/// The bundles of one entry: itself or none.
#[doc(hidden)]
#[macro_export]
macro_rules! __bundles {
    (engine $what:ident) => {
        &[]
    };
    (bundle $what:ident) => {
        &[$crate::__private::BundleEntry::of(stringify!($what), &$what)]
    };
}

/// What the macro's expansion names; no part of the contract for authors.
#[doc(hidden)]
pub mod __private {
    pub use crate::abi::{BundleEntry, EngineEntry, PluginRoot_Ref as PluginRootRef, PluginTable};
    pub use crate::header::{Entry, Header};
    pub use abi_stable::library::{
        __call_root_module_loader as call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult,
    };

    /// The root module over a plugin's table.
    pub fn plugin_root(table: &'static PluginTable) -> PluginRootRef {
        use abi_stable::prefix_type::PrefixTypeTrait;
        crate::abi::PluginRoot { nil: crate::abi::nil, table }.leak_into_prefix()
    }
}
