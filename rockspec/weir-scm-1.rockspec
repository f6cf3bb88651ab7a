package = "weir"
version = "scm-1"

-- For `luarocks make` in a checkout, which fetches nothing.
source = { url = "git+file://." }

description = {
  summary = "Deferreds and coroutines with cascading cancel and pause",
  detailed = [[
Awaitable Deferreds in the manner of Twisted, and coroutines that are Deferreds themselves: started at
once, nested without limit, cancelled, paused and continued as a tree, over a C core.]],
  license = "MIT",
}

dependencies = { "lua >= 5.4" }

-- `make lint` compares these two lists with the files there are.
build = {
  type = "builtin",
  modules = {
    ["weir.all"] = "lua/weir/all.lua",
    ["weir.any"] = "lua/weir/any.lua",
    ["weir.awaited"] = "lua/weir/awaited.lua",
    ["weir.barrier"] = "lua/weir/barrier.lua",
    ["weir.busted"] = "lua/weir/busted.lua",
    ["weir.check"] = "lua/weir/check.lua",
    ["weir.collect"] = "lua/weir/collect.lua",
    ["weir.event"] = "lua/weir/event.lua",
    ["weir.every"] = "lua/weir/every.lua",
    ["weir.heap"] = "lua/weir/heap.lua",
    ["weir"] = "lua/weir/init.lua",
    ["weir.keys"] = "lua/weir/keys.lua",
    ["weir.line"] = "lua/weir/line.lua",
    ["weir.lock"] = "lua/weir/lock.lua",
    ["weir.map"] = "lua/weir/map.lua",
    ["weir.maybe"] = "lua/weir/maybe.lua",
    ["weir.meta"] = "lua/weir/meta.lua",
    ["weir.permits"] = "lua/weir/permits.lua",
    ["weir.queue"] = "lua/weir/queue.lua",
    ["weir.race"] = "lua/weir/race.lua",
    ["weir.scope"] = "lua/weir/scope.lua",
    ["weir.semaphore"] = "lua/weir/semaphore.lua",
    ["weir.settle"] = "lua/weir/settle.lua",
    ["weir.trial"] = "lua/weir/trial.lua",
    ["weir.verdict"] = "lua/weir/verdict.lua",
    ["weir.watch"] = "lua/weir/watch.lua",
    ["weir.core"] = {
      "src/anchor.c",
      "src/api.c",
      "src/await.c",
      "src/cancel.c",
      "src/clock.c",
      "src/close.c",
      "src/continue.c",
      "src/coroutine.c",
      "src/deferred.c",
      "src/deque.c",
      "src/describe.c",
      "src/failure.c",
      "src/guard.c",
      "src/handle.c",
      "src/lib.c",
      "src/lib_clock.c",
      "src/lib_coroutine.c",
      "src/lib_deferred.c",
      "src/lib_join.c",
      "src/lib_loop.c",
      "src/link.c",
      "src/lost.c",
      "src/mailbox.c",
      "src/pause.c",
      "src/platform_posix.c",
      "src/platform_windows.c",
      "src/quiet.c",
      "src/ready.c",
      "src/sched.c",
      "src/side.c",
      "src/site.c",
      "src/state.c",
      "src/tail.c",
      "src/wait.c",
      "src/wrap.c",
    },
  },
  -- Threads and dladdr; newer C libraries have them without.
  platforms = {
    unix = { modules = { ["weir.core"] = { libraries = { "pthread" } } } },
    linux = { modules = { ["weir.core"] = { libraries = { "pthread", "dl" } } } },
  },
}
