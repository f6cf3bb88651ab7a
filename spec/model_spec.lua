local check = require "spec.model.check"
local h = require "spec.helper"
local program = require "spec.model.program"
local run = require "spec.model.run"
local shape = require "spec.model.shape"
local shrink = require "spec.model.shrink"
local source = require "spec.model.source"
local weir = require "weir"

local STAGES = { -- what it is about, the programs, up to which stage
  { "2.3 2.5 2.6 programs of Deferreds", 2500, 1 },
  { "3.2 3.3 3.5 programs of coroutines", 2500, 2 },
  { "5.1 5.2 5.3 5.6 5.7 5.8 programs that cancel and close", 3500, 4 },
  { "6.1 6.2 6.3 programs that pause", 3500, 5 },
  { "2.7 3.3 5.6 7.2 programs with timers and limits", 3500, 6 },
  { "4.1 4.2 4.4 4.6 programs with noreturn, and all of these", 5000, 7 },
  { "3.8 8.1 programs that drop what they have and collect it", 300, 8 },
}

describe("random programs on the module and on the model", function()
  after_each(function()
    check.module = weir
    h.restore()
  end)

  for _, stage in ipairs(STAGES) do
    it(stage[1], function()
      local found, seed = check.without_collector(check.many, h.scale(stage[2]), 1, stage[3])
      assert.is_nil(found, found and ("seed %d\n%s"):format(seed, check.report(found)))
    end)
  end

  -- What the fuzzer has to find out in the core it has to find out in front of it.
  local function finds(name, changed)
    check.module = setmetatable({ [name] = changed }, { __index = weir })
    local found = check.without_collector(check.many, 2000, 1, 7)
    assert.is_table(found, name)
    local n = 0
    shape.each(check.minimal(found), function() n = n + 1 end)
    assert.is_true(n <= 8, check.report(found))
  end

  it("5.3 find a shield that shields nothing", function()
    finds("shield", function(d) return d end)
  end)

  it("3.4 find a yield that does not give way", function()
    finds("yield", h.ignore)
  end)

  it("4.1 find a noreturn that returns", function()
    finds("noreturn", function(f) return weir.is_deferred(f) and weir.await(f) or f() end)
  end)

  it("3.3 find an await that forgets its limit", function()
    finds("await", function(d) return weir.await(d) end)
  end)
end)

describe("a random program", function()
  it("3.5 is the same for the same seed", function()
    local function text(seed)
      local list = program.generate(seed)
      run.number(list)
      return source.print(list, {})
    end
    for seed = 1, 50 do
      assert.equal(text(seed), text(seed))
      assert.not_equal(text(seed), text(seed + 1))
    end
  end)

  it("3.5 is made as small as it can be", function()
    local function has_cancel(list)
      local found = false
      shape.each(list, function(op) found = found or op[1] == "cancel" end)
      return found
    end
    for seed = 1, 50 do
      local list = program.generate(seed, 7)
      if has_cancel(list) then
        local small = shrink.minimal(list, has_cancel)
        assert.equal(1, #small)
        assert.same({ "cancel", 1, quiet = true }, small[1])
      end
    end
  end)
end)

describe("a program that is printed", function()
  -- Loads it as busted would; calls f with what it expects and what it gets.
  local function play(text, f)
    local before, after
    local env = {
      describe = function(_, body) body() end,
      before_each = function(body) before = body end,
      after_each = function(body) after = body end,
      it = function(_, body)
        before()
        body()
        after()
      end,
      assert = { same = f },
    }
    assert(load(text, "printed", "t", setmetatable(env, { __index = _G })))()
  end

  -- Ends what the program left behind, so that the next one does not find it.
  local function clean()
    local clock = h.manual()
    h.unhandled()
    clock:advance(100)
    weir.step()
    h.restore()
  end

  it("3.5 does what it did as data", function()
    for seed = 1, h.scale(150) do
      local list = program.generate(seed, 7)
      run.number(list)
      local trace = run.weir(weir, list)
      play(source.print(list, trace), function(expected, got)
        assert.same(expected, got)
      end)
      clean()
    end
  end)
end)
