-- Charges a job on all its counts, or on none. It stands behind job.lua.
-- Keys: each count, and the one that it starts from. Arguments: the job's field, 1 if its units are reserved, and for each count the cost, the limit and
-- when it may be forgotten or 0 for never.
-- Answers 0 for refused, 1 for charged, 2 for charged before, 3 for another cost; the place of the count that says so;
-- and for each count the total, 1 if this call has charged it, and the attempt or -1.
local field, stage, parts = ARGV[1], ARGV[2] == '1' and 'held' or 'final', {}
-- All is read before anything is written: a key of another type changes nothing.
for i = 1, #KEYS / 2 do
  if tonumber(ARGV[3 * i + 2]) == 0 then redis.call('ZCARD', KEYS[2 * i - 1] .. '/used') end
  parts[i] = read(KEYS[2 * i - 1], KEYS[2 * i], field, tonumber(ARGV[3 * i]))
  parts[i].limit, parts[i].forgotten = tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
end
local function answer(code, place)
  local out = { code, place }
  for _, part in ipairs(parts) do
    out[#out + 1] = part.total
    out[#out + 1] = part.fresh and 1 or 0
    out[#out + 1] = part.attempt or -1
  end
  return out
end
for i, part in ipairs(parts) do
  if part.cost > 0 and part.standing and part.asked ~= part.cost then return answer(3, i - 1) end
end
for i, part in ipairs(parts) do
  if not part.standing and math.max(0, part.limit - part.total) < part.cost then return answer(0, i - 1) end
end
local charged = 2
for _, part in ipairs(parts) do
  if part.cost > 0 then
    if part.standing then
      part.fresh = part.stage == 'held' and stage == 'final'
      if part.fresh then part.stage = 'final' end
      part.tries = part.tries + 1
    else
      part.fresh, part.stage, part.attempt = true, stage, part.attempt or 0
      part.total = part.total + part.cost
      part.asked, part.charged, part.back, part.tries = part.cost, part.cost, 0, 1
    end
    if part.fresh then charged = 1 end
    write(part, field)
    if part.forgotten > 0 then
      local now = tonumber(redis.call('TIME')[1])
      redis.call('EXPIREAT', part.key, whole(math.max(part.forgotten, now + 691200)))
    else
      -- The jobs of a lifetime end 31 days after their last use.
      local used, now = part.key .. '/used', tonumber(redis.call('TIME')[1])
      redis.call('ZADD', used, now, field)
      for _, old in ipairs(redis.call('ZRANGEBYSCORE', used, '-inf', now - 2678400, 'LIMIT', 0, 16)) do
        redis.call('HDEL', part.key, old)
        redis.call('ZREM', used, old)
      end
    end
  end
end
return answer(charged, 0)
