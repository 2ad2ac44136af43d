//! Which versions of symbols are needed of which library, and defined.
//!
//! The linker asserts that it has loaded every library named here, and looks symbols' versions up by
//! their numbers without asking whether there is such a version.

use object::Endianness;
use object::elf::{self, Verdaux, Verdef, Vernaux, Verneed, Versym};
use object::pod::{Pod, from_bytes};
use object::read::ReadRef;
use object::read::elf::SectionTable;

use super::dynamic::Dynamic;
use super::segments::Image;
use super::{NativeHeader, damaged};
use crate::plugins::refusal::Refusal;

/// Without a version, or with none of its own.
const UNVERSIONED: u16 = 1;

pub(super) fn check<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    dynamic: &Dynamic<'data>,
    sections: &SectionTable<'data, NativeHeader, R>,
) -> Result<(), Refusal> {
    let mut last = UNVERSIONED;
    if let Some(address) = dynamic.get(elf::DT_VERNEED) {
        let bytes = image.section("its needed versions", sections, address)?;
        last = last.max(needed(bytes, image.endian, dynamic)?);
    }
    if let Some(address) = dynamic.get(elf::DT_VERDEF) {
        let bytes = image.section("its versions", sections, address)?;
        last = last.max(defined(bytes, image.endian, dynamic)?);
    }
    let Some(address) = dynamic.get(elf::DT_VERSYM) else { return Ok(()) };
    let length = (dynamic.symbols.len() * size_of::<Versym<Endianness>>()) as u64;
    let versions = image.table::<Versym<Endianness>>("its symbols' versions", address, length)?;
    match versions.iter().position(|it| it.0.get(image.endian).index().0 > last) {
        Some(symbol) => Err(damaged(format!("symbol {symbol} has a version that is not there"))),
        None => Ok(()),
    }
}

/// Follows the needed versions; gives the highest number of one.
fn needed(bytes: &[u8], endian: Endianness, dynamic: &Dynamic<'_>) -> Result<u16, Refusal> {
    let libraries: Vec<&[u8]> = dynamic.all(elf::DT_NEEDED).map(|name| dynamic.text(name)).collect::<Result<_, _>>()?;
    let mut last = 0;
    let mut at = 0;
    let mut libraries_left = dynamic.get(elf::DT_VERNEEDNUM).unwrap_or_default();
    loop {
        let library: &Verneed<Endianness> = entry(bytes, at)?;
        let name = dynamic.text(u64::from(library.vn_file.get(endian)))?;
        if library.vn_version.get(endian) != 1 || !libraries.contains(&name) {
            return Err(damaged("it needs a version of a library that it does not need"));
        }
        let mut inner = next(at, library.vn_aux.get(endian));
        let mut versions_left = library.vn_cnt.get(endian);
        // The linker does not count them, but follows them to their end.
        loop {
            let version: &Vernaux<Endianness> = entry(bytes, inner)?;
            let name = dynamic.text(u64::from(version.vna_name.get(endian)))?;
            if version.vna_hash.get(endian) != elf::hash(name) {
                return Err(damaged("the hash of a version is another one's"));
            }
            last = last.max(version.vna_other.get(endian).0 & elf::VERSYM_VERSION);
            versions_left = versions_left.saturating_sub(1);
            match version.vna_next.get(endian) {
                0 if versions_left == 0 => break,
                0 => return Err(damaged("it needs more versions of a library than it names")),
                step => inner = next(inner, step),
            }
        }
        libraries_left = libraries_left.saturating_sub(1);
        match library.vn_next.get(endian) {
            0 if libraries_left == 0 => return Ok(last),
            0 => return Err(damaged("it needs versions of more libraries than it names")),
            step => at = next(at, step),
        }
    }
}

/// Follows the versions that it defines; gives the highest number of one.
fn defined(bytes: &[u8], endian: Endianness, dynamic: &Dynamic<'_>) -> Result<u16, Refusal> {
    let mut last = 0;
    let mut at = 0;
    loop {
        let version: &Verdef<Endianness> = entry(bytes, at)?;
        let name: &Verdaux<Endianness> = entry(bytes, next(at, version.vd_aux.get(endian)))?;
        dynamic.text(u64::from(name.vda_name.get(endian)))?;
        last = last.max(version.vd_ndx.get(endian).0 & elf::VERSYM_VERSION);
        match version.vd_next.get(endian) {
            0 => return Ok(last),
            step => at = next(at, step),
        }
    }
}

/// Always further on: where steps are positive, following them ends.
fn next(at: usize, step: u32) -> usize {
    at + step as usize
}

fn entry<T: Pod>(bytes: &[u8], at: usize) -> Result<&T, Refusal> {
    let entry = bytes.get(at..).and_then(|bytes| from_bytes(bytes).ok());
    entry.map(|(entry, _)| entry).ok_or_else(|| damaged("its versions are not within its segments"))
}
