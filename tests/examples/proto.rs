//! A prototype that measures opening and closing.
use calog::{Open, Runtime, SearchPath};
use calog_tests::plugin_folder;
use std::time::{Duration, Instant};

fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    text.lines()
        .find_map(|l| l.strip_prefix(key))
        .unwrap()
        .trim_start_matches(':')
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

fn main() {
    let mode = std::env::args().nth(1).unwrap();
    let count: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let language = std::env::args().nth(3).unwrap_or("lua".into());
    let folder =
        std::env::var("PLUGINS").map(std::path::PathBuf::from).unwrap_or_else(|_| plugin_folder().to_path_buf());
    let runtime = Runtime::builder().plugins(SearchPath::of([folder])).build().unwrap();
    let source = if language == "lua" {
        "return { answer = function() return 42 end }"
    } else {
        "export function answer() { return 42 }"
    };
    let warm = runtime.open(Open::source(&language, source)).unwrap();
    runtime.wait_for(&warm).unwrap();
    println!("start: rss {} kB threads {}", status("VmRSS"), status("Threads"));
    let start = Instant::now();
    match mode.as_str() {
        "open" => {
            let before = status("VmRSS");
            let all: Vec<_> = (0..count).map(|_| runtime.open(Open::source(&language, source)).unwrap()).collect();
            println!("opened in {:?}", start.elapsed());
            for c in &all {
                runtime.wait_for(c).unwrap();
            }
            println!(
                "waited at {:?}: rss {} kB threads {}, per context {} kB",
                start.elapsed(),
                status("VmRSS"),
                status("Threads"),
                (status("VmRSS") - before) as f64 / count as f64
            );
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
            println!("maps {maps}");
            if let Ok(p) = std::env::var("SMAPS") {
                std::fs::copy("/proc/self/smaps", p).unwrap();
            }
            for c in &all {
                assert!(runtime.call_export(c, "answer", &[]).is_ok());
            }
            println!(
                "called at {:?}: rss {} kB per context {} kB",
                start.elapsed(),
                status("VmRSS"),
                (status("VmRSS") - before) as f64 / count as f64
            );
            let at = Instant::now();
            let closed = runtime.close(Duration::from_secs(60));
            println!(
                "closed {} in {:?}: rss {} kB threads {}",
                closed.lost.len(),
                at.elapsed(),
                status("VmRSS"),
                status("Threads")
            );
            drop(all);
        }
        "cycle" => {
            for i in 0..count {
                let c = runtime.open(Open::source(&language, source)).unwrap();
                runtime.wait_for(&c).unwrap();
                runtime.close_context(&c);
                assert!(c.is_closed());
                if i % (count / 8) == 0 {
                    println!("{i} at {:?}: rss {} threads {}", start.elapsed(), status("VmRSS"), status("Threads"));
                }
            }
            println!(
                "{} cycles in {:?}, {:?} each: rss {} threads {}",
                count,
                start.elapsed(),
                start.elapsed() / count as u32,
                status("VmRSS"),
                status("Threads")
            );
        }
        _ => panic!(),
    }
}
