local total = tonumber(redis.call('HGET', KEYS[1], 'total') or '0')
local left = tonumber(ARGV[3]) - total
local need, want = tonumber(ARGV[1]), tonumber(ARGV[2])
if left < need then return {0, total} end
local units = math.min(math.max(want, need), left)
if units > 0 then
  total = redis.call('HINCRBY', KEYS[1], 'total', string.format('%.0f', units))
  if tonumber(ARGV[4]) > 0 then redis.call('EXPIREAT', KEYS[1], ARGV[4]) end
end
return {units, total}
