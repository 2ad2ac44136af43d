//! Compiles Lua's basic, string and table libraries once more, from the source that the locked crate `lua-src`
//! carries, with our patches: the interpreter opens them in the place of those that mlua has compiled.
//!
//! The files are copied to `OUT_DIR`, where each patch of `build/patches.rs` must find its text exactly as
//! often as it says: a release of the crate that differs stops the build, and is never half patched.

#[path = "build/patches.rs"]
mod patches;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use patches::{PATCHES, Patch};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The crate whose source it is, and which of its Luas is compiled in.
const CRATE: &str = "lua-src";
const LUA: &str = "lua-5.4.";

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=native");
    let source = source()?;
    let own = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("native");
    let copy = PathBuf::from(env::var("OUT_DIR")?).join("lua");
    fs::create_dir_all(&copy)?;
    let mut files: Vec<&str> = PATCHES.iter().map(|patch| patch.file).collect();
    files.dedup();
    for file in &files {
        fs::write(copy.join(file), fs::read(source.join(file))?)?;
    }
    PATCHES.iter().try_for_each(|patch| apply(&copy, patch))?;
    let mut build = cc::Build::new();
    build.opt_level(2).warnings(false).flag("-fvisibility=hidden");
    // As lua-src compiles it.
    build.define("LUA_COMPAT_5_3", None).include(&source);
    build.flag("-include").flag(own.join("poll.h"));
    build.files(files.iter().map(|file| copy.join(file))).file(own.join("poll.c"));
    build.try_compile("calog_lua")?;
    Ok(())
}

/// The folder with Lua's source.
fn source() -> Result<PathBuf> {
    let manifest = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml");
    let mut metadata = Command::new(env::var("CARGO")?);
    metadata.args(["metadata", "--format-version", "1", "--locked", "--manifest-path"]).arg(manifest);
    let output = metadata.output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let found = packages.iter().find(|it| it["name"] == CRATE).and_then(|it| it["manifest_path"].as_str());
    let manifest = found.ok_or_else(|| format!("cargo metadata does not know {CRATE}"))?;
    let folder = Path::new(manifest).parent().ok_or("a manifest lies in a folder")?;
    let luas = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    let found = luas.iter().find(|it| it.file_name().to_string_lossy().starts_with(LUA));
    Ok(found.ok_or_else(|| format!("{CRATE} has no {LUA}"))?.path())
}

/// Replaces a patch's text, which must be there exactly as often as it says.
fn apply(copy: &Path, patch: &Patch) -> Result<()> {
    let path = copy.join(patch.file);
    let text = fs::read_to_string(&path)?;
    let found = text.matches(patch.find).count();
    if found != patch.times {
        let Patch { file, find, times, .. } = patch;
        return Err(format!("{file} has the text {find:?} {found} times, and a patch wants it {times} times").into());
    }
    fs::write(path, text.replace(patch.find, patch.replace))?;
    Ok(())
}
