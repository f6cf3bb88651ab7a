--- Bytes that have come and have not been taken, in the pieces in which they came.
-- The pieces are at `first` .. `last`; of the first one `skip` bytes are gone. `size` is what is left.
-- What has been searched for `delimiter` without finding it: the pieces before `scan`, which are `scanned` bytes long
-- and end in `overlap`.
local Buffer = {}
Buffer.__index = Buffer

function Buffer.new()
  return setmetatable({ first = 1, last = 0, skip = 0, size = 0 }, Buffer)
end

function Buffer:push(piece)
  self.last = self.last + 1
  self[self.last] = piece
  self.size = self.size + #piece
end

local function drop_first(self)
  self[self.first] = nil
  self.first, self.skip = self.first + 1, 0
  if self.first > self.last then self.first, self.last = 1, 0 end
end

-- At most n bytes of the first piece.
local function take_of_first(self, n)
  local piece, skip = self[self.first], self.skip
  local left = #piece - skip
  if n < left then
    self.skip = skip + n
    return piece:sub(skip + 1, skip + n)
  end
  drop_first(self)
  return skip == 0 and piece or piece:sub(skip + 1)
end

--- Takes the first n bytes, no more than there are.
function Buffer:take(n)
  self.delimiter = nil
  self.size = self.size - n
  local part = n > 0 and take_of_first(self, n) or ""
  if #part == n then return part end
  local parts = { part }
  n = n - #part
  while n > 0 do
    part = take_of_first(self, n)
    parts[#parts + 1] = part
    n = n - #part
  end
  return table.concat(parts)
end

local function begin_search(self, delimiter)
  self.delimiter, self.scan, self.scanned, self.overlap = delimiter, self.first, 0, ""
end

-- In the piece at `scan`; what begins in an earlier one is found there too.
local function search_piece(self)
  local piece, before = self[self.scan], #self.overlap
  local skip = self.scan == self.first and self.skip or 0
  local text = before > 0 and self.overlap .. piece or piece
  local _, stop = text:find(self.delimiter, skip + 1, true)
  if stop then return self.scanned - before + stop - skip end
  self.scan, self.scanned = self.scan + 1, self.scanned + #piece - skip
  self.overlap = text:sub(math.max(skip + 1, #text - #self.delimiter + 2))
end

--- How many bytes there are up to the end of the first delimiter; nil if there is none.
function Buffer:find(delimiter)
  if delimiter ~= self.delimiter then begin_search(self, delimiter) end
  while self.scan <= self.last do
    local stop = search_piece(self)
    if stop then return stop end
  end
end

return Buffer
