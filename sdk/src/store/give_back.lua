local total = tonumber(redis.call('HGET', KEYS[1], 'total') or '0')
local units = math.min(tonumber(ARGV[1]), total)
if units > 0 then redis.call('HINCRBY', KEYS[1], 'total', string.format('-%.0f', units)) end
return 0
