-- Moves each request of the pool once. A line is an id.

dofile(os.getenv("BENCH_LUA") .. "/result.lua")

local ids, key, run, threads
local sent = 0

function init(arguments)
  ids, key, run, threads = read_arguments(arguments)
end

function request()
  local place = sent * threads + tonumber(thread_number)
  sent = sent + 1
  -- Beyond the end of the pool requests are refused, which counts as errors.
  local id = ids[place % #ids + 1]
  return wrk.format("POST", "/v1/requests/" .. id .. "/transitions", {
    Authorization = "Bearer " .. key,
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = run .. "-" .. thread_number .. "-" .. sent,
  }, '{"to":"in_review"}')
end
