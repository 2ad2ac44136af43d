//! Plugin files that were damaged: bits flipped, parts cut off, zeroed, moved. What the checks let pass
//! is opened in processes of its own, and the host never notices.
//!
//! `CALOG_DAMAGED=100000 cargo test -p calog-tests --test damage -- --nocapture` tries more than the usual
//! run, `CALOG_SEED` others. What becomes of each kind of damage is printed.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::ops::Range;

use calog::SearchPath;
use calog::plugins::{FileState, inspect_bytes};
use calog_tests::{Calog, Folder, World, build_standalone};
use object::{Endianness, Object, ObjectSection};

/// Damaged files of the usual run, without those that are cut.
const USUAL: u64 = 2_000;
/// Files that one command looks at.
const BATCH: usize = 40;
/// How long opening one may take, in seconds.
const LIMIT: &str = "20";

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as usize % end
    }

    fn within(&mut self, range: &Range<usize>) -> usize {
        range.start + self.below(range.len())
    }
}

fn number(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |text| text.parse().expect("a number"))
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let good = fs::read(build_standalone("tally")).expect("a plugin");
    let mut dice = Dice(number("CALOG_SEED", 1) << 1 | 1);
    let lengths = (0..600).chain((0..1500).map(|_| dice.below(good.len()))).chain([good.len() - 1]);
    for length in lengths {
        assert!(inspect_bytes(&good[..length]).is_err(), "cut to {length} bytes of {}", good.len());
    }
}

/// The parts of the file that the dynamic linker follows, by the sections' names, and all of it.
fn parts(good: &[u8]) -> Vec<(&'static str, Range<usize>)> {
    let file = object::read::elf::ElfFile64::<Endianness>::parse(good).expect("an ELF file");
    let range = |name: &str| {
        let (start, length) = file.section_by_name(name)?.file_range()?;
        Some(start as usize..(start + length) as usize)
    };
    let header = file.elf_header();
    let segments = header.e_phoff.get(Endianness::Little) as usize;
    let count = usize::from(header.e_phnum.get(Endianness::Little));
    let sections = header.e_shoff.get(Endianness::Little) as usize;
    let mut parts = vec![
        ("ELF header", 0..64),
        ("segments", segments..segments + 56 * count),
        ("section table", sections..good.len()),
        ("anywhere", 0..good.len()),
    ];
    for name in [
        ".dynamic",
        ".dynsym",
        ".dynstr",
        ".gnu.hash",
        ".gnu.version",
        ".gnu.version_r",
        ".rela.dyn",
        ".rela.plt",
        ".calog_plugin",
        ".init_array",
        ".text",
        ".rodata",
        ".data.rel.ro",
    ] {
        parts.extend(range(name).filter(|it| !it.is_empty()).map(|range| (name, range)));
    }
    parts
}

/// Damages a part of a file; says how.
fn damage(file: &mut [u8], part: &Range<usize>, dice: &mut Dice) -> String {
    let at = dice.within(part);
    let length = (1 + dice.below(64)).min(part.end - at);
    match dice.below(8) {
        0 => {
            file[at..at + length].fill(0);
            format!("{length} zeros at {at:#x}")
        }
        1 => {
            file[at..at + length].fill(0xff);
            format!("{length} ones at {at:#x}")
        }
        2 => {
            let from = dice.below(file.len() - length);
            file.copy_within(from..from + length, at);
            format!("{length} bytes from {from:#x} at {at:#x}")
        }
        _ => {
            let bit = dice.below(8);
            file[at] ^= 1 << bit;
            format!("bit {bit} of {at:#x}")
        }
    }
}

/// What became of the damaged files of one part.
#[derive(Default, Debug)]
struct Tally {
    refused: usize,
    opened: usize,
    linker: usize,
    died: usize,
    hung: usize,
}

