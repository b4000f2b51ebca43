-- Reads one of the targets at random. A line is a path and, after a tab, the tag that the client has.

dofile(os.getenv("BENCH_LUA") .. "/result.lua")

local prepared = {}

function init(arguments)
  local lines, key = read_arguments(arguments)
  for index, line in ipairs(lines) do
    local path, tag = line:match("^([^\t]+)\t?(.*)$")
    local headers = { Authorization = "Bearer " .. key }
    if tag ~= "" then
      headers["If-None-Match"] = tag
    end
    prepared[index] = wrk.format("GET", path, headers)
  end
end

function request()
  return prepared[math.random(#prepared)]
end
