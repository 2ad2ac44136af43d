//! A plugin with a valid header over a root module of another layout.
use abi_stable::StableAbi;
use abi_stable::library::{CheckTypeLayout, LibHeader, RootModule, RootModuleResult, __call_root_module_loader};
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::sabi_types::VersionStrings;
use calog_plugin_api::header::{Entry, Header};

#[used]
#[unsafe(link_section = ".calog_plugin")]
static HEADER: Header = Header::new("other", "1.0.0", true, &[Entry::bundle("other")]);

#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRoot_Ref)))]
#[sabi(missing_field(panic))]
pub struct PluginRoot {
    pub nil: extern "C" fn() -> u32,
    #[sabi(last_prefix_field)]
    pub table: usize,
}

impl RootModule for PluginRoot_Ref {
    abi_stable::declare_root_module_statics! {PluginRoot_Ref}
    const BASE_NAME: &'static str = "calog_plugin";
    const NAME: &'static str = "calog_plugin";
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("0.1.0");
}

extern "C" fn nil() -> u32 {
    0
}

fn root() -> PluginRoot_Ref {
    PluginRoot { nil, table: 0 }.leak_into_prefix()
}

extern "C" fn load() -> RootModuleResult {
    __call_root_module_loader(root)
}

// SAFETY: `load` gives the root module of the type that is named here.
#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
static ROOT: LibHeader = unsafe { LibHeader::from_constructor::<PluginRoot_Ref>(load, CheckTypeLayout::Yes) };
