-- What the console answers, without a console.
local answer = require "weir.look.commands"
local weir = require "weir"
local h = require "spec.helper"

describe("look: the console's command", function()
  before_each(function()
    h.manual()
    h.unhandled()
  end)
  after_each(h.restore)

  local function waiter(name)
    return weir.coroutine(function() weir.await(weir.Deferred()) end, name)()
  end

  -- Its numbers are those of the whole state, its addresses and times those of this run.
  local function plain(line)
    local text = answer(line):gsub("#%d+", "#N"):gsub("0x%x+", "ADDRESS"):gsub("spec/%S+:%d+", "PLACE")
    return (text:gsub("%d+%.%d s", "SOME s"))
  end

  it("7.3 tasks lists those that live: number, name, place and why it does not run", function()
    h.collect()
    weir.step()
    assert.equal("no tasks", answer "tasks")
    local co = waiter "worker"
    local other = weir.spawn(weir.await, co)
    assert.same({
      "#N worker  PLACE  waiting SOME s for Deferred: ADDRESS (nobody has fired it)",
      "#N  ?  waiting SOME s for Coroutine 'worker': ADDRESS, which waits for Deferred: ADDRESS (nobody has fired it)",
    }, { plain "tasks":match "^(.-)\n(.-)$" })
    assert.is_true(co:cancel())
    assert.equal("cancelled", other:status())
  end)

  it("5.9 cancel tells whether there was something to cancel, with the reason behind a number", function()
    local gate = weir.Deferred()
    local co = weir.coroutine(function()
      local _ <close> = setmetatable({}, { __close = function() weir.await(gate) end })
      weir.await(weir.Deferred())
    end, "slow to end")()
    assert.equal("#N slow to end is cancelled", plain("cancel " .. answer "tasks":match "#%d+" .. " no more of it"))
    assert.equal("#N slow to end was cancelled before", plain "cancel slow to end")
    gate:callback()
    assert.equal("no more of it", h.raised(co.result, co).reason)
    assert.equal("no task slow to end", answer "cancel slow to end")
  end)

  it("6.1 pause and unpause hold and free it, an unpause too many is told", function()
    local co = waiter "worker"
    assert.equal("#N worker is paused", plain "pause worker")
    assert.equal("paused", co:status())
    assert.equal("#N worker: waiting SOME s for Deferred: ADDRESS (nobody has fired it)", plain "unpause worker")
    assert.equal("waiting", co:status())
    assert.equal("attempt to unpause a Deferred that is not paused", answer "unpause worker")
    co:cancel()
  end)

  it("8.4 without a name, or with that of several, asks which", function()
    local list = { waiter "worker", waiter "worker" }
    assert.equal("2 tasks have that name: #N #N", plain "why worker")
    assert.equal("which task? Its number or its name is missing", answer "why")
    assert.equal("no command nothing; help lists them", answer "nothing")
    assert.equal("", answer "  ")
    for _, co in ipairs(list) do co:cancel() end
  end)
end)
