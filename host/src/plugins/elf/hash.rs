//! How symbols are found: the two hash tables, of which a file has at least one.
//!
//! The linker divides by what it finds here, and follows chains until they end.

use object::elf;
use object::elf::{GnuHashHeader, HashHeader};
use object::pod::{from_bytes, slice_from_bytes};
use object::read::ReadRef;
use object::read::elf::SectionTable;
use object::{Endianness, U32};

use super::dynamic::{Dynamic, WORD};
use super::segments::Image;
use super::{NativeHeader, damaged};
use crate::plugins::refusal::Refusal;

type Numbers<'data> = &'data [U32<Endianness>];

pub(super) fn check<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    dynamic: &Dynamic<'data>,
    sections: &SectionTable<'data, NativeHeader, R>,
) -> Result<(), Refusal> {
    let (gnu, old) = (dynamic.get(elf::DT_GNU_HASH), dynamic.get(elf::DT_HASH));
    if gnu.is_none() && old.is_none() {
        return Err(damaged("it has no hash table of its symbols"));
    }
    if let Some(address) = gnu {
        let table = image.section("its hash table", sections, address)?;
        check_gnu(table, image.endian, dynamic.symbols.len())
            .ok_or_else(|| damaged("its hash table contradicts itself"))?;
    }
    if let Some(address) = old {
        let table = image.section("its hash table", sections, address)?;
        check_old(table, image.endian, dynamic.symbols.len())
            .ok_or_else(|| damaged("its hash table contradicts itself"))?;
    }
    Ok(())
}

/// GNU's table: a filter whose size is a power of two, buckets, and chains that end within the symbols.
fn check_gnu(table: &[u8], endian: Endianness, symbols: usize) -> Option<()> {
    let (header, rest) = from_bytes::<GnuHashHeader<Endianness>>(table).ok()?;
    let buckets = header.bucket_count.get(endian) as usize;
    let base = header.symbol_base.get(endian) as usize;
    let filter = header.bloom_count.get(endian);
    if buckets == 0 || !filter.is_power_of_two() || header.bloom_shift.get(endian) >= u32::BITS || base > symbols {
        return None;
    }
    let rest = rest.get(usize::try_from(u64::from(filter) * WORD).ok()?..)?;
    let (buckets, rest): (Numbers<'_>, _) = slice_from_bytes(rest, buckets).ok()?;
    let (chains, _): (Numbers<'_>, _) = slice_from_bytes(rest, symbols - base).ok()?;
    // Where every chain ends is where the last one does, unless one of them has no end at all.
    let ended = chains.iter().rposition(|value| value.get(endian) & 1 == 1).map_or(0, |last| last + 1);
    let fine = |bucket: usize| bucket == 0 || (bucket >= base && bucket - base < ended);
    buckets.iter().all(|bucket| fine(bucket.get(endian) as usize)).then_some(())
}

/// The older table: buckets and chains of symbols; no chain is longer than there are symbols.
fn check_old(table: &[u8], endian: Endianness, symbols: usize) -> Option<()> {
    let (header, rest) = from_bytes::<HashHeader<Endianness>>(table).ok()?;
    let (buckets, chains) = (header.bucket_count.get(endian) as usize, header.chain_count.get(endian) as usize);
    if buckets == 0 || chains != symbols {
        return None;
    }
    let (buckets, rest): (Numbers<'_>, _) = slice_from_bytes(rest, buckets).ok()?;
    let (chains, _): (Numbers<'_>, _) = slice_from_bytes(rest, chains).ok()?;
    // A symbol that comes twice is a chain without an end.
    let mut seen = vec![false; symbols];
    for bucket in buckets {
        let mut at = bucket.get(endian) as usize;
        while at != 0 {
            if std::mem::replace(seen.get_mut(at)?, true) {
                return None;
            }
            at = chains[at].get(endian) as usize;
        }
    }
    Some(())
}
