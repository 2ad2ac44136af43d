//! The plugin header, taken from its bytes: what a plugin offers, once everything that must agree
//! with this host does.
//!
//! Fields are read one by one at the offsets of `calog_plugin_api::header::Header`, the ABI version
//! before anything whose place depends on it.

use std::fmt::{self, Display, Formatter};
use std::mem::offset_of;

use calog_plugin_api::header::{API_VERSION, Entry, Header, MAGIC, MAX_ENTRIES, PANIC_ABORTS, PANIC_UNWINDS, TARGET};
use calog_plugin_api::host_side::EngineDescription;
use calog_plugin_api::{ABI_VERSION, AbiVersion, Threading, VALUE_FORMAT};
use semver::{Version, VersionReq};

use super::refusal::Refusal;

/// A plugin's name and version.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PluginName {
    /// Its package's name.
    pub name: String,
    /// Its package's version.
    pub version: String,
}

impl Display for PluginName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// What a plugin file offers, as its header says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// Whose it is.
    pub plugin: PluginName,
    /// The ABI it was built for.
    pub abi: AbiVersion,
    /// The version of calog-plugin-api it was built with.
    pub api: Version,
    /// Its engines.
    pub engines: Vec<EngineDescription>,
    /// Its bundles' names.
    pub bundles: Vec<String>,
}

impl Offer {
    /// What a program has compiled in under this name and version.
    pub fn compiled_in(name: &str, version: &str, engines: Vec<EngineDescription>, bundles: Vec<String>) -> Offer {
        let plugin = PluginName { name: name.into(), version: version.into() };
        Offer { plugin, abi: ABI_VERSION, api: host_api(), engines, bundles }
    }

    /// The offer in the bytes of a plugin header's section.
    pub(super) fn parse(section: &[u8]) -> Result<Offer, Refusal> {
        let fields = Fields { bytes: section, place: "the header" };
        if fields.bytes(0, MAGIC.len())? != MAGIC {
            let found = section[..MAGIC.len()].escape_ascii();
            return Err(bad(format!("it begins with \"{found}\", wanted \"{}\"", MAGIC.escape_ascii())));
        }
        let abi = check_abi(&fields)?;
        let api = check_api(&fields)?;
        check_target(&fields)?;
        check_panic(&fields)?;
        let plugin = PluginName {
            name: fields.word(offset_of!(Header, name), 64, "name")?,
            version: fields.word(offset_of!(Header, version), 32, "version")?,
        };
        let mut offer = Offer { plugin, abi, api, engines: Vec::new(), bundles: Vec::new() };
        offer.take_entries(&fields)?;
        Ok(offer)
    }

    fn take_entries(&mut self, fields: &Fields<'_>) -> Result<(), Refusal> {
        let count = usize::from(fields.byte(offset_of!(Header, entry_count))?);
        if !(1..=MAX_ENTRIES).contains(&count) {
            return Err(bad(format!("it offers {count} engines and bundles, wanted 1 to {MAX_ENTRIES}")));
        }
        for index in 0..count {
            let start = offset_of!(Header, entries) + index * size_of::<Entry>();
            let place = format!("entry {index}");
            self.take_entry(&Fields { bytes: fields.bytes(start, size_of::<Entry>())?, place: &place })?;
        }
        Ok(())
    }

    fn take_entry(&mut self, entry: &Fields<'_>) -> Result<(), Refusal> {
        let name = entry.word(offset_of!(Entry, name), 48, "name")?;
        match entry.byte(offset_of!(Entry, kind))? {
            Entry::ENGINE => self.engines.push(EngineDescription {
                name,
                language: entry.word(offset_of!(Entry, language), 48, "language")?,
                extensions: entry.words(offset_of!(Entry, extensions), 88, "extensions")?,
                threading: threading(entry)?,
            }),
            Entry::BUNDLE => self.bundles.push(name),
            other => return Err(bad(format!("{} is of kind {other}, wanted an engine or a bundle", entry.place))),
        }
        Ok(())
    }
}

fn threading(entry: &Fields<'_>) -> Result<Threading, Refusal> {
    let found = entry.byte(offset_of!(Entry, threading))?;
    let all = [Threading::PerContext, Threading::OneThread, Threading::MainThread];
    let unknown = || bad(format!("{} has the unknown threading {found}", entry.place));
    all.into_iter().find(|&it| it as u8 == found).ok_or_else(unknown)
}

fn bad(what: impl Into<String>) -> Refusal {
    Refusal::BadHeader { what: what.into() }
}

