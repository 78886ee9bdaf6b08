-- Says what became of an operation whose answer was lost, and closes its turn: core/src/metering/taker.rs.
-- Keys: the taker's last operation. Arguments: the number of the operation, when the count may be forgotten or 0 for
-- never.
-- Answers 0 for not done, 1 for done, 2 for too late, and the units.
local last, sequence = redis.call('GET', KEYS[1]), tonumber(ARGV[1])
local found, units = 0, '0'
if last then
  local number, taken = string.match(last, '^(%d+) (%d+)$')
  if tonumber(number) == sequence then found, units = 1, taken end
  if tonumber(number) > sequence then return { 2, 0 } end
end
-- Written also if it was done, so that who waits for replicas waits for it.
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. units)
local now, forgotten = tonumber(redis.call('TIME')[1]), tonumber(ARGV[2])
local ends = forgotten > 0 and math.max(forgotten, now + 691200) or now + 2678400
redis.call('EXPIREAT', KEYS[1], string.format('%.0f', ends))
return { found, tonumber(units) }
