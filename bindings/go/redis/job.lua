-- What a count keeps of a job: the algebra of core/src/metering/job.rs. It stands before the two scripts of jobs.
local function whole(number) return string.format('%.0f', number) end
-- The count and the job's entry. An entry of an older version has the units alone, and says nothing of its cost.
local function read(key, former, field, cost)
  local values = redis.call('HMGET', key, 'total', 'refunded', field)
  -- A count that is new starts from the one of the time before keys named the issuer.
  if not values[1] and redis.call('COPY', former, key) == 1 then
    values = redis.call('HMGET', key, 'total', 'refunded', field)
  end
  local part = { key = key, total = tonumber(values[1] or '0'), refunded = tonumber(values[2] or '0'), cost = cost }
  local text = values[3]
  if text then
    local stage, attempt, asked, charged, back, tries =
      string.match(text, '^(%a+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
    if stage then
      part.stage, part.attempt, part.asked = stage, tonumber(attempt), tonumber(asked)
      part.charged, part.back, part.tries = tonumber(charged), tonumber(back), tonumber(tries)
    else
      part.stage = string.sub(text, 1, 5) == 'held ' and 'held' or 'final'
      part.attempt, part.asked, part.back, part.tries = 0, cost, 0, 1
      part.charged = tonumber(string.match(text, '%d+$'))
    end
  end
  part.standing = part.stage ~= nil and part.stage ~= 'open'
  return part
end
local function write(part, field)
  redis.call('HSET', part.key, 'total', whole(part.total), field, table.concat({
    part.stage, whole(part.attempt), whole(part.asked), whole(part.charged), whole(part.back), whole(part.tries)
  }, ' '))
end