#[test]
fn the_host_survives_whatever_is_damaged() {
    let good = fs::read(build_standalone("tally")).expect("a plugin");
    assert!(inspect_bytes(&good).is_ok(), "the good one is good");
    let (parts, seed) = (parts(&good), number("CALOG_SEED", 1));
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut waiting = Vec::new();
    let mut deaths = Vec::new();
    for round in 0..number("CALOG_DAMAGED", USUAL) {
        let mut dice = Dice((seed << 32 | round) << 1 | 1);
        // The first number of neighbouring seeds is much the same.
        dice.below(1);
        let (name, part) = &parts[dice.below(parts.len())];
        let mut file = good.clone();
        let how = damage(&mut file, part, &mut dice);
        if file == good {
            continue;
        }
        match inspect_bytes(&file) {
            Err(_) => tallies.entry(name).or_default().refused += 1,
            Ok(_) => waiting.push((*name, how, file)),
        }
        if waiting.len() == BATCH {
            open_all(&mut waiting, &mut tallies, &mut deaths);
        }
    }
    open_all(&mut waiting, &mut tallies, &mut deaths);
    for (part, tally) in &tallies {
        println!("{part:15} {tally:?}");
    }
    deaths.iter().for_each(|it| println!("{it}"));
    for (parts, of_thousand) in [(&HARMLESS[..], 0), (&FOLLOWED, MOST_OF_THOUSAND)] {
        for part in parts {
            let tally = tallies.get(part).unwrap_or_else(|| panic!("{part} was never damaged"));
            let all = tally.refused + tally.linker + tally.opened + tally.died + tally.hung;
            let bad = tally.died + tally.hung;
            assert!(bad * 1000 <= all * of_thousand, "{part}: {tally:?}\n{}", deaths.join("\n"));
        }
    }
}

/// The parts of which no damage gets as far as to end a process.
const HARMLESS: [&str; 4] = ["ELF header", "section table", ".gnu.hash", ".calog_plugin"];

/// The parts of which little does: what is said once cannot be compared. Which function runs first, where
/// a symbol is, which address is meant, which function is called.
const FOLLOWED: [&str; 8] =
    ["segments", ".dynamic", ".dynsym", ".dynstr", ".gnu.version", ".gnu.version_r", ".rela.dyn", ".rela.plt"];

/// How much of it. Without the checks it is some hundred.
const MOST_OF_THOUSAND: usize = 30;

/// Has the command open these files, each in a process of its own.
fn open_all(
    waiting: &mut Vec<(&'static str, String, Vec<u8>)>,
    tallies: &mut BTreeMap<&'static str, Tally>,
    deaths: &mut Vec<String>,
) {
    let folder = Folder::new();
    let paths: Vec<String> = (0..waiting.len()).map(|at| format!("{at}.so")).collect();
    for (path, (_, _, file)) in paths.iter().zip(waiting.iter()) {
        folder.write(path, file);
    }
    if paths.is_empty() {
        return;
    }
    let args = ["plugins", "verify", "--limit", LIMIT].map(str::to_owned).into_iter().chain(paths.clone());
    let ran = Calog::new(args).within(folder.path()).run();
    assert!(matches!(ran.code, Some(0 | 1)), "the host lives and says what it saw: {ran:?}");
    for (path, (part, how, _)) in paths.iter().zip(waiting.drain(..)) {
        let line = ran.out.lines().find_map(|line| line.strip_prefix(&format!("{path}: ")));
        let line = line.unwrap_or_else(|| panic!("nothing is said of {path}: {ran:?}"));
        let tally = tallies.entry(part).or_default();
        match line {
            line if line.contains("did not end within") => tally.hung += 1,
            line if line.contains("ended the process") => {
                tally.died += 1;
                deaths.push(format!("{part}: {how}: {line}"));
            }
            line if line.starts_with("refused: ") => tally.linker += 1,
            _ => tally.opened += 1,
        }
    }
}

#[test]
fn beside_damaged_files_everything_works() {
    let good = fs::read(build_standalone("tally")).expect("a plugin");
    let parts = parts(&good);
    let plugins = Folder::new();
    plugins.write("zgood.so", &good);
    let mut dice = Dice(99);
    let mut damaged = 0;
    while damaged < 60 {
        let mut file = good.clone();
        damage(&mut file, &parts[dice.below(parts.len())].1, &mut dice);
        if inspect_bytes(&file).is_err() {
            plugins.write(&format!("a{damaged}.so"), &file);
            damaged += 1;
        }
    }
    let world = World::over(SearchPath::of([plugins.path()]), |builder| builder);
    let catalog = world.runtime.catalog();
    // Some are refused as they are seen, all as they are opened.
    let damaged = catalog.files().filter(|(_, file)| !file.path().ends_with("zgood.so"));
    for (id, file) in damaged {
        assert!(catalog.load(id).is_err(), "{} is opened", file.path().display());
        assert!(matches!(catalog.state(id), FileState::Refused(_)));
    }
    let sums = world.open("sums.tly", "40\n2");
    assert_eq!(world.call(&sums, "total", &[]).expect("a sum"), 42.into());
}
