//! `calog-conform`: runs the conformance kit for an engine, and prints what came of each scenario.
//!
//! The scenarios are played in a child process. An engine that brings its process down fails the
//! scenario it did it in; another child goes on behind it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use calog::plugins::inspect;
use calog::{Runtime, SearchPath};
use calog_tests::conformance::{Language, Line, Orders, Scenario, Table, run, run_values};
use clap::Parser;
use tempfile::TempDir;

/// How long one scenario may take, with all its combinations.
const LIMIT: Duration = Duration::from_secs(300);

/// Plays every scenario of the conformance kit with an engine.
#[derive(Parser, Clone)]
#[command(name = "calog-conform", version)]
#[command(after_help = "Exit codes: 0 all scenarios passed or are not offered, 1 some failed, 2 wrong usage.")]
struct Cli {
    /// The engine's plugin
    #[arg(value_name = "PLUGIN.so")]
    plugin: PathBuf,
    /// How its language writes what the scenarios are made of; see tests/conformance/README.md
    #[arg(long, value_name = "FILE")]
    snippets: PathBuf,
    /// Where the plugins of its peers are; by default beside this command
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// The languages it is paired with
    #[arg(long, value_name = "LANGUAGES", value_delimiter = ',', default_value = "lua,javascript,squirrel,basic")]
    peers: Vec<String>,
    /// Only scenarios whose names contain this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Show every combination that failed, not only the first
    #[arg(long)]
    verbose: bool,
    /// Write the results here, for the parent process
    #[arg(long, hide = true)]
    results: Option<PathBuf>,
    /// So many units were played already
    #[arg(long, hide = true, default_value_t = 0)]
    skip: usize,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match &cli.results {
        Some(results) => report(play(&cli, results)),
        None => report(conduct(&cli)),
    }
}

fn report(result: Result<ExitCode, String>) -> ExitCode {
    result.unwrap_or_else(|reason| {
        eprintln!("error: {reason}");
        ExitCode::from(2)
    })
}

// ---- what is played

/// What is played in one go: a scenario, or the whole table of values.
enum Unit {
    Scenario(Box<Scenario>),
    Values,
}

impl Unit {
    fn all(only: &str) -> Vec<Unit> {
        let scenarios = Scenario::all().into_iter().filter(|it| it.name.contains(only));
        let mut units: Vec<Unit> = scenarios.map(|it| Unit::Scenario(Box::new(it))).collect();
        // Their rows are played together, and chosen afterwards.
        if "values/".contains(only) || only.starts_with("values") {
            units.push(Unit::Values);
        }
        units
    }

    fn name(&self) -> &str {
        match self {
            Unit::Scenario(scenario) => &scenario.name,
            Unit::Values => "values",
        }
    }
}

/// The engine under test, looked at without opening it.
struct Subject {
    language: Language,
    /// A folder with the plugin alone.
    folder: TempDir,
}

impl Subject {
    fn of(cli: &Cli) -> Result<Subject, String> {
        let offer = inspect(&cli.plugin).map_err(|refusal| format!("{}: {refusal}", cli.plugin.display()))?;
        let language = Language::read(&cli.snippets)?;
        if !offer.engines.iter().any(|it| it.language == language.language) {
            let offered: Vec<&str> = offer.engines.iter().map(|it| &*it.language).collect();
            return Err(format!(
                "{} offers the languages {offered:?}; {} is about '{}'",
                cli.plugin.display(),
                cli.snippets.display(),
                language.language
            ));
        }
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let name = cli.plugin.file_name().ok_or("the plugin has no file name")?;
        fs::copy(&cli.plugin, folder.path().join(name)).map_err(|error| error.to_string())?;
        Ok(Subject { language, folder })
    }

    /// Where plugins are looked for: its own comes first.
    fn search(&self, cli: &Cli) -> Result<SearchPath, String> {
        let own = self.folder.path().to_path_buf();
        Ok(SearchPath::of([own, peers_folder(cli)?]))
    }
}

fn peers_folder(cli: &Cli) -> Result<PathBuf, String> {
    match &cli.plugins {
        Some(folder) => Ok(folder.clone()),
        None => {
            let own = std::env::current_exe().map_err(|error| error.to_string())?;
            Ok(own.parent().unwrap_or(Path::new(".")).to_path_buf())
        }
    }
}

/// The languages it is paired with; those whose plugins are not there are left out, which is said.
fn peers(cli: &Cli, search: &SearchPath) -> Result<Vec<Language>, String> {
    let runtime = Runtime::builder().plugins(search.clone()).build().map_err(|error| error.to_string())?;
    let mut peers = Vec::new();
    for name in &cli.peers {
        let peer = Language::named(name).ok_or_else(|| format!("--peers: the kit has no language '{name}'"))?;
        let script = format!("x.{}", peer.extension);
        match runtime.engine_for(script.as_ref()) {
            Ok(_) => peers.push(peer),
            Err(_) if cli.skip > 0 => {}
            Err(_) => eprintln!("note: no plugin for {name} in {}: not paired with it", peers_folder(cli)?.display()),
        }
    }
    Ok(peers)
}

