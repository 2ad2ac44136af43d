-- Reads a web server's access log and prints a report.
-- Lua makes and parses the lines, JavaScript counts, the native bundle `stats` measures.

local lines = require "generate"
local parse = require "parse"

local LINES, BATCH = 200000, 2000

-- The functions of aggregate.js arrive as plain values.
local aggregate = calog.import "aggregate"

-- JavaScript calls this one for each suspicious address, while Lua waits in `aggregate.finish`.
local suspects = {}
local function suspect(address, misses)
  suspects[#suspects + 1] = string.format("%-15s %5d misses", address, misses)
  return #suspects < 5 -- enough after five
end

local bad = 0
local counter = aggregate.start { slow_ms = 900 }
local batch = {}
for line in lines(LINES, 20240229) do
  local record = parse(line)
  if record then
    batch[#batch + 1] = record
  else
    bad = bad + 1
  end
  if #batch == BATCH then
    counter.add(batch)
    batch = {}
  end
end
counter.add(batch)

local report = counter.finish(suspect)

local function row(...)
  print(string.format(...))
end

row("%d lines, %d requests, %d unreadable", LINES, report.requests, bad)
row("%.1f MiB sent", report.bytes / 1024 / 1024)

row("\nstatus")
for _, entry in ipairs(report.status) do
  row("  %d %7d", entry.status, entry.count)
end

row("\nbusiest paths")
for _, entry in ipairs(report.paths) do
  row("  %-20s %7d  mean %6.1f ms  p99 %6.1f ms", entry.path, entry.count, entry.mean, entry.p99)
end

row("\nrequests by quarter of the day")
for quarter, count in ipairs(report.quarters) do
  row("  %02d:00 to %02d:59 %7d", quarter * 6 - 6, quarter * 6 - 1, count)
end

row("\ntime taken, ms")
for index, count in ipairs(report.times.counts) do
  row("  %-12s %7d", report.times.labels[index], count)
end

-- The same native, called from Lua.
local hourly = stats.summary(report.hours)
row("\nper hour: least %.0f, mean %.1f, most %.0f", hourly.min, hourly.mean, hourly.max)

row("\nsuspicious")
for _, text in ipairs(suspects) do
  row("  %s", text)
end
