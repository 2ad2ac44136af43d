//! What this process holds of the system: threads, descriptors, memory. For tests which show that
//! nothing is left behind; they must have the process to themselves (see `run_alone`).

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread that was joined may still be listed: the system lets the joiner go on before it
/// takes the thread off its list, and offers nothing to wait for.
const LISTED_LIMIT: Duration = Duration::from_secs(10);

/// The threads and descriptors of this process at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Footprint {
    /// Their names, sorted.
    pub threads: Vec<String>,
    /// What they stand for, sorted.
    pub descriptors: Vec<String>,
}

impl Footprint {
    /// As it is now.
    pub fn now() -> Footprint {
        let name = |task: &Path| fs::read_to_string(task.join("comm")).ok().map(|name| name.trim_end().to_owned());
        let target = |link: &Path| fs::read_link(link).ok().map(|target| target.display().to_string());
        // The look itself needs a descriptor, of the folder it looks at.
        let own = format!("/proc/{}/fd", std::process::id());
        let mut descriptors = listed("/proc/self/fd", target);
        descriptors.retain(|target| *target != own);
        Footprint { threads: listed("/proc/self/task", name), descriptors }
    }

    /// Fails unless the process holds what it held then.
    #[track_caller]
    pub fn assert_restored(&self) {
        let until = Instant::now() + LISTED_LIMIT;
        let mut now = Footprint::now();
        while now != *self && Instant::now() < until {
            thread::yield_now();
            now = Footprint::now();
        }
        assert_eq!(now, *self, "threads and descriptors are back to where they began");
    }
}

/// What `describe` says of the entries of a folder, but for those that have just gone.
fn listed(folder: &str, describe: impl Fn(&Path) -> Option<String>) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the system lists what a process holds");
    let mut all: Vec<String> = entries.filter_map(|entry| describe(&entry.ok()?.path())).collect();
    all.sort();
    all
}

/// How much memory of this process is in use right now, in KiB.
pub fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the system tells of a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it tells of its memory");
    line.trim().trim_end_matches(" kB").parse().expect("it tells in kB")
}