// ---- the child

/// Plays what is left, and appends a record for each unit that began and for each line it came to.
fn play(cli: &Cli, results: &Path) -> Result<ExitCode, String> {
    let subject = Subject::of(cli)?;
    let search = subject.search(cli)?;
    let peers = peers(cli, &search)?;
    let mut records = Records::append(results)?;
    for unit in Unit::all(&cli.only).iter().skip(cli.skip) {
        records.write(&Record::Began)?;
        let lines = match unit {
            Unit::Scenario(scenario) => vec![run(&search, scenario, &subject.language, &peers, Orders::Both)],
            Unit::Values => run_values(&search, &subject.language, &peers, Orders::Both),
        };
        records.write(&Record::Ended(lines))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a child tells its parent.
#[derive(serde::Serialize, serde::Deserialize)]
enum Record {
    Began,
    Ended(Vec<Line>),
}

struct Records(File);

impl Records {
    fn append(path: &Path) -> Result<Records, String> {
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.map(Records).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn write(&mut self, record: &Record) -> Result<(), String> {
        let line = serde_json::to_string(record).map_err(|error| error.to_string())?;
        writeln!(self.0, "{line}").map_err(|error| error.to_string())
    }
}

// ---- the parent

/// Has children play all units, and prints the table.
fn conduct(cli: &Cli) -> Result<ExitCode, String> {
    // Before any child: what is wrong with the usage is said once.
    let subject = Subject::of(cli)?;
    peers(cli, &subject.search(cli)?)?;
    let units = Unit::all(&cli.only);
    let mut lines = Vec::new();
    let mut played = 0;
    while played < units.len() {
        let (done, broken) = Player::start(cli, played)?.follow()?;
        played += done.len();
        lines.extend(done.into_iter().flatten());
        if let (Some(how), Some(unit)) = (broken, units.get(played)) {
            let mut line = Line::of(unit.name());
            line.failed.push((subject.language.language.clone(), how));
            lines.push(line);
            played += 1;
        }
    }
    lines.retain(|line| line.scenario.contains(&cli.only) || line.result() == "FAILED");
    let table = Table(&lines);
    print!("{table}");
    if cli.verbose {
        for (line, (with, why)) in lines.iter().flat_map(|line| line.failed.iter().map(move |it| (line, it))) {
            println!("{}: {with}: {why}", line.scenario);
        }
    }
    Ok(ExitCode::from(u8::from(table.count("FAILED") > 0)))
}

/// A child at work.
struct Player {
    child: Child,
    results: tempfile::NamedTempFile,
}

impl Player {
    fn start(cli: &Cli, skip: usize) -> Result<Player, String> {
        let results = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(own);
        command.arg(&cli.plugin).arg("--snippets").arg(&cli.snippets).arg("--plugins").arg(peers_folder(cli)?);
        command.arg("--peers").arg(cli.peers.join(",")).arg("--only").arg(&cli.only);
        command.arg("--results").arg(results.path()).arg("--skip").arg(skip.to_string());
        let child = command.spawn().map_err(|error| format!("the child process could not be started: {error}"))?;
        Ok(Player { child, results })
    }

    /// Waits until it has played everything, or failed to. The lines of each unit it ended, and how it
    /// broke in the next one, if it did.
    fn follow(mut self) -> Result<(Vec<Vec<Line>>, Option<String>), String> {
        let mut last = (0, Instant::now());
        loop {
            let ended = self.child.try_wait().map_err(|error| error.to_string())?;
            let records = self.records()?;
            if last.0 != records.len() {
                last = (records.len(), Instant::now());
            }
            match ended {
                Some(status) if status.success() => return Ok((lines_of(records), None)),
                Some(status) if records.is_empty() => return Err(format!("the child process ended with {status}")),
                Some(status) => return Ok((lines_of(records), Some(format!("it brought its process down: {status}")))),
                None if last.1.elapsed() > LIMIT => {
                    // It may have ended just now.
                    let _ = self.child.kill();
                    let _ = self.child.wait();
                    let how = format!("it did not end within {} s", LIMIT.as_secs());
                    return Ok((lines_of(records), Some(how)));
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn records(&self) -> Result<Vec<Record>, String> {
        let text = fs::read_to_string(self.results.path()).map_err(|error| error.to_string())?;
        // The last line may be half written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).map_err(|error| error.to_string())).collect()
    }
}

fn lines_of(records: Vec<Record>) -> Vec<Vec<Line>> {
    let ended = |record| match record {
        Record::Began => None,
        Record::Ended(lines) => Some(lines),
    };
    records.into_iter().filter_map(ended).collect()
}
