//! What the linker writes where, before any code runs.
//!
//! The invariant: it writes into writable segments, reads symbols that are there, and makes addresses
//! that belong to the image; in lists of initialisers, addresses of code. No two write the same place.

use object::elf::{self, DynamicTag};
use object::read::ReadRef;
use object::read::elf::{FileHeader, Rel, Rela, RelrIterator, SectionHeader, SectionTable, Sym};

use super::dynamic::{Dynamic, WORD};
use super::segments::Image;
use super::{NativeHeader, damaged};
use crate::plugins::refusal::Refusal;

type NativeRel = <NativeHeader as FileHeader>::Rel;
type NativeRela = <NativeHeader as FileHeader>::Rela;
type NativeRelr = <NativeHeader as FileHeader>::Relr;

/// The kinds of relocations there are in shared objects, by what they need of a symbol.
struct Kinds {
    /// Adds the image's address to a number.
    relative: u32,
    /// Calls a function for an address.
    indirect: u32,
    /// Takes a symbol's address.
    of_symbols: &'static [u32],
    /// About memory of each thread.
    of_threads: &'static [u32],
}

/// Of this machine; `None` where this list lacks it: then kinds are not looked at.
const KINDS: Option<Kinds> = if cfg!(target_arch = "x86_64") {
    Some(Kinds {
        relative: elf::R_X86_64_RELATIVE.0,
        indirect: elf::R_X86_64_IRELATIVE.0,
        of_symbols: &[elf::R_X86_64_64.0, elf::R_X86_64_GLOB_DAT.0, elf::R_X86_64_JUMP_SLOT.0],
        of_threads: &[
            elf::R_X86_64_DTPMOD64.0,
            elf::R_X86_64_DTPOFF64.0,
            elf::R_X86_64_TPOFF64.0,
            elf::R_X86_64_TLSDESC.0,
        ],
    })
} else if cfg!(target_arch = "aarch64") {
    Some(Kinds {
        relative: elf::R_AARCH64_RELATIVE.0,
        indirect: elf::R_AARCH64_IRELATIVE.0,
        of_symbols: &[elf::R_AARCH64_ABS64.0, elf::R_AARCH64_GLOB_DAT.0, elf::R_AARCH64_JUMP_SLOT.0],
        of_threads: &[
            elf::R_AARCH64_TLS_DTPMOD.0,
            elf::R_AARCH64_TLS_DTPREL.0,
            elf::R_AARCH64_TLS_TPREL.0,
            elf::R_AARCH64_TLSDESC.0,
        ],
    })
} else {
    None
};

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
    sections: &SectionTable<'data, NativeHeader, R>,
) -> Result<(), Refusal> {
    let mut all = Vec::new();
    let with_addend = [(elf::DT_RELA, elf::DT_RELASZ, elf::DT_RELAENT, size_of::<NativeRela>())];
    let without = [(elf::DT_REL, elf::DT_RELSZ, elf::DT_RELENT, size_of::<NativeRel>())];
    for (table, size, entry, wanted) in with_addend.into_iter().chain(without) {
        let (address, length) = match (dynamic.get(table), dynamic.get(size)) {
            (None, None) => continue,
            (Some(address), Some(length)) if dynamic.get(entry) == Some(wanted as u64) => (address, length),
            _ => return Err(damaged("its table of relocations is incomplete")),
        };
        let found = read(image, table == elf::DT_RELA, address, length)?;
        check_first(dynamic, if table == elf::DT_RELA { elf::DT_RELACOUNT } else { elf::DT_RELCOUNT }, &found)?;
        all.extend(found);
    }
    all.extend(functions(image, dynamic, sections)?);
    all.iter().try_for_each(|it| check_one(image, dynamic, it))?;
    check_apart(all)?;
    check_packed(image, dynamic)
}

/// The linker asserts that so many at the beginning are of the one kind.
fn check_first(dynamic: &Dynamic<'_>, count: DynamicTag, all: &[Relocation]) -> Result<(), Refusal> {
    let count = dynamic.get(count).and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
    let fine = |kinds: Kinds| all.get(..count).is_some_and(|first| first.iter().all(|it| it.kind == kinds.relative));
    if KINDS.is_none_or(fine) { Ok(()) } else { Err(damaged("its relocations are not in the order that it says")) }
}

/// No two are of one place.
fn check_apart(all: Vec<Relocation>) -> Result<(), Refusal> {
    let mut places: Vec<u64> = all.into_iter().filter(|it| it.kind != NONE).map(|it| it.offset).collect();
    places.sort_unstable();
    match places.windows(2).find(|pair| pair[1] - pair[0] < WORD) {
        Some(pair) => Err(damaged(format!("two relocations are of {:#x}", pair[0]))),
        None => Ok(()),
    }
}

