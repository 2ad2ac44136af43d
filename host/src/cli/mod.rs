//! The `calog` command: its arguments, and which part answers each subcommand.
//!
//! It has no powers of its own: everything it does, an embedding program can do through the library.

mod check;
mod control;
mod eval;
mod exit;
mod log;
mod plugins;
mod reload;
mod run;
mod session;
mod signals;
mod trust;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use exit::Exit;

const EXIT_CODES: &str = "\
Exit codes: 0 fine, 1 a script failed, 2 wrong usage or manifest, 3 a needed engine is missing, \
4 every script waits for something that cannot come, or what a script gave to calog.exit.";

/// One application in several scripting languages.
#[derive(Parser)]
#[command(name = "calog", version, after_help = EXIT_CODES, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

/// What every subcommand understands.
#[derive(Args)]
struct Common {
    /// Look for plugins in this folder, before all others; may be repeated
    #[arg(long = "plugins", value_name = "DIR", global = true)]
    folders: Vec<PathBuf>,
    /// Accept plugins that others may write to, or that belong to others
    #[arg(long, global = true)]
    shared_plugins: bool,
    /// What to log to standard error: a level (error, warn, info, debug, trace), or target=level,...
    #[arg(long, value_name = "FILTER", env = "CALOG_LOG", global = true)]
    log: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run a program: script files, or folders with calog.toml, one main.* or scripts
    Run(Run),
    /// Find out what is wrong with a program, and run nothing of it: manifest, plugins, scripts, configuration
    Check(Check),
    /// Have a running program read calog.toml again
    Reload(Reload),
    /// Show every plugin folder and file, what each offers, and which is refused and why
    Plugins(Plugins),
    /// Run a piece of code in one language
    Eval(Eval),
}

#[derive(Args)]
struct Run {
    /// Scripts, folders or manifests
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// What the scripts get from calog.args()
    #[arg(value_name = "ARGS", last = true)]
    args: Vec<String>,
}

#[derive(Args)]
struct Check {
    /// Scripts, folders or manifests
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

#[derive(Args)]
struct Reload {
    /// The process id of the program; may be left out when only one runs
    #[arg(value_name = "PID")]
    pid: Option<u32>,
}

#[derive(Args)]
struct Plugins {
    /// Show the whole report of a plugin whose layout was refused, and open every plugin to find out
    #[arg(long, short)]
    verbose: bool,
    #[command(subcommand)]
    action: Option<OfPlugins>,
}

#[derive(Subcommand)]
enum OfPlugins {
    /// Check plugin files, and open each in a process of its own
    Verify(Verify),
    /// Write plugins.lock: from then on only the plugins that are found now are opened
    Lock {
        /// Lock this folder of plugins, instead of the program in the current folder
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// What `verify` runs in a process of its own
    #[command(hide = true)]
    Open {
        /// The plugin
        file: PathBuf,
    },
}

#[derive(Args)]
struct Verify {
    /// The plugins
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// How long opening one may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    limit: u64,
}

#[derive(Args)]
struct Eval {
    /// The code
    #[arg(short = 'e', long = "eval", value_name = "CODE")]
    code: String,
    /// An engine's name (quickjs) or a language (javascript)
    #[arg(long, value_name = "NAME")]
    lang: String,
    /// What the code gets from calog.args()
    #[arg(value_name = "ARGS", last = true)]
    args: Vec<String>,
}

/// Does what the command line says.
pub(crate) fn main() -> ExitCode {
    let Cli { command, common } = Cli::parse();
    // These say themselves what is refused.
    let quiet = matches!(command, Command::Plugins(_) | Command::Check(_));
    let result = log::start(common.log.as_deref(), quiet).and_then(|()| match command {
        Command::Run(run) => run::run(&common, &run.paths, run.args),
        Command::Check(check) => check::check(&common, &check.paths),
        Command::Reload(reload) => reload::reload(reload.pid),
        Command::Plugins(Plugins { action: Some(action), .. }) => match action {
            OfPlugins::Verify(Verify { files, limit }) => verify::verify(&common, &files, limit),
            OfPlugins::Lock { folder } => plugins::lock(&common, folder.as_deref()),
            OfPlugins::Open { file } => verify::open(&common, &file),
        },
        Command::Plugins(plugins) => plugins::show(&common, plugins.verbose),
        Command::Eval(eval) => eval::eval(&common, &eval.lang, &eval.code, eval.args),
    });
    result.unwrap_or_else(Exit::report).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments_after_two_dashes_are_the_scripts() {
        let cli =
            Cli::try_parse_from(["calog", "run", "a.lua", "b.js", "--plugins", "x", "--", "-v", "c.lua"]).unwrap();
        let Command::Run(run) = cli.command else { panic!("it is run") };
        assert_eq!((run.paths.len(), run.args), (2, vec!["-v".to_owned(), "c.lua".to_owned()]));
        assert_eq!(cli.common.folders, [PathBuf::from("x")]);
    }

    #[test]
    fn wrong_usage_is_exit_code_two() {
        for args in [&["calog", "run"][..], &["calog", "rnu"], &["calog", "eval", "-e", "1"], &["calog", "--nope"]] {
            assert_eq!(Cli::try_parse_from(args).err().unwrap().exit_code(), 2, "{args:?}");
        }
    }
}
