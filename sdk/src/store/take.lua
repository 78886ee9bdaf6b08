local total = redis.call('HGET', KEYS[1], 'total')
-- A cell that is new starts from the one of the time before keys named the issuer.
if not total and redis.call('COPY', KEYS[2], KEYS[1]) == 1 then
  total = redis.call('HGET', KEYS[1], 'total')
end
total = tonumber(total or '0')
local left = tonumber(ARGV[3]) - total
local need, want = tonumber(ARGV[1]), tonumber(ARGV[2])
if left < need then return {0, total} end
local units = math.min(math.max(want, need), left)
if units > 0 then
  total = redis.call('HINCRBY', KEYS[1], 'total', string.format('%.0f', units))
  local forgotten = tonumber(ARGV[4])
  if forgotten > 0 then
    -- Nor within eight days, by this clock: that of who asks may be behind.
    local now = tonumber(redis.call('TIME')[1])
    redis.call('EXPIREAT', KEYS[1], string.format('%.0f', math.max(forgotten, now + 691200)))
  end
end
return {units, total}