/// The kind that does nothing.
const NONE: u32 = 0;

/// The relocations of functions, which are all of one section.
fn functions<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    dynamic: &Dynamic<'data>,
    sections: &SectionTable<'data, NativeHeader, R>,
) -> Result<Vec<Relocation>, Refusal> {
    let kind = dynamic.get(elf::DT_PLTREL);
    let with_addend = kind == Some(elf::DT_RELA.0 as u64);
    let (address, length) = match (dynamic.get(elf::DT_JMPREL), dynamic.get(elf::DT_PLTRELSZ)) {
        (None, None) => return Ok(Vec::new()),
        (Some(address), Some(length)) if with_addend || kind == Some(elf::DT_REL.0 as u64) => (address, length),
        _ => return Err(damaged("its table of functions' relocations is incomplete")),
    };
    let all = read(image, with_addend, address, length)?;
    let endian = image.endian;
    let place = |it: &<NativeHeader as FileHeader>::SectionHeader| -> (u64, u64) {
        (it.sh_addr(endian).into(), it.sh_size(endian).into())
    };
    let linked = |it: &&<NativeHeader as FileHeader>::SectionHeader| {
        let flags: u64 = it.sh_flags(endian).0.into();
        place(it).0 == address && flags & u64::from(elf::SHF_INFO_LINK.0) != 0
    };
    let target = sections
        .iter()
        .find(linked)
        .and_then(|it| sections.section(object::SectionIndex(it.sh_info(endian) as usize)).ok().map(place));
    match (target, all.iter().find(|it| target.is_some_and(|(from, length)| it.offset.wrapping_sub(from) >= length))) {
        (Some(_), Some(stray)) => {
            Err(damaged(format!("a function's relocation is of {:#x}, which is not in their table", stray.offset)))
        }
        _ => Ok(all),
    }
}

fn read<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    with_addend: bool,
    address: u64,
    length: u64,
) -> Result<Vec<Relocation>, Refusal> {
    let endian = image.endian;
    if with_addend {
        let table = image.table::<NativeRela>("its relocations", address, length)?;
        Ok(table
            .iter()
            .map(|it| Relocation {
                offset: it.r_offset(endian).into(),
                kind: it.r_type(endian, false).0,
                symbol: it.r_sym(endian, false),
                addend: Some(i64::from(it.r_addend(endian)).cast_unsigned()),
            })
            .collect())
    } else {
        let table = image.table::<NativeRel>("its relocations", address, length)?;
        Ok(table
            .iter()
            .map(|it| Relocation {
                offset: it.r_offset(endian).into(),
                kind: it.r_type(endian).0,
                symbol: it.r_sym(endian),
                addend: None,
            })
            .collect())
    }
}

fn check_one<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    dynamic: &Dynamic<'data>,
    it: &Relocation,
) -> Result<(), Refusal> {
    let wrong = |what: &str| Err(damaged(format!("a relocation of {:#x} {what}", it.offset)));
    if it.kind == NONE {
        return Ok(());
    }
    if !image.is_writable(it.offset, WORD) {
        return wrong("is where nothing can be written");
    }
    let Some(symbol) = dynamic.symbols.get(it.symbol as usize) else {
        return wrong("is of a symbol that is not there");
    };
    let Some(kinds) = KINDS else { return Ok(()) };
    let (of_thread, undefined) = (symbol.st_type() == elf::STT_TLS, symbol.is_undefined(image.endian));
    match (it.kind, it.addend) {
        (kind, Some(to)) if kind == kinds.relative || kind == kinds.indirect => {
            let code = kind == kinds.indirect || dynamic.is_initialiser(it.offset);
            match (it.symbol, code) {
                (0, true) if !image.is_code(to) => wrong("leads to what is no code"),
                (0, false) if !image.reaches(to) => wrong("leads out of the image"),
                (0, _) => Ok(()),
                _ => wrong("is of a symbol that it does not need"),
            }
        }
        (kind, _) if kinds.of_symbols.contains(&kind) && it.symbol != 0 && !of_thread => Ok(()),
        (kind, _) if kinds.of_threads.contains(&kind) && (undefined || of_thread) => Ok(()),
        (kind, None) if kind == kinds.relative || kind == kinds.indirect => Ok(()),
        _ => wrong(&format!("is of kind {}, which has no place there", it.kind)),
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
