//! `calog.toml`: any text is a manifest or an error with a place, and a manifest's values can be handed on.

#![no_main]

use std::path::Path;

use calog::manifest::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Manifest::parse(text, Path::new("folder/calog.toml")) {
        Ok(manifest) => drop(manifest.to_value()),
        Err(error) => drop(error.to_string()),
    }
});
