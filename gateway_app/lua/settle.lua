-- Ends a call: what was reserved becomes what was used. One atomic step, and the second time nothing.
-- KEYS 1 leases   2 held      ARGV 1 call   2 tokens used   3 nano-dollars spent

local late = KEYS[2] .. ":late:" .. ARGV[1]
local held = redis.call("HGET", KEYS[2], ARGV[1]) or redis.call("GET", late)
if not held then return 0 end
local t_key, tokens, d_key, m_key, nano = string.match(held, "^(%S+) (%d+) (%S+) (%S+) (%d+)$")
if redis.call("EXISTS", t_key) == 1 then redis.call("INCRBY", t_key, ARGV[2] - tokens) end
if redis.call("EXISTS", d_key) == 1 then redis.call("INCRBY", d_key, ARGV[3] - nano) end
if redis.call("EXISTS", m_key) == 1 then redis.call("INCRBY", m_key, ARGV[3] - nano) end
if redis.call("HDEL", KEYS[2], ARGV[1]) == 0 then redis.call("DEL", late) end
redis.call("ZREM", KEYS[1], ARGV[1])
return 1
