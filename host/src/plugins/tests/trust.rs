//! Who may have written a plugin, and which locks have it.

use std::os::unix::fs::{MetadataExt, chown, symlink};

use super::*;

/// A user and a group that nobody here has.
const SOMEBODY: u32 = 54_321;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_that_others_may_write_to_is_refused_unless_plugins_are_shared() {
    let folder = Plugins::new();
    let path = folder.write("libx.so", &tally());
    mode(&path, 0o646);
    let refusal = inspect(&path).unwrap_err().to_string();
    let wanted = "it is writable by others (mode 0646): run `chmod o-w` on it, or allow such plugins with \
                  `shared_plugins = true` in calog.toml or with --shared-plugins";
    assert_eq!(refusal, wanted);
    assert!(inspect_under(&path, &Trust::new().shared(true)).is_ok());
}

/// Only the superuser can give files away; what others can do of this, they do.
#[test]
fn a_file_of_somebody_else_or_of_a_group_is_refused() {
    let folder = Plugins::new();
    let path = folder.write("libx.so", &tally());
    mode(&path, 0o664);
    if chown(&path, None, Some(SOMEBODY)).is_ok() {
        let refusal = inspect(&path).unwrap_err().to_string();
        assert!(refusal.starts_with("it is writable by the group 54321 (mode 0664): run `chmod g-w`"), "{refusal}");
        mode(&path, 0o644);
        assert!(inspect(&path).is_ok(), "the group may only read it");
    }
    if chown(&path, Some(SOMEBODY), None).is_ok() {
        let refusal = inspect(&path).unwrap_err().to_string();
        assert!(refusal.starts_with("it belongs to user 54321, neither to you nor to root"), "{refusal}");
        assert!(inspect_under(&path, &Trust::new().shared(true)).is_ok());
    }
}

#[test]
fn a_folder_that_others_may_write_to_is_refused_but_a_sticky_one_is_not() {
    let folder = Plugins::new();
    let path = folder.write("libx.so", &tally());
    let place = folder.0.path();
    mode(place, 0o757);
    let refusal = inspect(&path).unwrap_err().to_string();
    assert!(refusal.starts_with(&format!("its folder {} is writable by others", place.display())), "{refusal}");
    // Through a link from a good folder, too.
    let other = Plugins::new();
    symlink(&path, other.path("link.so")).unwrap();
    assert!(inspect(&other.path("link.so")).unwrap_err().to_string().contains("is writable by others"));
    assert!(matches!(state_named(&folder.catalog(), "libx.so"), FileState::Refused(_)));
    // As /tmp is: others may put files there, which are theirs.
    mode(place, 0o1777);
    assert!(inspect(&path).is_ok() && inspect(&other.path("link.so")).is_ok());
    mode(place, 0o700);
}

fn locked(folder: &Plugins, name: &str) -> Lock {
    Lock::of(folder.0.path(), [lock_entry(&folder.path(name), &Trust::new()).unwrap()])
}

#[test]
fn a_lock_says_which_bytes_it_wants_and_which_there_are() {
    let folder = Plugins::new();
    folder.write("liba.so", &tally());
    let lock = locked(&folder, "liba.so");
    lock.write().unwrap();
    assert_eq!(Lock::within(folder.0.path(), false).unwrap().as_ref(), Some(&lock));
    assert_eq!(state_named(&folder.catalog(), "liba.so"), FileState::Available);
    // A byte more is the same plugin, for everybody else.
    folder.write("liba.so", &[tally(), vec![0]].concat());
    let FileState::Refused(refusal) = state_named(&folder.catalog(), "liba.so") else { panic!("it is another file") };
    let (found, wanted) = (locked(&folder, "liba.so").plugins()[0].sha256.clone(), &lock.plugins()[0].sha256);
    let says = format!(
        "it is calog-tally 1.2.3 with SHA-256 {found}, {}/plugins.lock wants calog-tally 1.2.3 with SHA-256 {wanted}: \
         if you trust it, lock it with `calog plugins lock`",
        folder.0.path().display()
    );
    assert_eq!(refusal.to_string(), says);
    Lock::of(folder.0.path(), []).write().unwrap();
    let FileState::Refused(refusal) = state_named(&folder.catalog(), "liba.so") else { panic!("it is not locked") };
    assert!(refusal.to_string().contains("plugins.lock does not have: if you trust it"), "{refusal}");
}

