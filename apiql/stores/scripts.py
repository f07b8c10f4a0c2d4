"""What Redis carries out in one step, in Lua. Its own clock is the one for all machines.

A value is kept as one byte, the number of its tags, then the 16 bytes of each, then the value. A
tag is a sorted set of the keys that were put with it, each with the time when it ends; the set
ends with the last of them. Something of another kind under one of our keys is removed.
"""

TAG_BYTES = 16
MOST_TAGS = 255
"""Tags of one value: their number is one byte."""

PUT = b"""
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local until_ = string.format('%.0f', now + ARGV[2] + 1000)
for i = 2, #KEYS do
  local tag = KEYS[i]
  if redis.call('TYPE', tag).ok ~= 'zset' then redis.call('DEL', tag) end
  redis.call('ZREMRANGEBYSCORE', tag, '-inf', string.format('%.0f', now))
  redis.call('ZADD', tag, until_, KEYS[1])
  if redis.call('PTTL', tag) < tonumber(ARGV[2]) + 1000 then
    redis.call('PEXPIREAT', tag, until_)
  end
end
"""
"""KEYS: the value's, those of its tags. ARGV: the value, its milliseconds."""

PURGE = b"""
local tag = KEYS[1]
if redis.call('TYPE', tag).ok ~= 'zset' then
  redis.call('DEL', tag)
  return {0, 0}
end
local gone = 0
for _, key in ipairs(redis.call('ZRANGE', tag, 0, ARGV[2] - 1)) do
  if redis.call('TYPE', key).ok == 'string' then
    local count = string.byte(redis.call('GETRANGE', key, 0, 0)) or 0
    local tags = redis.call('GETRANGE', key, 1, count * 16)
    for i = 0, count - 1 do
      if string.sub(tags, i * 16 + 1, i * 16 + 16) == ARGV[1] then
        gone = gone + redis.call('UNLINK', key)
        break
      end
    end
  end
  redis.call('ZREM', tag, key)
end
return {gone, redis.call('ZCARD', tag)}
"""
"""KEYS: the tag's. ARGV: the tag as values have it, how many keys at most. Answers how many values
are gone and how many keys are left to look at: those replaced without the tag stay.
"""

TAKE = b"""
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
local known = redis.call('HMGET', KEYS[1], 'held', 'at')
local held, at = tonumber(known[1] or '') or burst, tonumber(known[2] or '') or now
held = math.min(burst, held + math.max(0, now - at) * rate)
local allowed = 0
if held >= 1 then
  held = held - 1
  allowed = 1
end
local told = string.format('%.9f', held)
redis.call('HSET', KEYS[1], 'held', told, 'at', string.format('%.6f', now))
local full = math.min(math.ceil((burst - held) / rate * 1000) + 1000, 31536000000)
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', full))
return {allowed, told}
"""
"""KEYS: the bucket's. ARGV: how many come back each second, how many there are at most. Answers
whether there was one and how many are left.
"""
