-- Commits, cancels or refunds what a job was charged. It stands behind job.lua.
-- Keys: each count, and the one that it starts from. Arguments: the job's field, `commit`, `cancel` or `refund`, and for each count the attempt and the
-- units.
-- Answers for each count 1 if it did something (for a refund how many units), the total, and what was refunded in all.
local field, parts, out = ARGV[1], {}, {}
local greatest = 9007199254740991
-- All are read before any is written: a key of another type changes nothing.
for i = 1, #KEYS / 2 do parts[i] = read(KEYS[2 * i - 1], KEYS[2 * i], field, 0) end
for i, part in ipairs(parts) do
  local attempt, units, done = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i]), 0
  local function open(next)
    if next > 0 then
      part.stage, part.attempt, part.asked, part.charged, part.back, part.tries = 'open', next, 0, 0, 0, 0
      write(part, field)
    else
      redis.call('HSET', part.key, 'total', whole(part.total))
      redis.call('HDEL', part.key, field)
    end
  end
  if part.standing and part.attempt == attempt then
    if ARGV[2] == 'commit' and part.stage == 'held' then
      local charged = math.min(units, part.charged)
      part.total = math.max(0, part.total - (part.charged - charged))
      part.charged, part.stage, done = charged, 'final', 1
      write(part, field)
    elseif ARGV[2] == 'cancel' then
      part.tries = math.max(0, part.tries - 1)
      if part.tries > 0 then
        write(part, field)
      else
        part.total, done = math.max(0, part.total - (part.charged - part.back)), 1
        open(attempt + part.back)
      end
    elseif ARGV[2] == 'refund' and part.stage == 'final' then
      local due = math.max(0, math.min(units, part.charged) - part.back)
      due = math.min(due, part.total, greatest - part.refunded)
      part.total, part.refunded, part.back = part.total - due, part.refunded + due, part.back + due
      if due > 0 then
        done = due
        redis.call('HSET', part.key, 'refunded', whole(part.refunded))
        if part.back >= part.charged then open(attempt + part.back) else write(part, field) end
      end
    end
  end
  out[#out + 1] = done
  out[#out + 1] = part.total
  out[#out + 1] = part.refunded
end
return out
