-- One request again and again, for the bare server. With a body, it is posted.

dofile(os.getenv("BENCH_LUA") .. "/result.lua")

local prepared

function init(arguments)
  local lines = read_arguments(arguments)
  local body = lines[1]
  if body then
    prepared = wrk.format("POST", wrk.path, { ["Content-Type"] = "application/json" }, body)
  else
    prepared = wrk.format("GET", wrk.path)
  end
end

function request()
  return prepared
end
