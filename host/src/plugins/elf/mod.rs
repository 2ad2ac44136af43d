//! What an ELF file says about itself, read by offset and checked against itself.
//!
//! The dynamic linker believes a file: a table that lies outside of it, or a number that points nowhere,
//! ends the process inside dlopen. The invariant: in a file that passes, whatever the linker follows
//! leads to where such a thing may be, and what the file says twice (in segments and in sections) it
//! says alike. What code and data are worth is beyond it: `docs/security.md`.
//!
//! ```text
//! segments   what is mapped where                                      segments.rs
//! dynamic    what the linker is told: strings, symbols, initialisers    dynamic.rs
//! versions   which versions of whose symbols                           versions.rs
//! hash       how symbols are found                                     hash.rs
//! relocate   what is written where                                     relocations.rs
//! ```

// The words of a file for a machine of 32 bits are shorter.
#![allow(clippy::useless_conversion)]

mod dynamic;
mod hash;
mod relocations;
mod segments;
mod versions;

use calog_plugin_api::header::SECTION;
use object::Endianness;
use object::elf;
use object::read::ReadRef;
use object::read::elf::{FileHeader, SectionHeader, SectionTable};

use self::segments::Image;
use super::refusal::Refusal;

#[cfg(target_pointer_width = "64")]
type NativeHeader = elf::FileHeader64<Endianness>;
#[cfg(target_pointer_width = "32")]
type NativeHeader = elf::FileHeader32<Endianness>;

/// Where the magic, class, byte order, type and machine end, the same in both classes.
const IDENTITY_BYTES: usize = 20;

/// What this program itself is.
const HOST: Identity = Identity {
    class: if cfg!(target_pointer_width = "64") { 2 } else { 1 },
    order: if cfg!(target_endian = "little") { 1 } else { 2 },
    machine: host_machine(),
};

/// The bytes of the plugin header's section, of a shared object for this machine that is whole: its
/// segments and sections lie within it. To be read when folders are searched.
pub(super) fn header_section<'data, R: ReadRef<'data>>(file: R) -> Result<&'data [u8], Refusal> {
    let (image, sections) = outline(file)?;
    let (_, ours) = sections.section_by_name(image.endian, SECTION.as_bytes()).ok_or(Refusal::NoHeader)?;
    ours.data(image.endian, file).map_err(|error| damaged(error.to_string()))
}

/// Checks all that the dynamic linker follows: to be done before a file is opened.
pub(super) fn check<'data, R: ReadRef<'data>>(file: R) -> Result<(), Refusal> {
    let (image, sections) = outline(file)?;
    dynamic::check(&image, &sections)
}

fn outline<'data, R: ReadRef<'data>>(
    file: R,
) -> Result<(Image<'data, R>, SectionTable<'data, NativeHeader, R>), Refusal> {
    let size = file.len().map_err(|()| damaged("its size cannot be read"))?;
    let start =
        file.read_bytes_at(0, size.min(IDENTITY_BYTES as u64)).map_err(|()| damaged("its start cannot be read"))?;
    check_kind(start)?;
    let header = NativeHeader::parse(file).map_err(|error| damaged(error.to_string()))?;
    let endian = header.endian().map_err(|error| damaged(error.to_string()))?;
    let image = Image::of(header, endian, file, size)?;
    let sections = sections(header, endian, file, size)?;
    image.check_sections(&sections)?;
    Ok((image, sections))
}

fn damaged(what: impl Into<String>) -> Refusal {
    Refusal::Damaged { what: what.into() }
}

/// An ELF file, for this machine, and a shared object.
fn check_kind(start: &[u8]) -> Result<(), Refusal> {
    if !start.starts_with(&elf::ELFMAG) {
        return Err(Refusal::NotElf { found: describe_start(start) });
    }
    let cut = |_| damaged(format!("it ends after {} bytes, within its ELF header", start.len()));
    let start: [u8; IDENTITY_BYTES] = start.try_into().map_err(cut)?;
    let [.., t0, t1, m0, m1] = start;
    let (class, order) = (start[4], start[5]);
    let number = |bytes| if order == 2 { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
    let found = Identity { class, order, machine: number([m0, m1]) };
    if found != HOST {
        return Err(Refusal::OtherMachine { found: found.to_string(), wanted: HOST.to_string() });
    }
    let kind = number([t0, t1]);
    if kind != ET_DYN { Err(Refusal::NotSharedObject { found: type_name(kind) }) } else { Ok(()) }
}

const ET_DYN: u16 = elf::ET_DYN.0;

fn type_name(kind: u16) -> String {
    match kind {
        1 => "an object file".into(),
        2 => "an executable".into(),
        4 => "a core dump".into(),
        other => format!("an ELF file of type {other}"),
    }
}

/// What a file that is no ELF file begins with.
fn describe_start(start: &[u8]) -> String {
    if start.is_empty() {
        return "the file is empty".into();
    }
    let shown = &start[..start.len().min(12)];
    format!("it begins with \"{}\", not with the ELF magic", shown.escape_ascii())
}

/// The sections, of which every one's bytes lie within the file.
fn sections<'data, R: ReadRef<'data>>(
    header: &NativeHeader,
    endian: Endianness,
    file: R,
    size: u64,
) -> Result<SectionTable<'data, NativeHeader, R>, Refusal> {
    let sections = header.sections(endian, file).map_err(|error| damaged(error.to_string()))?;
    for (index, section) in sections.iter().enumerate() {
        if let Some(range) = section.file_range(endian) {
            check_range("section", index, range, size)?;
        }
    }
    Ok(sections)
}

fn check_range(what: &str, index: usize, (offset, length): (u64, u64), size: u64) -> Result<(), Refusal> {
    match offset.checked_add(length) {
        Some(end) if end <= size => Ok(()),
        Some(end) => Err(damaged(format!("{what} {index} ends at byte {end}, the file at byte {size}"))),
        None => Err(damaged(format!("{what} {index} has the impossible range {offset} + {length}"))),
    }
}

/// Class, byte order and machine.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    class: u8,
    order: u8,
    machine: u16,
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match MACHINES.iter().find(|(number, ..)| *number == self.machine) {
            Some((_, name)) => f.write_str(name)?,
            None => write!(f, "ELF machine {}", self.machine)?,
        }
        let bits = match self.class {
            1 => "32",
            2 => "64",
            _ => "unknown",
        };
        let order = match self.order {
            1 => "little",
            2 => "big",
            _ => "unknown",
        };
        write!(f, " ({bits} bits, {order} endian)")
    }
}

/// Machines by their ELF number, as `std::env::consts::ARCH` names them.
const MACHINES: &[(u16, &str)] = &[
    (3, "x86"),
    (8, "mips"),
    (20, "powerpc"),
    (21, "powerpc64"),
    (22, "s390x"),
    (40, "arm"),
    (62, "x86_64"),
    (183, "aarch64"),
    (243, "riscv"),
    (258, "loongarch64"),
];

const fn host_machine() -> u16 {
    if cfg!(target_arch = "x86_64") {
        62
    } else if cfg!(target_arch = "aarch64") {
        183
    } else if cfg!(any(target_arch = "riscv64", target_arch = "riscv32")) {
        243
    } else if cfg!(target_arch = "x86") {
        3
    } else if cfg!(target_arch = "arm") {
        40
    } else if cfg!(target_arch = "powerpc64") {
        21
    } else if cfg!(target_arch = "s390x") {
        22
    } else if cfg!(target_arch = "loongarch64") {
        258
    } else {
        // A machine this list lacks: its plugins are refused until it is added here.
        0
    }
}
