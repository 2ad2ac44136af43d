//! Tells the crate what it is built for, which a plugin's header states.

fn main() {
    // Cargo always sets TARGET for build scripts.
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=CALOG_TARGET={target}");
    println!("cargo::rerun-if-changed=build.rs");
}
