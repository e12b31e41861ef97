// What Redis does for plugins' storage, in one step each: scripts over the five keys of one plugin. Redis takes nothing back of a script that fails, so each looks
// at everything before it writes anything. Numbers are doubles, exact up to 2^53.

/** How many of a plugin's last commits are known by their names. */
const NAMES_KEPT = 16;

/**
 * KEYS: data (hash: version and end as 16 hexadecimal digits each, then the value), index (all keys, by their bytes), ends (keys by when they end), meta, log (stream).
 * ARGV[1]: the time, or nothing for Redis's own.
 */
const WORDS = `
local data, index, ends, meta, log = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now = tonumber(ARGV[1])
if not now then local t = redis.call('TIME'); now = t[1] * 1000 + math.floor(t[2] / 1000) end
local function whole(n) return string.format('%.0f', n) end
local function endsAt(key) return redis.call('ZSCORE', ends, key) end
local function isLive(key) local at = endsAt(key); return not at or tonumber(at) > now end
local function size(key) local n = redis.call('HSTRLEN', data, key); if n == 0 then return nil end; return n - 32 end
local function count(name) return tonumber(redis.call('HGET', meta, name) or '0') end
`;

/** ARGV: the most bytes of values, then keys. Answers what stands in data for each, or false; nothing at all for too many bytes. */
export const READ: string = `${WORDS}
local bytes, found = 0, {}
for i = 3, #ARGV do
  local n = size(ARGV[i])
  if n and isLive(ARGV[i]) then
    bytes = bytes + n
    if bytes > tonumber(ARGV[2]) then return false end
    found[i - 2] = redis.call('HGET', data, ARGV[i])
  else found[i - 2] = false end
end
return found`;

/** ARGV: direction, from, to, limit, the most bytes or nothing for keys alone. Answers 1 where there is more, then the keys, each with what stands in data. */
export const RANGE: string = `${WORDS}
local command = ARGV[2] == 'reverse' and 'ZREVRANGEBYLEX' or 'ZRANGEBYLEX'
local limit, maxBytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local found, taken, bytes, offset = { 0 }, 0, 0, 0
while true do
  local keys = redis.call(command, index, ARGV[3], ARGV[4], 'LIMIT', offset, 1000)
  if #keys == 0 then return found end
  offset = offset + #keys
  for _, key in ipairs(keys) do
    if isLive(key) then
      if maxBytes then bytes = bytes + #key + size(key) end
      if taken == limit or (maxBytes and bytes > maxBytes and taken > 0) then found[1] = 1; return found end
      taken = taken + 1
      found[#found + 1] = key
      if maxBytes then found[#found + 1] = redis.call('HGET', data, key) end
    end
  end
end`;

/** ARGV: after, limit. Answers since where the log is kept, then whole commits: id, key, removed, time and trace of each change. */
export const CHANGES: string = `${WORDS}
local since = tonumber(redis.call('HGET', meta, 'logSince') or redis.call('HGET', meta, 'version') or '0')
local found = { whole(since) }
if tonumber(ARGV[2]) < since then return found end
local from, last, taken = '(' .. ARGV[2] .. '-18446744073709551615', nil, 0
while true do
  local rows = redis.call('XRANGE', log, from, '+', 'COUNT', 1000)
  if #rows == 0 then return found end
  for _, row in ipairs(rows) do
    local seq = string.match(row[1], '^%d+')
    if taken >= tonumber(ARGV[3]) and seq ~= last then return found end
    taken, last, from = taken + 1, seq, '(' .. row[1]
    found[#found + 1] = { seq, row[2][2], row[2][4], row[2][6], row[2][8] }
  end
end`;

/**
 * ARGV: id, trace, whether a log is kept, whether only a key that is there counts, the most bytes and keys, age, changes and bytes of the log, what
 * the version is above, number of checks,
 * key and version of each, then key, whether it has a value, value and time to live of each change. Answers what came of it, version, whether the first key was
 * there, and how many keys there were.
 */
