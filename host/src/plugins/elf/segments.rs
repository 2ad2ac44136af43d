//! What of the file is mapped where: the picture of it that the dynamic linker makes in memory.
//!
//! The invariant: segments come in order and overlap nowhere, not even by a page; no memory is both
//! writable and executable; every other table that is found by segment or section lies in one of them,
//! at the place in the file that belongs to its address.

use object::Endianness;
use object::elf;
use object::pod::{Pod, slice_from_all_bytes};
use object::read::ReadRef;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, SectionTable};

use super::{NativeHeader, check_range, damaged};
use crate::plugins::refusal::Refusal;

/// The smallest page there is. Where pages are larger, the linker itself refuses what does not fit.
const PAGE: u64 = 4096;
/// Memory that a plugin may want for its image: what code of the usual model can address.
const MAX_IMAGE_BYTES: u64 = 1 << 31;
/// Memory of each thread that it may want: the linker ends the process when there is no more.
const MAX_THREAD_LOCAL_BYTES: u64 = 16 << 20;

/// What is mapped where.
pub(super) struct Image<'data, R> {
    pub(super) endian: Endianness,
    file: R,
    loads: Vec<Load>,
    dynamic: Option<(u64, u64)>,
    /// Where the memory of each thread begins in the image, and how much it is.
    thread_local: Option<(u64, u64)>,
    bytes: std::marker::PhantomData<&'data [u8]>,
}

/// A part of the file that is mapped.
struct Load {
    address: u64,
    offset: u64,
    in_file: u64,
    in_memory: u64,
    flags: u32,
}

impl Load {
    fn has(&self, flag: elf::ProgramFlags) -> bool {
        self.flags & flag.0 != 0
    }

    fn end(&self) -> u64 {
        self.address + self.in_memory
    }

    /// Whether these addresses lie within it.
    fn holds(&self, address: u64, length: u64) -> bool {
        address >= self.address && address.checked_add(length).is_some_and(|end| end <= self.end())
    }
}

