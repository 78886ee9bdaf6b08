-- Gives units back to a count: the algebra of core/src/metering/quota.rs and taker.rs.
-- Keys: the count, and the taker's last operation if the taker has a name. Arguments: units, when the count may be
-- forgotten or 0 for never, and the number of the operation.
-- Answers 0 for a new operation, 1 for one that was done before, 2 for one that is too late.
-- All is read before anything is written: a key of another type changes nothing.
local total = tonumber(redis.call('HGET', KEYS[1], 'total') or '0')
if KEYS[2] then
  local last = redis.call('GET', KEYS[2])
  if last then
    local number, sequence = tonumber(string.match(last, '^(%d+) ')), tonumber(ARGV[3])
    if number == sequence then return 1 end
    if number > sequence then return 2 end
  end
  local now, forgotten = tonumber(redis.call('TIME')[1]), tonumber(ARGV[2])
  local ends = forgotten > 0 and math.max(forgotten, now + 691200) or now + 2678400
  redis.call('SET', KEYS[2], ARGV[3] .. ' 0')
  redis.call('EXPIREAT', KEYS[2], string.format('%.0f', ends))
end
local units = math.min(tonumber(ARGV[1]), total)
if units > 0 then redis.call('HINCRBY', KEYS[1], 'total', string.format('-%.0f', units)) end
return 0
