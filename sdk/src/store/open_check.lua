-- Which commands the user may not run, of those that the other scripts run. Keys: one that is gone afterwards.
local missing, key = {}, KEYS[1]
local function try(name, ...)
  local answer = redis.pcall(name, ...)
  local why = type(answer) == 'table' and answer.err or ''
  local function says(text) return string.find(why, text, 1, true) end
  -- Redis writes "No permissions", Valkey "has no permissions".
  if says('NOPERM') or says("can't run this command") or says('o permissions') then
    missing[#missing + 1] = name
  end
end
try('TIME')
try('GET', key)
try('SET', key, '', 'PX', '1000')
try('EXISTS', key)
try('COPY', key, key)
try('HGET', key, 'total')
try('HMGET', key, 'total')
try('HGETALL', key)
try('HSET', key, 'total', '0')
try('HINCRBY', key, 'total', '0')
try('HDEL', key, 'total')
try('ZADD', key, '1', 'x')
try('ZCARD', key)
try('ZRANGE', key, '0', '1')
try('ZRANGEBYSCORE', key, '0', '1')
try('ZREM', key, 'x')
try('ZREMRANGEBYSCORE', key, '0', '1')
try('ZSCORE', key, 'x')
try('EXPIRE', key, '1')
try('EXPIREAT', key, '1')
return missing
