//! The loader against real files, most of them hostile. The plugins are compiled by rustc against the
//! very libraries this test is linked with, once for all tests.

mod build;
mod trust;

use std::fs::{self, Permissions};
use std::mem::offset_of;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use calog_plugin_api::header::{Entry, Header, MAGIC};
use tempfile::TempDir;

use super::*;

/// A folder with copies of the test plugin and other files.
struct Plugins(TempDir);

impl Plugins {
    fn new() -> Plugins {
        Plugins(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        path
    }

    fn catalog(&self) -> Catalog {
        Catalog::scan(&SearchPath::of([self.0.path()]), Vec::new(), &[])
    }
}

fn tally() -> Vec<u8> {
    fs::read(build::tally()).unwrap()
}

/// Where the header begins in a plugin's bytes.
fn header_at(plugin: &[u8]) -> usize {
    plugin.windows(MAGIC.len()).position(|window| window == MAGIC).expect("a plugin has a header")
}

/// The refusal of the test plugin with these bytes of its header changed.
fn patched(offset: usize, bytes: &[u8]) -> Refusal {
    let mut plugin = tally();
    let start = header_at(&plugin) + offset;
    plugin[start..start + bytes.len()].copy_from_slice(bytes);
    refusal_of(&plugin)
}

fn refusal_of(file: &[u8]) -> Refusal {
    let folder = Plugins::new();
    inspect(&folder.write("libx.so", file)).expect_err("it should be refused")
}

fn state_named(catalog: &Catalog, name: &str) -> FileState {
    let (id, _) = catalog.files().find(|(_, file)| file.path().ends_with(name)).unwrap();
    catalog.state(id)
}

#[test]
fn a_plugin_says_what_it_offers_without_being_opened() {
    let offer = inspect(build::tally()).unwrap();
    assert_eq!(offer.plugin.to_string(), "calog-tally 1.2.3");
    assert_eq!(offer.engines[0].language, "counting");
    assert_eq!(offer.engines[0].extensions, ["tly", "tal"]);
    assert_eq!(offer.bundles, ["sums"]);
}

#[test]
fn files_that_are_no_plugins_say_what_they_are() {
    let folder = Plugins::new();
    let check = |path: &Path, wanted: &str| {
        let found = inspect(path).unwrap_err().to_string();
        assert!(found.contains(wanted), "found {found:?}, wanted {wanted:?}");
    };
    check(&folder.write("text.so", b"hello, world\n"), r#"begins with "hello, world", not"#);
    check(&folder.write("empty.so", b""), "the file is empty");
    check(&folder.write("magic.so", b"\x7fELF"), "within its ELF header");
    fs::create_dir(folder.path("dir.so")).unwrap();
    check(&folder.path("dir.so"), "a folder, not a regular file");
    let _socket = UnixListener::bind(folder.path("socket.so")).unwrap();
    check(&folder.path("socket.so"), "a socket, not");
    std::os::unix::fs::symlink("nowhere", folder.path("link.so")).unwrap();
    check(&folder.path("link.so"), "cannot be read: No such file");
    check(&std::env::current_exe().unwrap(), "no section `.calog_plugin`");
}

#[test]
fn modes_are_checked() {
    let folder = Plugins::new();
    let path = folder.write("libx.so", &tally());
    for mode in [0o644, 0o755, 0o664, 0o444] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert!(inspect(&path).is_ok(), "mode {mode:o}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(inspect(&path), Err(Refusal::Writable { mode: 0o666, .. })));
    fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    // The superuser may read everything.
    if fs::File::open(&path).is_err() {
        assert!(matches!(inspect(&path), Err(Refusal::Unreadable { .. })));
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let plugin = tally();
    let starts = [0, 1, 4, 19, 20, 63, 64, 65, 120, 200, 1000, 4095, 4096];
    let steps = (1..60).map(|step| plugin.len() * step / 60);
    let ends = [plugin.len() - 64, plugin.len() - 1];
    for length in starts.into_iter().chain(steps).chain(ends) {
        let refusal = refusal_of(&plugin[..length]);
        assert!(matches!(refusal, Refusal::Damaged { .. } | Refusal::NotElf { .. }), "cut at {length}: {refusal}");
    }
}

#[test]
fn other_machines_and_types_are_refused() {
    let changed = |at: usize, byte: u8| {
        let mut plugin = tally();
        plugin[at] = byte;
        refusal_of(&plugin)
    };
    assert!(matches!(changed(4, 1), Refusal::OtherMachine { .. }));
    assert!(matches!(changed(5, 2), Refusal::OtherMachine { .. }));
    assert!(changed(18, 250).to_string().contains("ELF machine"));
    assert!(changed(16, 1).to_string().contains("an object file, not a shared library"));
}

#[test]
fn headers_that_do_not_fit_are_refused() {
    let check = |offset: usize, bytes: &[u8], wanted: &str| {
        let found = patched(offset, bytes).to_string();
        assert!(found.contains(wanted), "found {found:?}, wanted {wanted:?}");
    };
    check(0, b"CALOG", r#"begins with "CALOG plugin"#);
    check(offset_of!(Header, abi_major), &9u32.to_ne_bytes(), "built for ABI 9.1, this host speaks ABI 0.1");
    check(offset_of!(Header, abi_minor), &7u32.to_ne_bytes(), "ABI 0.7, this host speaks ABI 0.1 and no other");
    check(offset_of!(Header, value_format), &99u32.to_ne_bytes(), "have format 99");
    check(offset_of!(Header, size), &12u32.to_ne_bytes(), "says it has 12 bytes");
    check(offset_of!(Header, size), &u32::MAX.to_ne_bytes(), "its section has");
    check(offset_of!(Header, api_version), b"0.9.0\0", "calog-plugin-api 0.9.0, this host takes ^0.1");
    check(offset_of!(Header, api_version), b"0.1.77\0", "needs a host with calog-plugin-api ^0.1.77");
    check(offset_of!(Header, api_version), b"new\0", r#""new" is no version"#);
    check(offset_of!(Header, target), b"m68k-atari-tos\0", "built for target m68k-atari-tos");
    check(offset_of!(Header, panic), &[2], "panic = \"abort\"");
    check(offset_of!(Header, panic), &[7], "panic strategy is 7");
    check(offset_of!(Header, entry_count), &[0], "offers 0 engines");
    check(offset_of!(Header, entry_count), &[200], "offers 200 engines");
    check(offset_of!(Header, name), &[0], "the name is \"\"");
    check(offset_of!(Header, name), b"\x1b[31mred", "no printable text");
    check(offset_of!(Header, version), &[b'1'; 32], "version is no printable text");
    let entry = |field| offset_of!(Header, entries) + field;
    check(entry(offset_of!(Entry, kind)), &[5], "entry 0 is of kind 5");
    check(entry(offset_of!(Entry, threading)), &[5], "unknown threading 5");
    check(entry(offset_of!(Entry, extensions)), b".tl", "among the extensions is \".tl\"");
}

#[test]
fn a_plugin_whose_panics_abort_is_refused() {
    assert_eq!(inspect(build::aborting()), Err(Refusal::PanicAborts));
}

#[test]
fn a_plugin_is_opened_once_and_by_several_catalogs() {
    let folder = Plugins::new();
    folder.write("libtally.so", &tally());
    let catalog = folder.catalog();
    let Provider::File(id) = catalog.engine_for_extension("tly").unwrap().provider else { panic!("it is a file") };
    assert_eq!(catalog.state(id), FileState::Available);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| catalog.load(id).unwrap());
        }
    });
    assert_eq!(catalog.state(id), FileState::Loaded);
    let other = folder.catalog();
    other.load(id).unwrap();
}

#[test]
fn a_file_damaged_after_the_scan_leaves_its_names_to_the_next() {
    let folder = Plugins::new();
    let first = folder.write("liba.so", &tally());
    folder.write("libb.so", &tally());
    let catalog = folder.catalog();
    let engine = catalog.engine_named("counting").unwrap();
    let (a, b) = (catalog.files().next().unwrap().0, catalog.files().nth(1).unwrap().0);
    assert_eq!(engine.provider, Provider::File(a));
    assert_eq!(catalog.state(b), FileState::Shadowed { by: Provider::File(a) });
    folder.write("liba.so", &tally()[..5000]);
    let error = catalog.load(a).err().unwrap();
    assert!(error.to_string().contains(&format!("plugin {}: it is damaged", first.display())), "{error}");
    assert_eq!(catalog.engine_named("counting").unwrap().provider, Provider::File(b));
    catalog.load(b).unwrap();
    assert!(catalog.load(a).is_err());
}

#[test]
fn a_root_module_of_another_layout_is_refused_with_a_short_reason_and_a_long_report() {
    let folder = Plugins::new();
    folder.write("libother.so", &fs::read(build::other_root()).unwrap());
    let catalog = folder.catalog();
    let (id, _) = catalog.files().next().unwrap();
    let error = catalog.load(id).err().unwrap();
    let report = error.refusal.report().unwrap();
    assert!(report.lines().count() > 20, "{report}");
    let wanted = "Error: mismatched package Expected: calog-plugin-api Found: calog-tally; build it";
    assert!(error.to_string().contains(wanted), "{error}");
    assert_eq!(catalog.bundles(), []);
    let (short, long) = (listing(&catalog, false), listing(&catalog, true));
    assert!(long.len() > short.len() + report.len(), "{long}");
}

#[test]
fn folders_are_searched_in_order_and_once() {
    let (one, two) = (Plugins::new(), Plugins::new());
    two.write("libz.so", &tally());
    one.write("libb.so", &tally());
    one.write("liba.so", b"text");
    one.write("README.md", b"text");
    let search = SearchPath::of([one.0.path(), Path::new("/nonexistent/calog"), two.0.path(), one.0.path()])
        .with(Origin::ExecutableFolder, [two.0.path()]);
    let catalog = Catalog::scan(&search, Vec::new(), &[]);
    let names: Vec<_> = catalog.files().map(|(_, file)| file.path().file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["liba.so", "libb.so", "libz.so"]);
    let states: Vec<_> = catalog.folders().iter().map(|folder| folder.state.clone()).collect();
    use FolderState::{Missing, Repeated, Searched};
    assert_eq!(states, [Searched, Missing, Searched, Repeated, Searched]);
    assert!(matches!(state_named(&catalog, "liba.so"), FileState::Refused(_)));
    assert_eq!(state_named(&catalog, "libb.so"), FileState::Available);
    assert!(matches!(state_named(&catalog, "libz.so"), FileState::Shadowed { .. }));
}

#[test]
fn the_listing_shows_everything() {
    let folder = Plugins::new();
    folder.write("liba_text.so", b"text");
    folder.write("libb.so", &tally());
    folder.write("libc.so", &tally());
    let own = Offer::compiled_in("app", "0.3.0", Vec::new(), vec!["sums".into()]);
    let catalog = Catalog::scan(&SearchPath::of([folder.0.path()]), vec![own], &[]);
    let text = listing(&catalog, false);
    let place = folder.0.path().display();
    let wanted = format!(
        "compiled into the program\n  \
         -             app 0.3.0          ABI 0.1  available  bundle sums\n\
         {place} (named by the program): 3 files\n  \
         liba_text.so  -                  ABI -    refused\n      \
         it is no shared library: it begins with \"text\", not with the ELF magic\n  \
         libb.so       calog-tally 1.2.3  ABI 0.1  available  engine tally (counting): .tly .tal; bundle sums\n      \
         bundle sums is shadowed by the program itself\n  \
         libc.so       calog-tally 1.2.3  ABI 0.1  shadowed   engine tally (counting): .tly .tal; bundle sums\n      \
         engine tally is shadowed by {place}/libb.so\n      \
         bundle sums is shadowed by the program itself\n\
         engines: 1, bundles: 1, files refused: 1\n"
    );
    assert_eq!(text, wanted);
    let missing = missing_engine(&catalog, "extension .lua");
    assert!(missing.starts_with("no engine for extension .lua\nengines there are: tally (counting): .tly .tal\n"));
    assert!(missing.contains("liba_text.so: it is no shared library"), "{missing}");
}
