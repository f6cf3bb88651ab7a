--- A binary heap of tables with a `ticket`, the least first (Williams, 1964).
local heap = {}

--- Puts an item in.
function heap.push(items, item)
  local at = #items + 1
  while at > 1 and item.ticket < items[at // 2].ticket do
    items[at] = items[at // 2]
    at = at // 2
  end
  items[at] = item
end

local function lesser_child(items, at)
  local left, right = items[2 * at], items[2 * at + 1]
  return right and right.ticket < left.ticket and 2 * at + 1 or 2 * at
end

--- Takes out the first item of a heap that is not empty.
function heap.pop(items)
  local first, last, n = items[1], items[#items], #items - 1
  items[n + 1] = nil
  if n == 0 then return first end
  local at = 1
  while 2 * at <= n do
    local child = lesser_child(items, at)
    if last.ticket <= items[child].ticket then break end
    items[at] = items[child]
    at = child
  end
  items[at] = last
  return first
end

return heap