#[test]
fn every_lock_has_to_have_it() {
    let folder = Plugins::new();
    folder.write("liba.so", &tally());
    let (good, empty) = (locked(&folder, "liba.so"), Lock::of(Path::new("/nonexistent"), []));
    let inspected = |trust: Trust| inspect_under(&folder.path("liba.so"), &trust);
    assert!(inspected(Trust::new().locked_by(good.clone())).is_ok());
    assert!(inspected(Trust::new().locked_by(good.clone()).locked_by(empty.clone())).is_err());
    assert!(inspected(Trust::new().locked_by(empty).locked_by(good)).is_err());
}

#[test]
fn a_lock_that_cannot_be_understood_locks_everything_out() {
    let folder = Plugins::new();
    folder.write("liba.so", &tally());
    let hash = "0".repeat(64);
    for (text, wanted) in [
        ("version = 2\n".to_owned(), "it has version 2, wanted 1"),
        ("version = 1\n[[plugin]]\nname = \"x\"\n".into(), "missing field"),
        ("version = 1\nplugins = []\n".into(), "unknown field"),
        (
            format!("version = 1\n[[plugin]]\nname = \"x\"\nversion = \"1\"\nsha256 = \"{}\"\n", &hash[1..]),
            "the sha256 of x is not 64 lower case hexadecimal digits",
        ),
        ("\u{0}".into(), "TOML parse error"),
    ] {
        folder.write(LOCK, text.as_bytes());
        let FileState::Refused(refusal) = state_named(&folder.catalog(), "liba.so") else { panic!("{text}") };
        let refusal = refusal.to_string();
        assert!(refusal.starts_with("its folder is locked, but ") && refusal.contains(wanted), "{refusal}");
    }
    // One that others could write to says nothing.
    let path = folder.write(LOCK, locked(&folder, "liba.so").to_string().as_bytes());
    mode(&path, 0o666);
    let FileState::Refused(refusal) = state_named(&folder.catalog(), "liba.so") else { panic!("others may write it") };
    assert!(refusal.to_string().contains("plugins.lock: it is writable by others"), "{refusal}");
    // Nor does one that leads nowhere.
    fs::remove_file(&path).unwrap();
    symlink("nowhere", &path).unwrap();
    assert!(matches!(state_named(&folder.catalog(), "liba.so"), FileState::Refused(_)));
}

#[test]
fn a_locked_plugin_is_opened_from_a_copy_that_nobody_can_change() {
    let folder = Plugins::new();
    // Bytes of its own, so that no other test has opened them.
    let path = folder.write("liba.so", &[tally(), b"locked".to_vec()].concat());
    locked(&folder, "liba.so").write().unwrap();
    let copies = || {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        assert!(!maps.contains(&*path.to_string_lossy()), "the file itself is not opened");
        let copies = maps.lines().filter(|line| line.contains("memfd:calog plugin") && line.contains("r-xp"));
        copies.count()
    };
    let (one, two) = (folder.catalog(), folder.catalog());
    let id = one.files().next().unwrap().0;
    one.load(id).unwrap();
    assert_eq!(copies(), 1);
    // For another runtime it is the same one.
    two.load(id).unwrap();
    assert_eq!(copies(), 1);
    // The linker's file is the copy, and it is sealed.
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let inode = maps.lines().find(|line| line.contains("memfd:calog plugin")).unwrap();
    let inode: u64 = inode.split_whitespace().nth(4).unwrap().parse().unwrap();
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten().map(|it| it.path());
    let copy = open.into_iter().find(|it| fs::metadata(it).is_ok_and(|it| it.ino() == inode)).unwrap();
    assert!(
        fs::OpenOptions::new().write(true).open(&copy).and_then(|mut it| std::io::Write::write(&mut it, b"x")).is_err()
    );
}

#[test]
fn a_locked_file_that_changes_after_the_scan_is_refused() {
    let folder = Plugins::new();
    folder.write("liba.so", &tally());
    locked(&folder, "liba.so").write().unwrap();
    let catalog = folder.catalog();
    folder.write("liba.so", &[tally(), b"!".to_vec()].concat());
    let error = catalog.load(catalog.files().next().unwrap().0).err().unwrap();
    assert!(matches!(*error.refusal, Refusal::NotLocked { .. }), "{error}");
}

#[test]
fn what_the_linker_says_is_the_reason() {
    let mut plugin = tally();
    // A library that it needs gets another name.
    let at = plugin.windows(10).position(|it| it == b"libc.so.6\0").unwrap();
    plugin[at + 2..at + 4].copy_from_slice(b"zz");
    let folder = Plugins::new();
    let path = folder.write("liba.so", &plugin);
    let error = try_opening(&path, &Trust::new()).unwrap_err().to_string();
    assert!(error.starts_with("it cannot be opened: ") && error.contains("lizz.so.6"), "{error}");
}
