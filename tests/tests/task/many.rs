//! Very many tasks: what each takes, and that each can be ended.

use calog_tests::{Calog, Folder};

/// Prints what the process holds before and while so many tasks sleep, then ends all of them.
const SLEEPERS: &str = r#"
local count = 50000
local function resident()
  collectgarbage() collectgarbage()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmRSS:%s+(%d+) kB")
    if kib then return tonumber(kib) end
  end
end
-- What the first task brings is not counted.
task.spawn(function() end):join()
local before, asleep, awake = resident(), 0, 0
task.scope(function(s)
  for i = 1, count do
    s.spawn(function()
      asleep = asleep + 1
      task.sleep(600000)
      awake = awake + 1
    end)
  end
  while asleep < count do task.yield() end
  print(before, resident())
  s.cancel()
end)
print(asleep, awake)
"#;

#[test]
fn a_sleeping_task_takes_two_kibibytes_at_most() {
    let folder = Folder::with([("main.lua", SLEEPERS)]);
    let ran = Calog::new(["run", "main.lua"]).within(folder.path()).run();
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let numbers: Vec<u64> = ran.out.split_whitespace().map(|word| word.parse().expect("numbers")).collect();
    let &[before, after, asleep, awake] = numbers.as_slice() else { panic!("{}", ran.out) };
    let each = (after - before) * 1024 / 50_000;
    println!("{each} bytes for each of them");
    assert!((1..=2048).contains(&each), "{each} bytes for each of them");
    assert_eq!((asleep, awake), (50_000, 0), "all slept, and none went on");
}