/// The ABI version decides whether the rest can be understood at all, so it comes before it.
fn check_abi(fields: &Fields<'_>) -> Result<AbiVersion, Refusal> {
    let major = fields.number(offset_of!(Header, abi_major))?;
    let minor = fields.number(offset_of!(Header, abi_minor))?;
    let found = AbiVersion { major, minor };
    if !abi_fits(found, ABI_VERSION) {
        return Err(Refusal::Abi { found, wanted: ABI_VERSION });
    }
    let size = fields.number(offset_of!(Header, size))? as usize;
    if size < size_of::<Header>() || size > fields.bytes.len() {
        let (wanted, section) = (size_of::<Header>(), fields.bytes.len());
        return Err(bad(format!("it says it has {size} bytes, wanted {wanted}; its section has {section}")));
    }
    let format = fields.number(offset_of!(Header, value_format))?;
    if format != VALUE_FORMAT {
        return Err(Refusal::ValueFormat { found: format, wanted: VALUE_FORMAT });
    }
    Ok(found)
}

/// Major version 0 promises nothing, so only the same version fits; from 1 on an older minor does too.
fn abi_fits(found: AbiVersion, host: AbiVersion) -> bool {
    found.major == host.major && if host.major == 0 { found.minor == host.minor } else { found.minor <= host.minor }
}

fn check_api(fields: &Fields<'_>) -> Result<Version, Refusal> {
    let text = fields.word(offset_of!(Header, api_version), 32, "calog-plugin-api version")?;
    let wrong = |error| bad(format!("its calog-plugin-api version \"{text}\" is no version: {error}"));
    let found = Version::parse(&text).map_err(wrong)?;
    check_versions(found, host_api())
}

/// The version of calog-plugin-api that this host is built with.
fn host_api() -> Version {
    // Cargo accepts no package without a valid version.
    Version::parse(API_VERSION).expect("a package's version is semver")
}

/// Both ways: the host takes its own compatible series, and the plugin needs what it was built with.
fn check_versions(found: Version, host: Version) -> Result<Version, Refusal> {
    let wanted = series(&host);
    if !wanted.matches(&found) {
        return Err(Refusal::ApiIncompatible { found, wanted });
    }
    if host.cmp_precedence(&found).is_lt() {
        return Err(Refusal::ApiNewer { found, wanted: host });
    }
    Ok(found)
}

/// Everything that semver calls compatible with this version, older releases included.
fn series(version: &Version) -> VersionReq {
    let major_only = version.major > 0;
    let comparator = semver::Comparator {
        op: semver::Op::Caret,
        major: version.major,
        minor: (!major_only).then_some(version.minor),
        patch: None,
        pre: semver::Prerelease::EMPTY,
    };
    VersionReq { comparators: vec![comparator] }
}

/// In what a header differs from what this host wants of one. What comes behind the ABI version is at
/// its place as long as the header's form is the same.
pub(super) fn differences(section: &[u8]) -> Vec<String> {
    let fields = Fields { bytes: section, place: "the header" };
    let mut all = Vec::new();
    let mut compare = |what: &str, found: Result<String, Refusal>, fits: bool, wanted: String| {
        if let Ok(found) = found
            && !fits
        {
            all.push(format!("{what}: {found}, this host wants {wanted}"));
        }
    };
    let number = |offset| fields.number(offset);
    let major = number(offset_of!(Header, abi_major));
    let minor = number(offset_of!(Header, abi_minor));
    if let (Ok(major), Ok(minor)) = (major, minor) {
        let found = AbiVersion { major, minor };
        let wanted = if ABI_VERSION.major == 0 { "no other than" } else { "no newer than" };
        compare("ABI", Ok(found.to_string()), abi_fits(found, ABI_VERSION), format!("{wanted} {ABI_VERSION}"));
    }
    let format = number(offset_of!(Header, value_format));
    let fits = format == Ok(VALUE_FORMAT);
    compare("format of values", format.map(|it| it.to_string()), fits, VALUE_FORMAT.to_string());
    let api = fields.word(offset_of!(Header, api_version), 32, "version");
    let fits = check_api(&fields).is_ok();
    compare("calog-plugin-api", api, fits, format!("{}, up to {API_VERSION}", series(&host_api())));
    let target = fields.word(offset_of!(Header, target), 64, "target");
    let fits = check_target(&fields).is_ok();
    compare("target", target, fits, TARGET.to_owned());
    let panic = fields.byte(offset_of!(Header, panic)).map(|it| match it {
        PANIC_ABORTS => "it aborts".to_owned(),
        other => format!("unknown number {other}"),
    });
    let fits = check_panic(&fields).is_ok();
    compare("what a panic does", panic, fits, "that it unwinds".to_owned());
    all
}

