// Counts records. Lua imports this module and calls what it exports; records come in batches.

/** A counter: an object of two functions that share what they have seen. */
export function start({ slow_ms }) {
  const times = []; // of all requests, for the histogram
  const byPath = new Map();
  const byStatus = new Map();
  const misses = new Map();
  const hours = new Array(24).fill(0);
  let requests = 0;
  let bytes = 0;

  function add(batch) {
    for (const record of batch) {
      requests += 1;
      bytes += record.bytes;
      hours[record.hour] += 1;
      times.push(record.ms);
      byStatus.set(record.status, (byStatus.get(record.status) ?? 0) + 1);
      if (record.status === 404) misses.set(record.address, (misses.get(record.address) ?? 0) + 1);
      let path = byPath.get(record.path);
      if (path === undefined) byPath.set(record.path, (path = []));
      path.push(record.ms);
    }
    return requests;
  }

  /** The report. `suspect(address, misses)` is a function of the caller; false ends the questions. */
  function finish(suspect) {
    const worst = [...misses].sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1));
    for (const [address, count] of worst) {
      if (!suspect(address, count)) break;
    }
    return {
      requests,
      bytes,
      hours,
      quarters: [0, 6, 12, 18].map((first) => hours.slice(first, first + 6).reduce((sum, it) => sum + it, 0)),
      status: [...byStatus].sort(([one], [other]) => one - other).map(([status, count]) => ({ status, count })),
      paths: busiest(5),
      times: histogram([10, 50, 100, 500, slow_ms]),
    };
  }

  function busiest(count) {
    const paths = [...byPath].sort((one, other) => other[1].length - one[1].length).slice(0, count);
    return paths.map(([path, taken]) => {
      // The native bundle does the measuring: one call, a list there and a map back.
      const { mean, p99 } = stats.summary(taken);
      return { path, count: taken.length, mean, p99 };
    });
  }

  function histogram(bounds) {
    const labels = [`under ${bounds[0]}`, ...bounds.map((bound) => `from ${bound}`)];
    return { labels, counts: stats.histogram(times, bounds) };
  }

  return { add, finish };
}
