-- Takes a slice of a rate by the server's clock: the algebra of core/src/metering/rate.rs.
-- Keys: the rate, whose value is its TAT in seconds and nanoseconds, and the one that it starts from. Arguments: nanoseconds between requests, requests
-- of a burst, need, want.
-- Answers how many may come, how many still could, nanoseconds until the whole burst is there again, and nanoseconds
-- until `need` may come or -1; the last two as text, for they may be too large for an integer.

-- Times take more than a number holds exactly: they are lists of digits of base 10^7, the lowest first.
local base, width = 1e7, 7
local function big(text)
  local list = {}
  for last = #text, 1, -width do
    list[#list + 1] = tonumber(string.sub(text, math.max(last - width + 1, 1), last))
  end
  return list
end
local function whole(number) return string.format('%.0f', number) end
local function text(list)
  local out = {}
  for i = #list, 1, -1 do out[#out + 1] = string.format('%07.0f', list[i]) end
  local digits = string.gsub(table.concat(out), '^0+', '')
  return digits == '' and '0' or digits
end
local function compare(a, b)
  for i = math.max(#a, #b), 1, -1 do
    local x, y = a[i] or 0, b[i] or 0
    if x ~= y then return x < y and -1 or 1 end
  end
  return 0
end
-- a + sign * b; what would be below 0 is never asked for.
local function sum(a, b, sign)
  local out, carry = {}, 0
  for i = 1, math.max(#a, #b) + 1 do
    local digit = (a[i] or 0) + sign * (b[i] or 0) + carry
    carry = math.floor(digit / base)
    out[i] = digit - carry * base
  end
  return out
end
local function product(a, b)
  local out = {}
  for i = 1, #a + #b do out[i] = 0 end
  for i = 1, #a do
    local carry = 0
    for j = 1, #b do
      local digit = out[i + j - 1] + a[i] * b[j] + carry
      carry = math.floor(digit / base)
      out[i + j - 1] = digit - carry * base
    end
    out[i + #b] = out[i + #b] + carry
  end
  return out
end
local function approximate(list)
  local value = 0
  for i = #list, 1, -1 do value = value * base + list[i] end
  return value
end
-- How many times b fits into a; at most `most`, which is below 2^53. The quotient of floating point is near.
local function fit(a, b, most)
  local low = math.min(math.floor(approximate(a) / approximate(b)), most)
  while low > 0 and compare(product(b, big(whole(low))), a) > 0 do low = low - 1 end
  while low < most and compare(product(b, big(whole(low + 1))), a) <= 0 do low = low + 1 end
  return low
end
local function later(a, b) return compare(a, b) < 0 and b or a end
local function sooner(a, b) return compare(a, b) > 0 and b or a end

local time = redis.call('TIME')
local billion = { 0, 100 }
local now = big(time[1] .. string.format('%06.0f', tonumber(time[2])) .. '000')
local interval, burst = big(ARGV[1]), tonumber(ARGV[2])
local need, want = tonumber(ARGV[3]), tonumber(ARGV[4])
local tolerance = product(interval, big(ARGV[2]))
local limit = sum(now, tolerance, 1)

local used = redis.call('GET', KEYS[1])
if not used and redis.call('COPY', KEYS[2], KEYS[1]) == 1 then used = redis.call('GET', KEYS[1]) end
local kept = big('0')
if used then
  local seconds, nanos = string.match(used, '^(%d+) (%d+)$')
  kept = sum(product(big(seconds), billion), big(nanos), 1)
end
-- One that is further ahead than this rate can bring it is lowered, and kept so.
local tat = sooner(kept, limit)
local earliest = later(tat, now)
local room = fit(sum(limit, earliest, -1), interval, burst)
local units, after = 0, '-1'
if room >= need then
  units = math.min(math.max(want, need), room)
  if units > 0 then tat = sum(earliest, product(interval, big(whole(units))), 1) end
elseif need <= burst then
  after = text(sum(sum(earliest, product(interval, big(whole(need))), 1), limit, -1))
end
local ahead = sum(later(tat, now), now, -1)
if compare(tat, kept) ~= 0 then
  local digits = text(tat)
  digits = string.rep('0', 10 - #digits) .. digits
  local value = string.sub(digits, 1, -10) .. ' ' .. string.sub(digits, -9)
  -- The longest that the server takes is ten thousand years.
  local seconds = math.min(math.ceil(approximate(ahead) / 1e9) + 60, 315576000000)
  redis.call('SET', KEYS[1], value, 'EX', whole(seconds))
end
return { units, room - units, text(ahead), after }
