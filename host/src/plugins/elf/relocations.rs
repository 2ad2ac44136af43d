//! What the linker writes where, before any code runs.
//!
//! The invariant: it writes into writable segments, reads symbols that are there, and makes addresses
//! that belong to the image; in lists of initialisers, addresses of code.

use object::elf;
use object::read::ReadRef;
use object::read::elf::{FileHeader, Rel, Rela, RelrIterator};

use super::dynamic::{Dynamic, WORD};
use super::segments::Image;
use super::{NativeHeader, damaged};
use crate::plugins::refusal::Refusal;

type NativeRel = <NativeHeader as FileHeader>::Rel;
type NativeRela = <NativeHeader as FileHeader>::Rela;
type NativeRelr = <NativeHeader as FileHeader>::Relr;

/// The kind of relocation that adds the image's address to a number, and the one that calls a
/// function for an address; none where this list lacks the machine.
const KINDS: (u32, u32) = if cfg!(target_arch = "x86_64") {
    (elf::R_X86_64_RELATIVE.0, elf::R_X86_64_IRELATIVE.0)
} else if cfg!(target_arch = "aarch64") {
    (elf::R_AARCH64_RELATIVE.0, elf::R_AARCH64_IRELATIVE.0)
} else {
    (u32::MAX, u32::MAX)
};
const RELATIVE: u32 = KINDS.0;
const INDIRECT: u32 = KINDS.1;

/// One relocation, whichever of the three tables it came from.
struct Relocation {
    offset: u64,
    kind: u32,
    symbol: u32,
    addend: Option<u64>,
}

pub(super) fn check<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    dynamic: &Dynamic<'data>,
) -> Result<(), Refusal> {
    let with_addend = [(elf::DT_RELA, elf::DT_RELASZ, elf::DT_RELAENT, size_of::<NativeRela>())];
    let without = [(elf::DT_REL, elf::DT_RELSZ, elf::DT_RELENT, size_of::<NativeRel>())];
    for (table, size, entry, wanted) in with_addend.into_iter().chain(without) {
        let (address, length) = match (dynamic.get(table), dynamic.get(size)) {
            (None, None) => continue,
            (Some(address), Some(length)) if dynamic.get(entry) == Some(wanted as u64) => (address, length),
            _ => return Err(damaged("its table of relocations is incomplete")),
        };
        check_table(image, dynamic, table == elf::DT_RELA, address, length)?;
    }
    check_functions(image, dynamic)?;
    check_packed(image, dynamic)
}

/// The relocations of functions.
fn check_functions<'data, R: ReadRef<'data>>(image: &Image<'data, R>, dynamic: &Dynamic<'data>) -> Result<(), Refusal> {
    let kind = dynamic.get(elf::DT_PLTREL);
    let with_addend = kind == Some(elf::DT_RELA.0 as u64);
    match (dynamic.get(elf::DT_JMPREL), dynamic.get(elf::DT_PLTRELSZ)) {
        (None, None) => Ok(()),
        (Some(address), Some(length)) if with_addend || kind == Some(elf::DT_REL.0 as u64) => {
            check_table(image, dynamic, with_addend, address, length)
        }
        _ => Err(damaged("its table of functions' relocations is incomplete")),
    }
}

fn check_table<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    dynamic: &Dynamic<'data>,
    with_addend: bool,
    address: u64,
    length: u64,
) -> Result<(), Refusal> {
    let endian = image.endian;
    if with_addend {
        let table = image.table::<NativeRela>("its relocations", address, length)?;
        table.iter().try_for_each(|it| {
            let addend: i64 = it.r_addend(endian).into();
            check_one(
                image,
                dynamic,
                &Relocation {
                    offset: it.r_offset(endian).into(),
                    kind: it.r_type(endian, false).0,
                    symbol: it.r_sym(endian, false),
                    addend: Some(addend.cast_unsigned()),
                },
            )
        })
    } else {
        let table = image.table::<NativeRel>("its relocations", address, length)?;
        table.iter().try_for_each(|it| {
            check_one(
                image,
                dynamic,
                &Relocation {
                    offset: it.r_offset(endian).into(),
                    kind: it.r_type(endian).0,
                    symbol: it.r_sym(endian),
                    addend: None,
                },
            )
        })
    }
}

fn check_one<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    dynamic: &Dynamic<'data>,
    it: &Relocation,
) -> Result<(), Refusal> {
    let wrong = |what: &str| Err(damaged(format!("a relocation of {:#x} {what}", it.offset)));
    // Nothing is done for it.
    if it.kind == 0 {
        return Ok(());
    }
    if !image.is_writable(it.offset, WORD) {
        return wrong("is where nothing can be written");
    }
    if it.symbol as usize >= dynamic.symbols.len() {
        return wrong("is of a symbol that is not there");
    }
    match (it.kind, it.addend) {
        (RELATIVE, Some(to)) if !image.reaches(to) => wrong("leads out of the image"),
        (RELATIVE, Some(to)) if dynamic.is_initialiser(it.offset) && !image.is_code(to) => {
            wrong("makes an initialiser of what is no code")
        }
        (INDIRECT, Some(to)) if !image.is_code(to) => wrong("calls what is no code"),
        _ => Ok(()),
    }
}

/// The packed relocations: addresses alone.
fn check_packed<'data, R: ReadRef<'data>>(image: &Image<'data, R>, dynamic: &Dynamic<'data>) -> Result<(), Refusal> {
    let (address, length) = match (dynamic.get(elf::DT_RELR), dynamic.get(elf::DT_RELRSZ)) {
        (None, None) => return Ok(()),
        (Some(address), Some(length)) if dynamic.get(elf::DT_RELRENT) == Some(WORD) => (address, length),
        _ => return Err(damaged("its table of packed relocations is incomplete")),
    };
    let table = image.table::<NativeRelr>("its packed relocations", address, length)?;
    for offset in RelrIterator::<NativeHeader>::new(image.endian, table) {
        let offset: u64 = offset.into();
        if !image.is_writable(offset, WORD) {
            return Err(damaged(format!("a relocation of {offset:#x} is where nothing can be written")));
        }
    }
    Ok(())
}
