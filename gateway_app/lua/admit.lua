-- Admits a call or says which limit stands in its way; looks its reply up on the way. One atomic step.
--
-- KEYS  1 requests (list of ms)   2 tokens (prefix; the minute is appended)   3 leases (zset of ms)
--       4 held (hash)   5 spent today   6 spent this month   7 reply ("" = do not look)
--       8 the lock of the flight that would fetch the reply ("" = none)
-- ARGV  1 call   2 requests/min   3 tokens/min   4 concurrent   5 daily budget   6 monthly budget
--       7 tokens to reserve   8 nano-dollars to reserve   9 lease in ms      (0 = no such limit, -1 = no such budget)
--       10 for how many ms the call would hold the lock
-- Returns {verdict, ms to wait, reply or false, requests left, ms until one more, tokens left, ms until all}
-- with the verdict hit, admitted, leads (admitted, and holds the lock), requests, tokens, concurrency, daily,
-- monthly or unknown (spending not known).

local clock = redis.call("TIME")
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local rpm, tpm, concurrent = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local daily, monthly = tonumber(ARGV[5]), tonumber(ARGV[6])
local tokens, nano, lease = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local minute = math.floor(now / 60000)
local token_key, minute_left = KEYS[2] .. minute, (minute + 1) * 60000 - now

-- What a killed worker held is given back once its lease has run out. It may be alive, and Redis was away:
-- for an hour what the call has used is still charged.
for _, call in ipairs(redis.call("ZRANGEBYSCORE", KEYS[3], "-inf", now, "LIMIT", 0, 100)) do
  local held = redis.call("HGET", KEYS[4], call)
  if held then
    local t_key, t, d_key, m_key, n = string.match(held, "^(%S+) (%d+) (%S+) (%S+) (%d+)$")
    if redis.call("EXISTS", t_key) == 1 then redis.call("DECRBY", t_key, t) end
    if redis.call("EXISTS", d_key) == 1 then redis.call("DECRBY", d_key, n) end
    if redis.call("EXISTS", m_key) == 1 then redis.call("DECRBY", m_key, n) end
    redis.call("HDEL", KEYS[4], call)
    redis.call("SET", KEYS[4] .. ":late:" .. call, table.concat({t_key, 0, d_key, m_key, 0}, " "), "EX", 3600)
  end
  redis.call("ZREM", KEYS[3], call)
end

local requests_left, requests_reset = -1, 0
if rpm > 0 then
  local oldest = redis.call("LINDEX", KEYS[1], rpm - 1)
  if oldest and tonumber(oldest) > now - 60000 then
    return {"requests", tonumber(oldest) + 60000 - now, false, 0, tonumber(oldest) + 60000 - now, -1, 0}
  end
end
local used = tpm > 0 and tonumber(redis.call("GET", token_key) or "0") or 0
local tokens_left = tpm > 0 and tpm - used or -1

-- How many requests the last minute had: the oldest are at the end. A few that have become old are taken away
-- one by one; after a pause there are many, and the first of them is found by halving.
local function of_last_minute()
  local function old(at) return tonumber(redis.call("LINDEX", KEYS[1], at)) <= now - 60000 end
  for _ = 1, 8 do
    if not old(-1) then return redis.call("LLEN", KEYS[1]) end
    redis.call("RPOP", KEYS[1])
  end
  local low, high = 0, redis.call("LLEN", KEYS[1])
  while low < high do
    local middle = math.floor((low + high) / 2)
    if old(middle) then high = middle else low = middle + 1 end
  end
  redis.call("LTRIM", KEYS[1], 0, low - 1)
  return low
end

local function count_request()
  if rpm <= 0 then return end
  redis.call("LPUSH", KEYS[1], now)
  redis.call("LTRIM", KEYS[1], 0, rpm - 1)
  redis.call("PEXPIRE", KEYS[1], 61000)
  requests_left = rpm - of_last_minute()
  requests_reset = tonumber(redis.call("LINDEX", KEYS[1], -1)) + 60000 - now
end

if KEYS[7] ~= "" then
  local kept = redis.pcall("GET", KEYS[7])
  if type(kept) == "string" then
    count_request()
    return {"hit", 0, kept, requests_left, requests_reset, tokens_left, minute_left}
  end
end

if concurrent > 0 and redis.call("ZCARD", KEYS[3]) >= concurrent then
  return {"concurrency", 1000, false, -1, 0, tokens_left, minute_left}
end
if tpm > 0 and used + tokens > tpm then
  return {"tokens", minute_left, false, -1, 0, tokens_left, minute_left}
end
if daily >= 0 or monthly >= 0 then
  local today, month = redis.call("GET", KEYS[5]), redis.call("GET", KEYS[6])
  if not today or not month then return {"unknown", 0, false, -1, 0, -1, 0} end
  if daily >= 0 and tonumber(today) + nano > daily then return {"daily", 0, false, -1, 0, -1, 0} end
  if monthly >= 0 and tonumber(month) + nano > monthly then return {"monthly", 0, false, -1, 0, -1, 0} end
end

count_request()
if tpm > 0 then
  tokens_left = tpm - redis.call("INCRBY", token_key, tokens)
  redis.call("PEXPIRE", token_key, 120000)
end
if daily >= 0 or monthly >= 0 then
  redis.call("INCRBY", KEYS[5], nano)
  redis.call("INCRBY", KEYS[6], nano)
end
redis.call("ZADD", KEYS[3], now + lease, ARGV[1])
redis.call("HSET", KEYS[4], ARGV[1], table.concat({token_key, tokens, KEYS[5], KEYS[6], nano}, " "))
redis.call("PEXPIRE", KEYS[3], 86400000)
redis.call("PEXPIRE", KEYS[4], 86400000)
local leads = KEYS[8] ~= "" and redis.call("SET", KEYS[8], ARGV[1], "NX", "PX", ARGV[10])
return {leads and "leads" or "admitted", 0, false, requests_left, requests_reset, tokens_left, minute_left}
