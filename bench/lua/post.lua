-- Sends one of the bodies at random, for another partner and a customer never seen before, under a fresh
-- idempotency key. A line is a body with places for partner and customer.

dofile(os.getenv("BENCH_LUA") .. "/result.lua")

local bodies, key, run, partners, path
local sent = 0

function init(arguments)
  bodies, key, run = read_arguments(arguments)
  path, partners = arguments[5], tonumber(arguments[6])
end

function request()
  sent = sent + 1
  local fill = {
    PARTNER = string.format("%07d", 4000000 + math.random(0, partners - 1)),
    CUSTOMER = string.format("%09d", math.random(500000000, 999999999)),
  }
  local body = bodies[math.random(#bodies)]:gsub("@(%u+)@", fill)
  return wrk.format("POST", path, {
    Authorization = "Bearer " .. key,
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = run .. "-" .. thread_number .. "-" .. sent,
  }, body)
end
