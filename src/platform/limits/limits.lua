-- Everything that happened to limits since the last time, in one step that nobody else comes between. ARGV: the process, and then
-- · hold count: so many calls of the key run in this process
-- · settle span at change: what was admitted at that moment weighed so much more or less
-- · ask n, and n times span max weight: a call, of n keys; span 0 is a limit of calls at once
-- KEYS are theirs, in the same order. The answer is the time, and for each call: which key refuses it (0: none), for how long, and of each key what
-- remains and when it is all free.
--
-- A window is core/rate-window.ts in a hash: s spent, f its first bucket, l when it was last added to, p and u what was promised and until when; and of
-- bucket number 7, 7 its weight and t7 when that was last added to. Calls at once are a hash of counts by process, each with when it said so.

local BUCKETS = 60
local PARALLEL_RETRY_MS = 1000
-- A count that its process has not repeated for this long is that of a dead one.
local COUNT_LIVES_MS = 12000

-- Milliseconds with their fraction, by the clock of Redis: one clock for all processes.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local me = ARGV[1]

local function bucketOf(at, span)
  return math.floor(at * BUCKETS / span)
end

local function open(key, span)
  local got = redis.call('HMGET', key, 's', 'f', 'l', 'p', 'u')
  local window = { key = key, span = span, spent = 0, promised = 0, till = 0 }
  local newest = tonumber(got[3])
  if not newest then return window end
  -- Nothing counts any more; or the clock was set back, and what it has not come to yet must not block the window until it does.
  if now - newest >= span or newest - now > span / BUCKETS then
    redis.call('DEL', key)
    return window
  end
  local spent, first, last = tonumber(got[1]), tonumber(got[2]), bucketOf(newest, span)
  window.spent, window.newest, window.last = spent, newest, last
  window.promised, window.till = tonumber(got[4]) or 0, tonumber(got[5]) or 0
  while first < last do
    local bucket = redis.call('HMGET', key, first, 't' .. first)
    if bucket[1] then
      if now - tonumber(bucket[2]) < span then break end
      window.spent = window.spent - tonumber(bucket[1])
      redis.call('HDEL', key, first, 't' .. first)
    end
    first = first + 1
  end
  window.first = first
  if window.spent ~= spent then redis.call('HSET', key, 's', window.spent, 'f', first) end
  return window
end

local function add(window, weight)
  local at = math.max(now, window.newest or now)
  local bucket = bucketOf(at, window.span)
  window.spent, window.newest = window.spent + weight, at
  redis.call('HSET', window.key, 's', window.spent, 'f', window.first or bucket, 'l', at, 't' .. bucket, at)
  redis.call('HINCRBY', window.key, bucket, weight)
  if window.promised > 0 then redis.call('HSET', window.key, 'p', math.max(0, window.promised - weight)) end
  -- Once a bucket, and so for as long as the end of that bucket counts.
  if bucket ~= window.last then redis.call('PEXPIRE', window.key, math.ceil(window.span * (BUCKETS + 2) / BUCKETS)) end
end

local function wait(window, max, weight)
  local promised = window.promised
  if now >= window.till or promised + weight > max then promised = 0 end
  local excess = window.spent + promised + weight - max
  for number = window.first or 0, window.last or -1 do
    local bucket = redis.call('HMGET', window.key, number, 't' .. number)
    if bucket[1] then
      excess = excess - tonumber(bucket[1])
      if excess <= 0 then
        local till = tonumber(bucket[2]) + window.span
        redis.call('HSET', window.key, 'p', promised + weight, 'u', till)
        return till - now
      end
    end
  end
  return window.span
end

local function settle(key, span, at, change)
  local bucket = bucketOf(at, span)
  local weight = tonumber(redis.call('HGET', key, bucket))
  if not weight then return end
  local real = math.max(-weight, change)
  redis.call('HINCRBY', key, bucket, real)
  redis.call('HINCRBY', key, 's', real)
end

local function hold(key, count)
  if count == 0 then
    redis.call('HDEL', key, me)
    return
  end
  redis.call('HSET', key, me, count .. ' ' .. math.floor(now))
  redis.call('PEXPIRE', key, 5 * COUNT_LIVES_MS)
end

local function held(key)
  local all, mine = 0, 0
  local counts = redis.call('HGETALL', key)
  for index = 1, #counts, 2 do
    local count, at = string.match(counts[index + 1], '^(%d+) (%d+)$')
    if math.abs(now - at) < COUNT_LIVES_MS then
      all = all + count
      if counts[index] == me then mine = tonumber(count) end
    else
      redis.call('HDEL', key, counts[index])
    end
  end
  return all, mine
end

local function ask(limits, answer)
  local refused, longest = 0, 0
  for index, limit in ipairs(limits) do
    local waiting = 0
    if limit.span == 0 then
      limit.held, limit.mine = held(limit.key)
      if limit.held >= limit.max then waiting = PARALLEL_RETRY_MS end
    else
      limit.window = open(limit.key, limit.span)
      if limit.window.spent + limit.weight > limit.max then waiting = wait(limit.window, limit.max, limit.weight) end
    end
    if waiting > longest then refused, longest = index, waiting end
  end
  table.insert(answer, refused)
  table.insert(answer, math.ceil(longest))
  for _, limit in ipairs(limits) do
    local window, used, reset = limit.window, limit.held, PARALLEL_RETRY_MS
    if window then
      if refused == 0 then add(window, limit.weight) end
      used, reset = window.spent, window.newest and window.newest + limit.span - now or 0
    elseif refused == 0 then
      hold(limit.key, limit.mine + 1)
      used = used + 1
    end
    table.insert(answer, math.max(0, limit.max - used))
    table.insert(answer, math.ceil(reset))
  end
end

local key, word = 0, 1
local function nextKey()
  key = key + 1
  return KEYS[key]
end
local function nextWord()
  word = word + 1
  return ARGV[word]
end
local function nextNumber()
  return tonumber(nextWord())
end

local answer = { string.format('%.17g', now) }
while word < #ARGV do
  local what = nextWord()
  if what == 'hold' then
    hold(nextKey(), nextNumber())
  elseif what == 'settle' then
    local span, at, change = nextNumber(), nextNumber(), nextNumber()
    settle(nextKey(), span, at, change)
  else
    local limits = {}
    for index = 1, nextNumber() do
      limits[index] = { key = nextKey(), span = nextNumber(), max = nextNumber(), weight = nextNumber() }
    end
    ask(limits, answer)
  end
end
return answer
