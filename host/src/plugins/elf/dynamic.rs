//! What the dynamic linker is told: the dynamic table and whatever it names.
//!
//! The invariant: each table is where a segment has bytes of the file, each has the size and the kind of
//! entries that belong to it, and the tables' entries stay within the other tables. The linker checks
//! little of this; much of it, it asserts, and a failed assertion ends the process.

use object::SectionIndex;
use object::elf::{self, DynamicTag, SectionType};
use object::read::ReadRef;
use object::read::elf::{Dyn, FileHeader, SectionHeader, SectionTable, Sym};

use super::segments::Image;
use super::{NativeHeader, damaged, hash, relocations, versions};
use crate::plugins::refusal::Refusal;

pub(super) type NativeDyn = <NativeHeader as FileHeader>::Dyn;
pub(super) type NativeSym = <NativeHeader as FileHeader>::Sym;

/// The size of an address.
pub(super) const WORD: u64 = size_of::<usize>() as u64;

/// The dynamic table and the tables that the others lean on.
pub(super) struct Dynamic<'data> {
    entries: Vec<(DynamicTag, u64)>,
    strings: &'data [u8],
    pub(super) symbols: &'data [NativeSym],
}

/// Checks all that the dynamic table leads to.
pub(super) fn check<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    sections: &SectionTable<'data, NativeHeader, R>,
) -> Result<(), Refusal> {
    let dynamic = Dynamic::of(image, sections)?;
    dynamic.check_sections(image, sections)?;
    dynamic.check_names()?;
    dynamic.check_symbols(image, sections)?;
    dynamic.check_code(image)?;
    hash::check(image, &dynamic, sections)?;
    versions::check(image, &dynamic, sections)?;
    relocations::check(image, &dynamic, sections)
}

/// What sections of some types are, the linker finds by these entries: address and size.
const TWICE: [(SectionType, DynamicTag, Option<DynamicTag>); 9] = [
    (elf::SHT_DYNSYM, elf::DT_SYMTAB, None),
    (elf::SHT_HASH, elf::DT_HASH, None),
    (elf::SHT_GNU_HASH, elf::DT_GNU_HASH, None),
    (elf::SHT_GNU_VERSYM, elf::DT_VERSYM, None),
    (elf::SHT_GNU_VERNEED, elf::DT_VERNEED, None),
    (elf::SHT_GNU_VERDEF, elf::DT_VERDEF, None),
    (elf::SHT_INIT_ARRAY, elf::DT_INIT_ARRAY, Some(elf::DT_INIT_ARRAYSZ)),
    (elf::SHT_FINI_ARRAY, elf::DT_FINI_ARRAY, Some(elf::DT_FINI_ARRAYSZ)),
    (elf::SHT_RELR, elf::DT_RELR, Some(elf::DT_RELRSZ)),
];

/// What lies at the beginning of some section. Functions to run first do not: whoever links may name any.
const AT_A_BEGINNING: [DynamicTag; 4] = [elf::DT_PLTGOT, elf::DT_STRTAB, elf::DT_RELA, elf::DT_JMPREL];

