-- Takes a seat or keeps it, by the server's clock: the algebra of core/src/metering/seat.rs.
-- Keys: the seats, a sorted set of holders by the second in which each seat ends; the seats' clock; and the seats of the
-- time before keys named the issuer, a hash of "TAKEN TTL" by holder. Arguments: holder, time to live, limit, longest time
-- to live, seconds that the keys are kept.
-- Answers 1 for granted, how many are taken, and in how many seconds the first comes free or -1.
local function whole(number) return string.format('%.0f', number) end
local holder, limit, kept = ARGV[1], tonumber(ARGV[3]), ARGV[5]
local ttl = math.min(math.max(tonumber(ARGV[2]), 1), tonumber(ARGV[4]))
-- When the server's clock is set back, this one goes on from where it was.
local now, ahead = tonumber(redis.call('TIME')[1]), 0
-- Read first: a key of another type changes nothing.
local others, first = redis.call('ZCARD', KEYS[1]), nil
local clock = redis.call('GET', KEYS[2])
if clock then
  local read, before = string.match(clock, '^(%d+) (%d+)$')
  ahead = tonumber(before) + math.max(0, tonumber(read) - now)
end
redis.call('SET', KEYS[2], whole(now) .. ' ' .. whole(ahead), 'EX', kept)
local time = now + ahead
if not clock then
  local former = redis.call('HGETALL', KEYS[3])
  for i = 1, #former, 2 do
    local taken, held = string.match(former[i + 1], '^(%d+) (%d+)$')
    if taken then redis.call('ZADD', KEYS[1], whole(math.min(tonumber(taken), now) + tonumber(held)), former[i]) end
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(time))
others = redis.call('ZCARD', KEYS[1])
if redis.call('ZSCORE', KEYS[1], holder) then others = others - 1 end
local soonest = redis.call('ZRANGE', KEYS[1], 0, 1, 'WITHSCORES')
for i = 1, #soonest, 2 do
  if soonest[i] ~= holder and not first then first = tonumber(soonest[i + 1]) end
end
local granted = 0
if others < limit then
  granted, others = 1, others + 1
  local ends = time + ttl
  redis.call('ZADD', KEYS[1], whole(ends), holder)
  redis.call('EXPIRE', KEYS[1], kept)
  first = math.min(first or ends, ends)
else
  redis.call('ZREM', KEYS[1], holder)
end
return { granted, others, first and first - time or -1 }
