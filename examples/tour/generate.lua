-- A web server's access log, made up but always the same: no big file lies in the repository.

local PATHS = {
  { "/", 30, 12 }, { "/index.html", 14, 15 }, { "/style.css", 20, 4 }, { "/app.js", 18, 6 },
  { "/search", 9, 140 }, { "/api/users", 6, 60 }, { "/api/orders", 5, 95 }, { "/report.pdf", 1, 420 },
}
local AGENTS = { "Mozilla/5.0", "curl/8.5.0", "Bot/1.0 (+http://bot.example)" }

-- Numerical Recipes' generator: 32 bits, the same on every machine.
local function random(seed)
  local state = seed
  return function(limit)
    state = (state * 1664525 + 1013904223) & 0xffffffff
    return (state >> 8) % limit
  end
end

local function pick(dice, total)
  local at = dice(total)
  for _, path in ipairs(PATHS) do
    at = at - path[2]
    if at < 0 then
      return path
    end
  end
end

-- An iterator over `count` lines in the combined format, with the time taken at the end.
return function(count, seed)
  local dice = random(seed)
  local total = 0
  for _, path in ipairs(PATHS) do
    total = total + path[2]
  end
  local made = 0
  return function()
    if made == count then
      return nil
    end
    made = made + 1
    if dice(5000) == 0 then
      return "-- log turned over --"
    end
    -- A day has 86,400 seconds; more is asked in its second half.
    local part = made / (count + 1)
    local second = math.floor(86400 * (part < 0.4 and part * 1.25 or 0.5 + (part - 0.4) / 1.2))
    local path = pick(dice, total)
    local url, status, address = path[1], 200, string.format("10.0.%d.%d", dice(8), dice(250))
    if dice(40) == 0 then
      -- Somebody looks for holes, from few addresses.
      url, status, address = "/wp-login.php", 404, string.format("203.0.113.%d", dice(dice(12) + 1))
    elseif dice(30) == 0 then
      status = 304
    elseif url:sub(1, 4) == "/api" and dice(60) == 0 then
      status = 500
    end
    local taken = path[3] * (20 + dice(100) + (dice(50) == 0 and 900 or 0)) // 60
    local bytes = status == 200 and 200 + dice(40000) or 0
    return string.format(
      '%s - - [29/Feb/2024:%02d:%02d:%02d +0000] "GET %s HTTP/1.1" %d %d "-" "%s" %d',
      address, second // 3600, second // 60 % 60, second % 60, url, status, bytes, AGENTS[dice(3) + 1], taken)
  end
end