impl<'data> Dynamic<'data> {
    fn of<R: ReadRef<'data>>(
        image: &Image<'data, R>,
        sections: &SectionTable<'data, NativeHeader, R>,
    ) -> Result<Dynamic<'data>, Refusal> {
        let endian = image.endian;
        let all = image.dynamic::<NativeDyn>()?;
        let end = all.iter().position(|it| it.d_tag(endian) == elf::DT_NULL);
        let end = end.ok_or_else(|| damaged("its dynamic table has no end"))?;
        let entries = all[..end].iter().map(|it| (it.d_tag(endian), it.d_val(endian).into())).collect();
        let mut dynamic = Dynamic { entries, strings: &[], symbols: &[] };
        let length = dynamic.must("its strings have no size", elf::DT_STRSZ)?;
        let address = dynamic.must("it has no strings", elf::DT_STRTAB)?;
        dynamic.strings = image.bytes("its string table", address, length)?;
        if dynamic.strings.last() != Some(&0) {
            return Err(damaged("its string table does not end with a zero"));
        }
        dynamic.symbols = dynamic.find_symbols(image, sections)?;
        Ok(dynamic)
    }

    /// The last entry of this kind, which is the one that counts.
    pub(super) fn get(&self, tag: DynamicTag) -> Option<u64> {
        self.entries.iter().rfind(|(known, _)| *known == tag).map(|(_, value)| *value)
    }

    pub(super) fn must(&self, missing: &str, tag: DynamicTag) -> Result<u64, Refusal> {
        self.get(tag).ok_or_else(|| damaged(missing))
    }

    /// All entries of this kind.
    pub(super) fn all(&self, tag: DynamicTag) -> impl Iterator<Item = u64> {
        self.entries.iter().filter(move |(known, _)| *known == tag).map(|(_, value)| *value)
    }

    /// The text at an offset of the string table.
    pub(super) fn text(&self, offset: u64) -> Result<&'data [u8], Refusal> {
        let from = usize::try_from(offset).ok().and_then(|offset| self.strings.get(offset..));
        let text = from.and_then(|from| from.split(|&byte| byte == 0).next());
        text.ok_or_else(|| damaged(format!("a name at {offset} is not in its string table")))
    }

    /// The sections and the dynamic table say the same.
    fn check_sections<R: ReadRef<'data>>(
        &self,
        image: &Image<'data, R>,
        sections: &SectionTable<'data, NativeHeader, R>,
    ) -> Result<(), Refusal> {
        let endian = image.endian;
        let place = |it: &<NativeHeader as FileHeader>::SectionHeader| -> (u64, u64) {
            (it.sh_addr(endian).into(), it.sh_size(endian).into())
        };
        let contradiction = |tag: DynamicTag| {
            Err(damaged(format!("its sections and entry {} of its dynamic table contradict each other", tag.0)))
        };
        for (kind, tag, size) in TWICE {
            let section = sections.iter().find(|it| it.sh_type(endian) == kind && place(it).1 > 0).map(place);
            let alike = match (section, self.get(tag)) {
                (None, None) => true,
                (Some((address, length)), Some(found)) => {
                    found == address && size.is_none_or(|size| self.get(size) == Some(length))
                }
                // An empty list may be named all the same.
                (None, Some(_)) => size.is_some_and(|size| self.get(size).unwrap_or_default() == 0),
                (Some(_), None) => false,
            };
            if !alike {
                return contradiction(tag);
            }
        }
        // Each section of relocations belongs to one of the two tables.
        let tables = [(elf::DT_RELA, elf::DT_RELASZ), (elf::DT_REL, elf::DT_RELSZ), (elf::DT_JMPREL, elf::DT_PLTRELSZ)];
        let tables = tables.map(|(tag, size)| (self.get(tag).unwrap_or_default(), self.get(size).unwrap_or_default()));
        for section in sections.iter().filter(|it| [elf::SHT_RELA, elf::SHT_REL].contains(&it.sh_type(endian))) {
            let (address, length) = place(section);
            let inside = |(from, all): (u64, u64)| address >= from && length <= all && address - from <= all - length;
            // Those of address 0 are left from what was linked.
            if address != 0 && !tables.into_iter().any(inside) {
                return contradiction(elf::DT_RELA);
            }
        }
        for tag in AT_A_BEGINNING {
            if let Some(found) = self.get(tag)
                && !sections.iter().any(|it| place(it).0 == found)
            {
                return contradiction(tag);
            }
        }
        Ok(())
    }

    /// How many symbols there are is said by the section alone.
    fn find_symbols<R: ReadRef<'data>>(
        &self,
        image: &Image<'data, R>,
        sections: &SectionTable<'data, NativeHeader, R>,
    ) -> Result<&'data [NativeSym], Refusal> {
        let address = self.must("it has no symbols", elf::DT_SYMTAB)?;
        if self.get(elf::DT_SYMENT) != Some(size_of::<NativeSym>() as u64) {
            return Err(damaged("its symbols have another size"));
        }
        let endian = image.endian;
        let section = sections.iter().find(|it| it.sh_type(endian) == elf::SHT_DYNSYM);
        let section = section.ok_or_else(|| damaged("it has no section of symbols"))?;
        let found: u64 = section.sh_addr(endian).into();
        if found != address {
            return Err(damaged("its symbols are in two places"));
        }
        let symbols: &[NativeSym] = image.table("its symbol table", address, section.sh_size(endian).into())?;
        let locals = section.sh_info(endian) as usize;
        // What is not defined here is to be found by its name, elsewhere.
        let fine = |(index, symbol): (usize, &NativeSym)| {
            (index < locals) == (symbol.st_bind() == elf::STB_LOCAL)
                && (index == 0 || !symbol.is_undefined(endian) || symbol.st_name(endian) != 0)
        };
        match symbols.iter().enumerate().all(fine) {
            true => Ok(symbols),
            false => Err(damaged("its symbols are not what its sections say")),
        }
    }

    /// Names of files and folders are in the string table.
    fn check_names(&self) -> Result<(), Refusal> {
        let named = [elf::DT_NEEDED, elf::DT_SONAME, elf::DT_RPATH, elf::DT_RUNPATH, elf::DT_AUXILIARY, elf::DT_FILTER];
        named.into_iter().flat_map(|tag| self.all(tag)).try_for_each(|offset| self.text(offset).map(drop))
    }

    /// Each symbol has a name, and is where something can be: in the section it says it is in.
    fn check_symbols<R: ReadRef<'data>>(
        &self,
        image: &Image<'data, R>,
        sections: &SectionTable<'data, NativeHeader, R>,
    ) -> Result<(), Refusal> {
        let endian = image.endian;
        for (index, symbol) in self.symbols.iter().enumerate() {
            self.text(u64::from(symbol.st_name(endian)))?;
            let value: u64 = symbol.st_value(endian).into();
            let fine = if symbol.is_undefined(endian) || symbol.is_absolute(endian) {
                true
            } else if symbol.st_type() == elf::STT_TLS {
                value <= image.thread_local_bytes()
            } else if symbol.st_type() == elf::STT_GNU_IFUNC {
                image.is_code(value)
            } else {
                let within = sections.section(SectionIndex(symbol.st_shndx(endian).0.into())).is_ok_and(|it| {
                    let (from, all): (u64, u64) = (it.sh_addr(endian).into(), it.sh_size(endian).into());
                    let length: u64 = symbol.st_size(endian).into();
                    value >= from && length <= all && value - from <= all - length
                });
                // The beginnings and ends of things are said to be in any section.
                image.reaches(value) && (within || u64::from(symbol.st_size(endian)) == 0)
            };
            if !fine {
                return Err(damaged(format!("symbol {index} is at {value:#x}, where nothing is")));
            }
        }
        Ok(())
    }

    /// What runs at once and at the end is code, and its lists are where they can be written.
    fn check_code<'i, R: ReadRef<'i>>(&self, image: &Image<'i, R>) -> Result<(), Refusal> {
        for (tag, what) in [(elf::DT_INIT, "initialiser"), (elf::DT_FINI, "end")] {
            if let Some(address) = self.get(tag).filter(|&address| !image.is_code(address)) {
                return Err(damaged(format!("its {what} is at {address:#x}, where no code is")));
            }
        }
        for (tag, size) in [(elf::DT_INIT_ARRAY, elf::DT_INIT_ARRAYSZ), (elf::DT_FINI_ARRAY, elf::DT_FINI_ARRAYSZ)] {
            self.check_list(image, tag, size)?;
        }
        match self.get(elf::DT_PLTGOT) {
            Some(address) if !image.is_writable(address, WORD) => {
                Err(damaged(format!("its table of functions is at {address:#x}, where nothing can be written")))
            }
            _ => Ok(()),
        }
    }

    fn check_list<'i, R: ReadRef<'i>>(
        &self,
        image: &Image<'i, R>,
        tag: DynamicTag,
        size: DynamicTag,
    ) -> Result<(), Refusal> {
        match (self.get(tag), self.get(size)) {
            (None, None) => Ok(()),
            (Some(address), Some(length)) if length % WORD == 0 && image.is_writable(address, length) => Ok(()),
            _ => Err(damaged("a list of its initialisers is not within its segments")),
        }
    }

    /// The addresses of the lists of initialisers: each word there has to become one of code.
    pub(super) fn is_initialiser(&self, address: u64) -> bool {
        let lists = [(elf::DT_INIT_ARRAY, elf::DT_INIT_ARRAYSZ), (elf::DT_FINI_ARRAY, elf::DT_FINI_ARRAYSZ)];
        lists.into_iter().any(|(tag, size)| {
            let (from, length) = (self.get(tag).unwrap_or_default(), self.get(size).unwrap_or_default());
            address.checked_sub(from).is_some_and(|at| at < length)
        })
    }
}
