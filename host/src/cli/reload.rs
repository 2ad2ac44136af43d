//! `calog reload`, and what a running program does about it: the manifests are read again, and taken over
//! if all is valid.

use std::path::PathBuf;

use calog::manifest::{Manifest, ManifestError, Program};
use calog::{Configuration, Reloader};

use super::control::{self, Answer, Verdict};
use super::exit::{Exit, FAILED, FINE, USAGE};

/// Asks the program of this process id, or the only one there is. Gives the exit code.
pub(super) fn reload(pid: Option<u32>) -> Result<u8, Exit> {
    let pid = match (pid, control::programs().as_slice()) {
        (Some(pid), _) => pid,
        (None, [pid]) => *pid,
        (None, []) => {
            let folder = control::folder();
            return Err(Exit::new(
                USAGE,
                format!("error: no program runs that could be asked, in {}", folder.display()),
            ));
        }
        (None, several) => {
            let pids: Vec<String> = several.iter().map(u32::to_string).collect();
            return Err(Exit::new(USAGE, format!("error: several programs run: name one of {}", pids.join(", "))));
        }
    };
    let unreachable = |error| Exit::new(USAGE, format!("error: process {pid} cannot be asked: {error}"));
    let Answer { verdict, lines } = control::ask(pid).map_err(unreachable)?;
    match verdict {
        Verdict::Fine => {
            lines.iter().for_each(|line| println!("{line}"));
            Ok(FINE)
        }
        Verdict::Failed => Err(Exit::new(FAILED, lines.join("\n"))),
        Verdict::Refused => Err(Exit::new(USAGE, lines.join("\n"))),
    }
}

/// What a running program was started with, and how it is told of a change.
pub(super) struct Rereading {
    paths: Vec<PathBuf>,
    /// As they were read at the start.
    manifests: Vec<Manifest>,
    reloader: Reloader,
}

impl Rereading {
    pub(super) fn new(paths: &[PathBuf], manifests: &[&Manifest], reloader: Reloader) -> Rereading {
        let manifests = manifests.iter().map(|&manifest| manifest.clone()).collect();
        Rereading { paths: paths.to_vec(), manifests, reloader }
    }

    /// Reads all manifests again and has them taken over. One that is wrong changes nothing.
    pub(super) fn reload(&self) -> Answer {
        let answer = self.try_reload().unwrap_or_else(|lines| Answer { verdict: Verdict::Refused, lines });
        match answer.verdict {
            Verdict::Refused => tracing::error!("calog.toml is not taken over: {}", answer.lines.join("; ")),
            Verdict::Failed => tracing::warn!("calog.toml is taken over: {}", answer.lines.join("; ")),
            Verdict::Fine => tracing::info!("calog.toml is taken over"),
        }
        answer
    }

    /// # Errors
    /// Why nothing was changed, in lines.
    fn try_reload(&self) -> Result<Answer, Vec<String>> {
        let said = |error: &ManifestError| format!("error: {error}");
        let read = self.paths.iter().map(|path| Program::find_all(path));
        let programs = read.collect::<Result<Vec<_>, _>>().map_err(|all| all.iter().map(said).collect::<Vec<_>>())?;
        let manifests: Vec<&Manifest> = programs.iter().map(Program::manifest).collect();
        let reloaded = self.reloader.reload(Configuration::of(manifests.iter().copied()));
        let reloaded =
            reloaded.map_err(|failures| failures.iter().map(|it| format!("error: {it}")).collect::<Vec<_>>())?;
        let mut lines: Vec<String> = reloaded.failures.iter().map(|failure| format!("error: {failure}")).collect();
        let verdict = if lines.is_empty() { Verdict::Fine } else { Verdict::Failed };
        lines.extend(
            reloaded
                .reloaded
                .iter()
                .filter(|name| !name.starts_with("engines."))
                .map(|name| format!("{name} is reloaded")),
        );
        lines.extend(
            reloaded.kept.iter().map(|name| format!("{name} reads its section only once: start the program again")),
        );
        if self.differs_elsewhere(&manifests) {
            lines.push("contexts, plugins and the order of engines are read only once: start the program again".into());
        }
        Ok(Answer { verdict, lines })
    }

    /// Whether the manifests differ in more than sections.
    fn differs_elsewhere(&self, manifests: &[&Manifest]) -> bool {
        let plugins = |it: &Manifest| (it.plugins.clone(), it.shared_plugins, it.engines.order.clone());
        let rest = |it: &Manifest| (it.name.clone(), plugins(it), it.context.clone());
        self.manifests.iter().map(rest).ne(manifests.iter().map(|it| rest(it)))
    }
}