impl<'data, R: ReadRef<'data>> Image<'data, R> {
    /// The picture that the program headers describe.
    pub(super) fn of(header: &NativeHeader, endian: Endianness, file: R, size: u64) -> Result<Self, Refusal> {
        let segments = header.program_headers(endian, file).map_err(|error| damaged(error.to_string()))?;
        let bytes = std::marker::PhantomData;
        let mut image = Image { endian, file, loads: Vec::new(), dynamic: None, thread_local: None, bytes };
        for (index, segment) in segments.iter().enumerate() {
            check_range("segment", index, segment.file_range(endian), size)?;
            if segment.p_type(endian) == elf::PT_LOAD {
                image.take_load(index, segment)?;
            }
        }
        if image.loads.is_empty() {
            return Err(damaged("it has no segments"));
        }
        let mut stack = false;
        for (index, segment) in segments.iter().enumerate() {
            stack |= segment.p_type(endian) == elf::PT_GNU_STACK;
            image.check_segment(index, segment)?;
        }
        // The linker would make every stack of the process executable.
        if stack { Ok(image) } else { Err(damaged("no segment says that stacks are not executable")) }
    }

    fn take_load(&mut self, index: usize, segment: &impl ProgramHeader<Endian = Endianness>) -> Result<(), Refusal> {
        let (offset, in_file) = segment.file_range(self.endian);
        let (address, in_memory) = (segment.p_vaddr(self.endian).into(), segment.p_memsz(self.endian).into());
        let flags = segment.p_flags(self.endian).0;
        let load = Load { address, offset, in_file, in_memory, flags };
        let wrong = |what: &str| Err(damaged(format!("segment {index} {what}")));
        if in_file > in_memory || in_memory > MAX_IMAGE_BYTES || address > MAX_IMAGE_BYTES {
            return wrong("has impossible sizes or addresses");
        }
        if address % PAGE != offset % PAGE {
            return wrong("does not lie in the file as it does in memory");
        }
        let align: u64 = segment.p_align(self.endian).into();
        if !align.is_power_of_two() || !(PAGE..=MAX_IMAGE_BYTES).contains(&align) {
            return wrong("has an impossible alignment");
        }
        if load.has(elf::PF_W) && load.has(elf::PF_X) {
            return wrong("is both writable and executable");
        }
        if self.loads.last().is_some_and(|before| before.end().next_multiple_of(PAGE) > address / PAGE * PAGE) {
            return wrong("lies over the one before it");
        }
        self.loads.push(load);
        Ok(())
    }

    fn check_segment(
        &mut self,
        index: usize,
        segment: &impl ProgramHeader<Endian = Endianness>,
    ) -> Result<(), Refusal> {
        let endian = self.endian;
        let (offset, in_file) = segment.file_range(endian);
        let (address, in_memory): (u64, u64) = (segment.p_vaddr(endian).into(), segment.p_memsz(endian).into());
        let wrong = |what: &str| Err(damaged(format!("segment {index} {what}")));
        match segment.p_type(endian) {
            elf::PT_LOAD => return Ok(()),
            elf::PT_GNU_STACK if segment.p_flags(endian).0 & elf::PF_X.0 != 0 => {
                return wrong("wants executable stacks");
            }
            elf::PT_GNU_STACK => return Ok(()),
            elf::PT_DYNAMIC if self.dynamic.is_some() => return wrong("is a second dynamic table"),
            elf::PT_DYNAMIC => self.dynamic = Some((address, in_file)),
            elf::PT_TLS => {
                let align: u64 = segment.p_align(endian).into();
                if in_memory > MAX_THREAD_LOCAL_BYTES || in_memory < in_file || align > PAGE {
                    return wrong("wants an impossible amount of memory for each thread");
                }
                if align > 1 && !align.is_power_of_two() {
                    return wrong("has an impossible alignment");
                }
                self.thread_local = Some((address, in_memory));
            }
            // It may end with the page in which its segment ends.
            elf::PT_GNU_RELRO => {
                let holds = |it: &&Load| {
                    let end = address.checked_add(in_memory);
                    it.has(elf::PF_W)
                        && address >= it.address
                        && end.is_some_and(|end| end <= it.end().next_multiple_of(PAGE))
                };
                return if self.loads.iter().any(|it| holds(&it)) { Ok(()) } else { wrong("lies in no writable one") };
            }
            _ => {}
        }
        if in_file > 0 && !self.lies(address, offset, in_file) {
            return wrong("does not lie in memory as it does in the file");
        }
        Ok(())
    }

    /// Whether these bytes of the file are mapped at this address.
    fn lies(&self, address: u64, offset: u64, length: u64) -> bool {
        self.loads.iter().any(|it| {
            it.holds(address, length)
                && address - it.address <= it.in_file
                && length <= it.in_file - (address - it.address)
                && offset.checked_sub(it.offset) == Some(address - it.address)
        })
    }

    /// Sections lie in segments that allow what they want.
    pub(super) fn check_sections(&self, sections: &SectionTable<'data, NativeHeader, R>) -> Result<(), Refusal> {
        for (index, section) in sections.iter().enumerate() {
            let (address, offset): (u64, u64) =
                (section.sh_addr(self.endian).into(), section.sh_offset(self.endian).into());
            let (length, flags): (u64, _) = (section.sh_size(self.endian).into(), section.sh_flags(self.endian));
            let empty = section.sh_type(self.endian) == elf::SHT_NOBITS;
            let has = |flag: elf::SectionFlags| flags.0 & flag.0 != 0;
            let of_thread = self
                .thread_local
                .is_some_and(|(from, all)| address >= from && length <= all && address - from <= all - length);
            if has(elf::SHF_TLS) && length > 0 && !of_thread {
                return Err(damaged(format!("section {index} is of each thread, and no segment has it")));
            }
            // Zeros of each thread take no room in the image.
            if !has(elf::SHF_ALLOC) || length == 0 || (empty && has(elf::SHF_TLS)) {
                continue;
            }
            let wanted = |it: &Load| {
                it.holds(address, length)
                    && (!has(elf::SHF_WRITE) || it.has(elf::PF_W))
                    && (!has(elf::SHF_EXECINSTR) || it.has(elf::PF_X))
            };
            if !self.loads.iter().any(wanted) || (!empty && !self.lies(address, offset, length)) {
                return Err(damaged(format!("section {index} and the segments contradict each other")));
            }
        }
        Ok(())
    }

    /// The file's bytes at these addresses.
    pub(super) fn bytes(&self, what: &str, address: u64, length: u64) -> Result<&'data [u8], Refusal> {
        let load = self.loads.iter().find(|it| it.holds(address, length));
        let bytes = load.and_then(|it| {
            let from = address - it.address;
            let inside = from.checked_add(length).is_some_and(|end| end <= it.in_file);
            inside.then(|| self.file.read_bytes_at(it.offset + from, length).ok()).flatten()
        });
        bytes.ok_or_else(|| {
            damaged(format!("{what} at {address:#x}, {length} bytes, is not within its segments, or cannot be read"))
        })
    }

    /// A table of the file at this address.
    pub(super) fn table<T: Pod>(&self, what: &str, address: u64, length: u64) -> Result<&'data [T], Refusal> {
        let bytes = self.bytes(what, address, length)?;
        slice_from_all_bytes(bytes)
            .map_err(|()| damaged(format!("{what} has {length} bytes, no multiple of {}", size_of::<T>())))
    }

    /// The bytes of the section that begins at an address.
    pub(super) fn section(
        &self,
        what: &str,
        sections: &SectionTable<'data, NativeHeader, R>,
        address: u64,
    ) -> Result<&'data [u8], Refusal> {
        let begins = |it: &&<NativeHeader as FileHeader>::SectionHeader| {
            u64::from(it.sh_addr(self.endian)) == address && u64::from(it.sh_size(self.endian)) > 0
        };
        let section = sections.iter().find(begins).ok_or_else(|| damaged(format!("{what} is no section")))?;
        self.bytes(what, address, section.sh_size(self.endian).into())
    }

    /// The table for the dynamic linker.
    pub(super) fn dynamic<T: Pod>(&self) -> Result<&'data [T], Refusal> {
        let (address, length) = self.dynamic.ok_or_else(|| damaged("it has no dynamic table"))?;
        self.table("the dynamic table", address, length)
    }

    /// Memory of each thread that it wants.
    pub(super) fn thread_local_bytes(&self) -> u64 {
        self.thread_local.map_or(0, |(_, length)| length)
    }

    /// Whether an address belongs to it; the one behind its end does.
    pub(super) fn reaches(&self, address: u64) -> bool {
        self.loads.last().is_some_and(|it| address <= it.end())
    }

    /// Whether there is code at an address.
    pub(super) fn is_code(&self, address: u64) -> bool {
        self.loads.iter().any(|it| it.has(elf::PF_X) && it.holds(address, 1))
    }

    /// Whether so many bytes may be written there.
    pub(super) fn is_writable(&self, address: u64, length: u64) -> bool {
        self.loads.iter().any(|it| it.has(elf::PF_W) && it.holds(address, length))
    }
}
