-- What all scripts share: threads that know their number, lines of a file, and the result as JSON.

local threads = 0

function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

-- The arguments of the script: a file with a line for each target, the key, a word that is this run's own,
-- and the number of threads.
function read_arguments(arguments)
  local lines = {}
  for line in io.lines(arguments[1]) do
    lines[#lines + 1] = line
  end
  math.randomseed(tonumber(thread_number) * 7919 + os.time())
  return lines, arguments[2], arguments[3], tonumber(arguments[4])
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
