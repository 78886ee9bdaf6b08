-- Takes units of a count: the algebra of core/src/metering/quota.rs and taker.rs.
-- Keys: the count, the one that it starts from, and the taker's last operation if the taker has a name. Arguments: need,
-- want, limit, when the count may be forgotten or 0 for never, and the number of the operation.
-- Answers the units, the total, and 0 for a new operation, 1 for one that was done before, 2 for one that is too late.
local total = redis.call('HGET', KEYS[1], 'total')
-- A count that is new starts from the one of the time before keys named the issuer.
if not total and redis.call('COPY', KEYS[2], KEYS[1]) == 1 then
  total = redis.call('HGET', KEYS[1], 'total')
end
total = tonumber(total or '0')
local need, want, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = tonumber(redis.call('TIME')[1])
-- Nor within eight days, by this clock: that of who asks may be behind.
local function keep(key, longer)
  local forgotten = tonumber(ARGV[4])
  if forgotten > 0 then longer = math.max(forgotten, now + 691200) end
  if longer then redis.call('EXPIREAT', key, string.format('%.0f', longer)) end
end
local sequence = tonumber(ARGV[5] or '0')
local last = KEYS[3] and redis.call('GET', KEYS[3])
if last then
  local number, units = string.match(last, '^(%d+) (%d+)$')
  if tonumber(number) == sequence then
    -- Written again, so that who waits for replicas waits for it.
    keep(KEYS[3], now + 2678400)
    return { tonumber(units), total, 1 }
  end
  if tonumber(number) > sequence then return { 0, total, 2 } end
end
local left = math.max(0, limit - total)
if left < need then return { 0, total, 0 } end
local units = math.min(math.max(want, need), left)
if units > 0 then
  total = redis.call('HINCRBY', KEYS[1], 'total', string.format('%.0f', units))
  keep(KEYS[1])
  if KEYS[3] then
    redis.call('SET', KEYS[3], ARGV[5] .. ' ' .. string.format('%.0f', units))
    keep(KEYS[3], now + 2678400)
  end
end
return { units, total, 0 }
