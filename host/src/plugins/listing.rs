//! The catalog for a person: every folder, every file, and what became of each.

use std::fmt::Write;

use calog_plugin_api::Threading;
use calog_plugin_api::host_side::EngineDescription;

use super::catalog::{Catalog, FileId, FileState};
use super::header::Offer;
use super::registry::Provider;
use super::search::{Folder, FolderState};

/// The text of `calog plugins`. With `verbose`, refusals that have a long report show it whole.
pub fn listing(catalog: &Catalog, verbose: bool) -> String {
    let mut text = String::new();
    let widths = Widths::of(catalog);
    if !catalog.compiled_in().is_empty() {
        text.push_str("compiled into the program\n");
        for (index, offer) in catalog.compiled_in().iter().enumerate() {
            let cells = ["-".into(), offer.plugin.to_string(), offer.abi.to_string(), "available".into()];
            widths.row(&mut text, &cells, &offers(offer));
            shadows(&mut text, catalog, Provider::CompiledIn(index));
        }
    }
    for (index, folder) in catalog.folders().iter().enumerate() {
        text.push_str(&heading(folder, catalog.files_in(index).count()));
        for (id, _) in catalog.files_in(index) {
            file(&mut text, &widths, catalog, id, verbose);
        }
    }
    text.push_str(&summary(catalog));
    text
}

/// Why nothing runs scripts of this extension, or engine or language of this name: what is there,
/// where was searched and what was refused.
pub fn missing_engine(catalog: &Catalog, wanted: &str) -> String {
    let mut text = format!("no engine for {wanted}\n");
    let known: Vec<String> = catalog.engines().iter().map(|it| engine(&it.description)).collect();
    let known = if known.is_empty() { "none".into() } else { known.join(", ") };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "engines there are: {known}");
    text.push_str("folders searched:\n");
    for folder in catalog.folders() {
        let state = match &folder.state {
            FolderState::Searched => String::new(),
            other => format!(": {other}"),
        };
        let _ = writeln!(text, "  {} ({}){state}", folder.path.display(), folder.origin);
    }
    for (id, file) in catalog.files() {
        if let FileState::Refused(refusal) = catalog.state(id) {
            let _ = writeln!(text, "refused: {}: {refusal}", file.path().display());
        }
    }
    text
}

fn heading(folder: &Folder, files: usize) -> String {
    let state = match &folder.state {
        FolderState::Searched => match files {
            0 => "no plugins".into(),
            1 => "1 file".into(),
            _ => format!("{files} files"),
        },
        other => other.to_string(),
    };
    format!("{} ({}): {state}\n", folder.path.display(), folder.origin)
}

fn file(text: &mut String, widths: &Widths, catalog: &Catalog, id: FileId, verbose: bool) {
    let state = catalog.state(id);
    widths.row(text, &cells(catalog, id), &catalog.file(id).offer().map(offers).unwrap_or_default());
    if let FileState::Refused(refusal) = &state {
        let _ = writeln!(text, "      {refusal}");
        if verbose && let Some(report) = refusal.report() {
            report.lines().for_each(|line| {
                let _ = writeln!(text, "      | {line}");
            });
        }
    }
    shadows(text, catalog, Provider::File(id));
}

fn shadows(text: &mut String, catalog: &Catalog, loser: Provider) {
    for shadowed in catalog.registry().shadowed().iter().filter(|it| it.loser == loser) {
        let by = match shadowed.by {
            by if by == loser => "the same file".into(),
            Provider::CompiledIn(_) => "the program itself".into(),
            Provider::File(winner) => catalog.file(winner).path().display().to_string(),
        };
        let _ = writeln!(text, "      {} is shadowed by {by}", shadowed.claim);
    }
}

fn summary(catalog: &Catalog) -> String {
    let registry = catalog.registry();
    let refused = catalog.files().filter(|(id, _)| matches!(catalog.state(*id), FileState::Refused(_))).count();
    let (engines, bundles) = (registry.engines().len(), registry.bundles().len());
    format!("engines: {engines}, bundles: {bundles}, files refused: {refused}\n")
}

/// A plugin in a line: `calog-engine-quickjs 0.1.0, ABI 0.1: engine quickjs (javascript): .js .mjs`.
pub fn describe(offer: &Offer) -> String {
    format!("{}, ABI {}: {}", offer.plugin, offer.abi, offers(offer))
}

/// "engine quickjs (javascript): .js .mjs; bundle net".
fn offers(offer: &Offer) -> String {
    let engines = offer.engines.iter().map(|it| format!("engine {}", engine(it)));
    let bundles = offer.bundles.iter().map(|name| format!("bundle {name}"));
    engines.chain(bundles).collect::<Vec<_>>().join("; ")
}

/// "quickjs (javascript): .js .mjs".
fn engine(it: &EngineDescription) -> String {
    let language = if it.language == it.name { String::new() } else { format!(" ({})", it.language) };
    let threading = match it.threading {
        Threading::PerContext => "",
        Threading::OneThread => " [one thread]",
        Threading::MainThread => " [main thread only]",
    };
    let extensions: String = it.extensions.iter().map(|extension| format!(" .{extension}")).collect();
    let colon = if extensions.is_empty() { "" } else { ":" };
    format!("{}{language}{threading}{colon}{extensions}", it.name)
}

/// File name, plugin and version, ABI, state.
fn cells(catalog: &Catalog, id: FileId) -> [String; 4] {
    let file = catalog.file(id);
    let name = file.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let state = match catalog.state(id) {
        FileState::Available => "available",
        FileState::Loaded => "loaded",
        FileState::Refused(_) => "refused",
        FileState::Shadowed { .. } => "shadowed",
    };
    match file.offer() {
        Some(offer) => [name, offer.plugin.to_string(), offer.abi.to_string(), state.into()],
        None => [name, "-".into(), "-".into(), state.into()],
    }
}

/// How wide each column is, over all folders.
struct Widths([usize; 4]);

impl Widths {
    fn of(catalog: &Catalog) -> Widths {
        let files = catalog.files().map(|(id, _)| cells(catalog, id));
        let own = catalog
            .compiled_in()
            .iter()
            .map(|it| [String::new(), it.plugin.to_string(), it.abi.to_string(), "available".to_owned()]);
        let mut widths = [0; 4];
        for row in files.chain(own) {
            for (width, cell) in widths.iter_mut().zip(&row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        Widths(widths)
    }

    fn row(&self, text: &mut String, cells: &[String; 4], offers: &str) {
        let [a, b, c, d] = self.0;
        let [name, plugin, abi, state] = cells;
        let row = format!("  {name:a$}  {plugin:b$}  ABI {abi:c$}  {state:d$}  {offers}");
        let _ = writeln!(text, "{}", row.trim_end());
    }
}
