//! Plugin files: any bytes are an offer or a refusal in words. An input that begins with an ELF header is
//! a file; any other is a list of changes to one that is good; the rest of it is a lock.

#![no_main]

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use calog::plugin_api::header::{Header, MAGIC};
use calog::plugins::{Lock, inspect_bytes};
use libfuzzer_sys::fuzz_target;

/// A small file with the header of a plugin that was built beside the target.
fn good() -> &'static [u8] {
    static GOOD: OnceLock<Vec<u8>> = OnceLock::new();
    GOOD.get_or_init(|| {
        let bytes = make().expect("a C compiler");
        inspect_bytes(&bytes).expect("it is good");
        bytes
    })
}

fn make() -> std::io::Result<Vec<u8>> {
    let target = std::env::current_exe()?;
    let folder = target.parent().expect("it lies in a folder");
    let plugin = std::fs::read(folder.join("libcalog_engine_basic.so"))?;
    let header = plugin.windows(MAGIC.len()).position(|window| window == MAGIC).expect("a plugin has a header");
    let own = folder.join("small");
    std::fs::create_dir_all(&own)?;
    std::fs::write(own.join("header.bin"), &plugin[header..header + size_of::<Header>()])?;
    std::fs::write(own.join("small.c"), include_str!("../small.c"))?;
    let status = Command::new("cc")
        .current_dir(&own)
        .args(["-shared", "-fPIC", "-Os", "-s", "small.c", "-o", "small.so"])
        .status()?;
    assert!(status.success(), "the C compiler failed");
    std::fs::read(own.join("small.so"))
}

fuzz_target!(|bytes: &[u8]| {
    let offer = if bytes.starts_with(b"\x7fELF") { inspect_bytes(bytes) } else { inspect_bytes(&changed(bytes)) };
    if let Err(refusal) = offer {
        assert!(!refusal.to_string().is_empty());
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(lock) = Lock::parse(text, Path::new("plugins.lock"))
    {
        assert_eq!(Lock::parse(&lock.to_string(), Path::new("plugins.lock")), Ok(lock));
    }
});

/// Each change is a place of three bytes, a length and so many bytes. Small places are in the tables,
/// which are at both ends of the file.
fn changed(mut changes: &[u8]) -> Vec<u8> {
    let mut file = good().to_vec();
    while let [low, middle, high, length, rest @ ..] = changes {
        let place = usize::from(*low) | usize::from(*middle) << 8 | usize::from(*high & 0x7f) << 16;
        let place = place % file.len();
        let place = if *high & 0x80 == 0 { place } else { file.len() - 1 - place };
        let (bytes, next) = rest.split_at(rest.len().min(usize::from(*length % 16)));
        let room = bytes.len().min(file.len() - place);
        file[place..place + room].copy_from_slice(&bytes[..room]);
        changes = next;
    }
    file
}
