-- A line of the log as a record, or nil when it is none.

local PATTERN = '^(%S+) %S+ %S+ %[[^:]+:(%d%d):%d%d:%d%d [^%]]+%] "(%u+) (%S+) [^"]*" (%d+) (%d+) "[^"]*" "[^"]*" (%d+)$'

return function(line)
  local address, hour, method, path, status, bytes, ms = line:match(PATTERN)
  if not address then
    return nil
  end
  return {
    address = address,
    hour = math.tointeger(hour),
    method = method,
    path = path,
    status = math.tointeger(status),
    bytes = math.tointeger(bytes),
    ms = math.tointeger(ms),
  }
end