fn check_target(fields: &Fields<'_>) -> Result<(), Refusal> {
    let found = fields.word(offset_of!(Header, target), 64, "target")?;
    if found == TARGET { Ok(()) } else { Err(Refusal::Target { found, wanted: TARGET }) }
}

fn check_panic(fields: &Fields<'_>) -> Result<(), Refusal> {
    match fields.byte(offset_of!(Header, panic))? {
        PANIC_UNWINDS => Ok(()),
        PANIC_ABORTS => Err(Refusal::PanicAborts),
        other => Err(bad(format!("its panic strategy is {other}, wanted {PANIC_UNWINDS} or {PANIC_ABORTS}"))),
    }
}

/// Bytes read by offset, never outside their bounds.
struct Fields<'a> {
    bytes: &'a [u8],
    place: &'a str,
}

impl<'a> Fields<'a> {
    fn bytes(&self, offset: usize, length: usize) -> Result<&'a [u8], Refusal> {
        let short = || bad(format!("{} ends at byte {}, within a field", self.place, self.bytes.len()));
        offset.checked_add(length).and_then(|end| self.bytes.get(offset..end)).ok_or_else(short)
    }

    fn byte(&self, offset: usize) -> Result<u8, Refusal> {
        self.bytes(offset, 1).map(|bytes| bytes[0])
    }

    fn number(&self, offset: usize) -> Result<u32, Refusal> {
        let bytes = self.bytes(offset, 4)?;
        Ok(u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A text padded with zeros, printable, perhaps empty.
    fn text(&self, offset: usize, length: usize, field: &str) -> Result<&'a str, Refusal> {
        let bytes = self.bytes(offset, length)?;
        let end = bytes.iter().position(|&byte| byte == 0);
        let text = end.and_then(|end| std::str::from_utf8(&bytes[..end]).ok());
        let printable = text.filter(|text| !text.contains(char::is_control));
        printable.ok_or_else(|| bad(format!("{}: the {field} is no printable text", self.place)))
    }

    /// One word: a name or a version.
    fn word(&self, offset: usize, length: usize, field: &str) -> Result<String, Refusal> {
        let text = self.text(offset, length, field)?;
        if text.is_empty() || text.contains(char::is_whitespace) {
            return Err(bad(format!("{}: the {field} is \"{text}\", wanted one word", self.place)));
        }
        Ok(text.to_owned())
    }

    /// Extensions: separated by spaces, without dots or slashes.
    fn words(&self, offset: usize, length: usize, field: &str) -> Result<Vec<String>, Refusal> {
        let text = self.text(offset, length, field)?;
        match text.split(' ').find(|word| word.starts_with('.') || word.contains('/')) {
            Some(word) => Err(bad(format!("{}: among the {field} is \"{word}\", wanted it bare", self.place))),
            None => Ok(text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(found: &str, host: &str) -> Result<Version, Refusal> {
        check_versions(Version::parse(found).unwrap(), Version::parse(host).unwrap())
    }

    #[test]
    fn plugin_and_host_agree_on_versions_both_ways() {
        for (found, host) in [("0.1.0", "0.1.0"), ("0.1.0", "0.1.9"), ("1.2.3", "1.4.0"), ("0.0.1", "0.0.2")] {
            assert!(versions(found, host).is_ok(), "{found} in {host}");
        }
        for (found, host) in [("0.2.0", "0.1.0"), ("0.1.5", "0.2.0"), ("1.0.0", "2.0.0"), ("2.0.0", "1.9.0")] {
            assert!(matches!(versions(found, host), Err(Refusal::ApiIncompatible { .. })), "{found} in {host}");
        }
        for (found, host) in [("0.1.1", "0.1.0"), ("1.5.0", "1.4.9")] {
            assert!(matches!(versions(found, host), Err(Refusal::ApiNewer { .. })), "{found} in {host}");
        }
    }

    #[test]
    fn abi_zero_is_exact_and_later_ones_take_older_minors() {
        let version = |major, minor| AbiVersion { major, minor };
        assert!(abi_fits(version(0, 1), version(0, 1)));
        assert!(!abi_fits(version(0, 0), version(0, 1)));
        assert!(abi_fits(version(1, 0), version(1, 3)));
        assert!(!abi_fits(version(1, 4), version(1, 3)));
        assert!(!abi_fits(version(2, 0), version(1, 3)));
    }
}
