//! Compiles Squirrel from the source that the locked crate `squirrel-sys` carries, with our patches.
//!
//! The source is copied to `OUT_DIR`, where each patch of `build/patches.rs` and `build/library.rs` must find its text exactly
//! as often as it says: a release of the crate that differs stops the build, and is never half patched.

#[path = "build/library.rs"]
mod library;
#[path = "build/patches.rs"]
mod patches;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use patches::{PATCHES, Patch};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The crate whose source it is.
const CRATE: &str = "squirrel-sys";

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=native");
    println!("cargo:rerun-if-env-changed=CALOG_SQUIRREL_SOURCE");
    let source = source()?;
    let own = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("native");
    let copy = PathBuf::from(env::var("OUT_DIR")?).join("squirrel");
    for folder in ["include", "squirrel", "sqstdlib"] {
        copy_folder(&source.join(folder), &copy.join(folder))?;
    }
    PATCHES.iter().chain(library::PATCHES).try_for_each(|patch| apply(&copy, patch))?;
    compile(&copy, &own)
}

/// The folder with Squirrel's source.
fn source() -> Result<PathBuf> {
    if let Ok(given) = env::var("CALOG_SQUIRREL_SOURCE") {
        return Ok(given.into());
    }
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
    Ok(folder.join("squirrel"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::write(to.join(entry.file_name()), fs::read(entry.path())?)?;
        }
    }
    Ok(())
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

fn compile(copy: &Path, own: &Path) -> Result<()> {
    let mut build = cc::Build::new();
    build.cpp(true).std("c++11").opt_level(2).warnings(false);
    for define in ["_SQ64", "SQUSEDOUBLE", "SQ_EXCLUDE_DEFAULT_MEMFUNCTIONS", "NDEBUG"] {
        build.define(define, None);
    }
    // Rust unwinds through it where memory ends: `-fexceptions`. Nothing of it is for other libraries.
    for flag in ["-fno-rtti", "-fexceptions", "-fno-strict-aliasing", "-fwrapv", "-fvisibility=hidden"] {
        build.flag(flag);
    }
    build.flag("-include").flag(own.join("hooks.hpp"));
    build.include(copy.join("include")).include(copy.join("squirrel")).include(own);
    for folder in ["squirrel", "sqstdlib"] {
        let mut files: Vec<_> =
            fs::read_dir(copy.join(folder))?.map(|it| it.map(|it| it.path())).collect::<std::io::Result<_>>()?;
        files.retain(|file| file.extension().is_some_and(|it| it == "cpp"));
        files.sort();
        build.files(files);
    }
    build.file(own.join("hooks.cpp"));
    build.try_compile("calog_squirrel")?;
    Ok(())
}
