-- Keeps the leases of calls that are still under way.
-- KEYS 1 leases      ARGV 1 lease in ms   2… calls

local clock = redis.call("TIME")
local until_ms = clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[1]
for place = 2, #ARGV do redis.call("ZADD", KEYS[1], "XX", until_ms, ARGV[place]) end
return #ARGV - 1