export const COMMIT: string = `${WORDS}
local id, trace, keepsLog, onlyThere = ARGV[2], ARGV[3], ARGV[4] == '1', ARGV[5] == '1'
local maxBytes, maxKeys, logAge, logChanges, logBytes = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local ids = redis.call('HGET', meta, 'ids') or ''
local _, found, knownVersion, knownHad = string.find(ids, id .. ':(%d+):(%d),')
if found then return { 'made', knownVersion, knownHad, '0' } end
local last = 12 + 2 * tonumber(ARGV[12])
for i = 13, last, 2 do
  local there = isLive(ARGV[i]) and redis.call('HGET', data, ARGV[i])
  local version = there and tonumber(string.sub(there, 1, 16), 16) or 0
  if version ~= tonumber(ARGV[i + 1]) then return { 'failed', '0', '0', '0' } end
end
local first = last + 1
if first > #ARGV then return { 'made', '0', '0', '0' } end
local had = size(ARGV[first]) ~= nil and isLive(ARGV[first])
if onlyThere and not had then return { 'made', '0', '0', '0' } end

local bytes = count('bytes')
local function drop(key)
  local n = size(key)
  if not n then return end
  bytes = bytes - n - #key
  redis.call('HDEL', data, key); redis.call('ZREM', index, key); redis.call('ZREM', ends, key)
end
for _, key in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', whole(now))) do drop(key) end
redis.call('HSET', meta, 'bytes', whole(bytes))

local keys = redis.call('HLEN', data)
local newBytes, newKeys, seen = bytes, keys, {}
for i = first, #ARGV, 4 do
  local key = ARGV[i]
  local before = seen[key]
  if before == nil then before = size(key) or false end
  if before then newBytes = newBytes - before - #key; newKeys = newKeys - 1 end
  if ARGV[i + 1] == '1' then
    seen[key] = #ARGV[i + 2]
    newBytes = newBytes + #key + #ARGV[i + 2]; newKeys = newKeys + 1
  else seen[key] = false end
end
if newKeys > maxKeys and newKeys > keys then return { 'keys', '0', '0', whole(keys) } end
if newBytes > maxBytes and newBytes > bytes then return { 'bytes', '0', '0', whole(keys) } end

local before = count('version')
local version = math.max(before, tonumber(ARGV[11])) + 1
for i = first, #ARGV, 4 do
  local key = ARGV[i]
  drop(key)
  if ARGV[i + 1] == '1' then
    local at = ARGV[i + 3] == '' and 0 or now + tonumber(ARGV[i + 3])
    redis.call('HSET', data, key, string.format('%016x%016x', version, at) .. ARGV[i + 2])
    redis.call('ZADD', index, 0, key)
    if at > 0 then redis.call('ZADD', ends, whole(at), key) end
  end
end

if not keepsLog then
  if redis.call('HDEL', meta, 'logSince', 'logBytes') > 0 then redis.call('DEL', log) end
else
  local kept = count('logBytes')
  redis.call('HSETNX', meta, 'logSince', whole(before))
  for i = first, #ARGV, 4 do
    redis.call('XADD', log, whole(version) .. '-' .. ((i - first) / 4 + 1), 'k', ARGV[i], 'r', ARGV[i + 1] == '1' and '0' or '1', 't', whole(now), 'c', trace)
    kept = kept + #ARGV[i] + 64
  end
  while true do
    local changes, cut = redis.call('XLEN', log), nil
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    if oldest and tonumber(oldest[2][6]) <= now - logAge then
      local from = '-'
      while not cut do
        local rows = redis.call('XRANGE', log, from, '+', 'COUNT', 1000)
        if #rows == 0 then cut = version end
        for _, row in ipairs(rows) do
          if tonumber(row[2][6]) > now - logAge then cut = tonumber(string.match(row[1], '^%d+')) - 1; break end
          from = '(' .. row[1]
        end
      end
    else
      local excess = math.max(changes - logChanges, kept > logBytes and math.ceil((kept - logBytes) * changes / kept) or 0)
      if excess <= 0 then break end
      local rows = redis.call('XRANGE', log, '-', '+', 'COUNT', math.min(changes - 1, excess + math.floor(changes / 50)) + 1)
      cut = tonumber(string.match(rows[#rows][1], '^%d+'))
    end
    local gone = redis.call('XRANGE', log, '-', whole(cut))
    for _, row in ipairs(gone) do kept = kept - #row[2][2] - 64 end
    redis.call('XTRIM', log, 'MINID', '=', whole(cut + 1))
    redis.call('HSET', meta, 'logSince', whole(cut))
    if #gone == 0 then break end
  end
  redis.call('HSET', meta, 'logBytes', whole(kept))
end

local named = id .. ':' .. whole(version) .. ':' .. (had and '1' or '0') .. ','
local rest, at = {}, 0
for one in string.gmatch(ids, '[^,]+,') do at = at + 1; if at < ${NAMES_KEPT} then rest[at] = one end end
redis.call('HSET', meta, 'bytes', whole(newBytes), 'version', whole(version), 'ids', named .. table.concat(rest))
return { 'made', whole(version), had and '1' or '0', whole(keys) }`;
