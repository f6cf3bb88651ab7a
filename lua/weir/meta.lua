---@meta weir

-- Types of all that is public, for the Lua language server. Nothing loads this file.
-- The text before the first tag of each is that of docs/reference.md: `make meta` copies it, `make lint` compares.

---@class weir
local weir = {}

--- The version of weir, a string: `"0.1.0"`.
---@type string
weir._VERSION = nil

-- ---- Deferreds ----

---@alias weir.Status
---| "pending" # not fired; or fired, and held or waiting for another
---| "running" # a Coroutine that runs
---| "ready" # a Coroutine that will go on when its turn comes
---| "waiting" # a Coroutine that waits for a Deferred
---| "paused" # a Coroutine that is held
---| "success" # ended with values
---| "failure" # ended with an error
---| "cancelled" # ended with a cancel error

---@class weir.Hooks
---@field cancel? fun(d: weir.Deferred) # the canceller
---@field pause? fun(d: weir.Deferred)
---@field unpause? fun(d: weir.Deferred)

--- Returns a new pending Deferred. The functions are hooks. Each is called with the Deferred as its only argument.
---@param hooks? weir.Hooks|fun(d: weir.Deferred)
---@return weir.Deferred
function weir.Deferred(hooks) end

--- `weir.succeed(...)` returns a Deferred that has been fired with these values. A Deferred among them is an argument
--- error.
---@param ... any
---@return weir.Deferred
function weir.succeed(...) end

--- `weir.fail(err)` returns a Deferred that has failed with `err`. The argument must be given; it may be `nil`.
---@param err any
---@return weir.Deferred
function weir.fail(err) end

--- `weir.maybe(f, ...)` calls `f(...)` at once and returns a Deferred for what comes of it: one fired with the values
--- that `f` returned, one that failed with the error that `f` raised, or, if `f` returned exactly one Deferred, that
--- one.
---@param f fun(...): ...
---@param ... any
---@return weir.Deferred
function weir.maybe(f, ...) end

--- `weir.is_deferred(x)` is true if `x` is a Deferred, a Coroutine among them, and false for anything else.
---@param x any
---@return boolean
function weir.is_deferred(x) end

--- A Deferred stands for an outcome that may come later. A success has any number of values, `nil` among them. A
--- failure has exactly one error value, of any type, `nil` included. Values and errors are passed on as they are, never
--- copied or wrapped.
---@class weir.Deferred
local d = {}

--- `d:callback(...)` fires `d` with a success and returns `d`. It runs the callbacks, then tells the waiters.
--- Coroutines among them are made ready; Order says when they run.
---
--- It raises
---
--- - an `AlreadyCalledError` if `d` has been fired before. That counts also if it is held or waits for a Deferred that
---   one of its callbacks returned. There is one exception: when `d` was cancelled and its canceller did not fire it,
---   one late fire is ignored without an error. So whoever fires `d` need not know whether it was cancelled meanwhile.
--- - an argument error if a Deferred is among the values.
--- - an error if `d` is a Coroutine. Only its body fires it.
---@param ... any
---@return self
function d:callback(...) end

--- `d:errback(err)` fires `d` with a failure and returns `d`. The argument must be given; it may be `nil`. The rest is
--- as for d:callback.
---@param err any
---@return self
function d:errback(err) end

--- `d:add_callback(f)` adds `f(values...)`, which is called after a success and passed over after a failure. Returns
--- `d`.
---@param f fun(...): ...
---@return self
function d:add_callback(f) end

--- `d:add_errback(g)` adds `g(err)`, which is called after a failure and passed over after a success. Returns `d`.
---@param g fun(err: any): ...
---@return self
function d:add_errback(g) end

--- `d:add_callbacks(f, g)` adds both as one link of the chain: `f` is called after a success, `g` after a failure. An
--- error in `f` does not come to this `g`. One of them may be `nil`. Returns `d`.
---@param f? fun(...): ...
---@param g? fun(err: any): ...
---@return self
function d:add_callbacks(f, g) end

--- `d:add_both(f)` adds a function that is called in either case: `f(true, values...)` after a success, `f(false, err)`
--- after a failure. Returns `d`.
---@param f fun(ok: boolean, ...): ...
---@return self
function d:add_both(f) end

--- `d:chain(other)` makes `other` take the outcome of `d`, at once if `d` has one already. Returns `d`.
---
--- - Several Deferreds may be chained into one `other`, and it may also be fired by hand. The first to come wins; what
---   chained ones bring later is ignored, without an error, but to fire it by hand later is one. Of those that come
---   while `other` is held the one that was chained first is the first.
--- - When `other` is cancelled its own canceller is asked first. If that does not fire it, the Deferreds chained into
---   it are cancelled, those excepted for which somebody else waits, and `other` takes the first answer.
--- - It is an error at the call if `other` has been fired, is a Coroutine, or is `d` itself.
---@param other weir.Deferred
---@return self
function d:chain(other) end

--- `d:status()` returns a string. Asking changes nothing.
---@return weir.Status
function d:status() end

--- `d:result()` returns the values of a success and raises the error of a failure, as often as it is called. A failure
--- that it has raised counts as handled. While `d` has no outcome to give it raises an error that says so.
---@return any ...
function d:result() end

-- ---- Coroutines ----

--- A Coroutine is a Deferred whose outcome is that of a function, its body: a success with the values that the body
--- returns, or a failure with the error that it raises. If the body returns exactly one Deferred, the Coroutine waits
--- for it and takes its outcome; cancel and pause reach that Deferred too.
---
--- It runs on a thread of Lua, which another one gets when it has ended. What belongs to a Coroutine has therefore
--- weir.current`()` for its key in a weak table, not `coroutine.running()`, which is that thread.
---@class weir.Coroutine: weir.Deferred
local co = {}

--- `weir.coroutine(f [, name])` returns a function. Each call of it starts `f` with the arguments of the call and
--- returns a new Coroutine. The name is for tostring and for error messages.
---@param f async fun(...): ...
---@param name? string
---@return fun(...): weir.Coroutine
function weir.coroutine(f, name) end

--- `weir.spawn(f, ...)` starts `f(...)` and returns its Coroutine. It is short for `weir.coroutine(f)(...)`. If `f` is
--- a `weir.coroutine` function, its body and its name are taken.
---@param f async fun(...): ...
---@param ... any
---@return weir.Coroutine
function weir.spawn(f, ...) end

--- `weir.current()` returns the Coroutine that is running, also in its `<close>` handlers and in generators that it
--- calls; `nil` in the host, in callbacks and in hooks.
---@return weir.Coroutine?
function weir.current() end

-- ---- Waiting ----

--- `weir.await(d [, seconds])` returns the values of `d`, or raises its error. If `d` has no outcome yet, the coroutine
--- is suspended until it has one. If it has one there is no switch; nobody else runs in between.
---
--- With `seconds`, the coroutine waits no longer than that, on the loop's clock. Then it leaves `d` and sees a
--- `TimeoutError`:
---
--- - If it was the only waiter of `d`, `d` is cancelled. The `TimeoutError` comes when `d` has ended, its cleanup
---   included. If the canceller answers with a success, that success is what `await` returns.
--- - If others wait for `d` it leaves at once, and `d` goes on. Callbacks of `d` do not count as others.
---
--- Only this waiter is affected. The coroutine is not cancelled and may wait again. The time runs on while the
--- coroutine is paused.
---@async
---@param d weir.Deferred
---@param seconds? number
---@return any ...
function weir.await(d, seconds) end

--- `weir.yield()` sends the coroutine to the back of the ready queue and returns nothing. It goes on in the next pass
--- of the loop. It is a wait: a cancel is raised at it, and a pause holds it.
---@async
function weir.yield() end

--- `weir.wrap(f)` makes a generator as `coroutine.wrap` does: a function that runs `f` up to its next `coroutine.yield`
--- and returns what was yielded, a Deferred included. In addition `await`, `sleep` and the other waits work in it. They
--- suspend the coroutine that called the generator.
---@generic F: function
---@param f F
---@return F
function weir.wrap(f) end

--- `weir.inline(on)` sets whether calls from the host run what they woke, and returns the old setting. It is `true` at
--- first. After `weir.inline(false)` calls from the host only queue, and coroutines run in weir.step and weir.run
--- alone. Callbacks still run inside the fire.
---@param on boolean
---@return boolean
function weir.inline(on) end

-- ---- noreturn ----

--- `weir.noreturn(f, ...)` makes `f(...)` the new body of the running Coroutine. It does not return to its caller, not
--- at any call depth, and not through `pcall` either. In this order:
---
--- 1. the `<close>` variables of the old body are closed, innermost first, with no error,
--- 2. the stack of the old body is let go: what nobody else holds can be collected,
--- 3. `f` runs as the body of the *same* Coroutine. Who waits for it still does, and its pause count stays.
---@async
---@param f (async fun(...): ...)|weir.Deferred
---@param ... any
function weir.noreturn(f, ...) end

-- ---- Cancel ----

--- `d:cancel([reason [, seconds]])` cancels `d`. It returns true if there was something to cancel, and false if `d` has
--- been fired or has ended, or is being cancelled already. The reason may be anything; it is the `reason` of the cancel
--- error. The seconds are the grace time.
---
--- What it does depends on what `d` is: a Deferred or a Coroutine.
---@param reason? any
---@param seconds? number
---@return boolean
function d:cancel(reason, seconds) end

--- `weir.shield(d)` returns a new Deferred that takes the outcome of `d`. A cancel or pause of it stops there and does
--- not reach `d`. The shield counts as one that waits for `d`. A cancel of `d` itself comes through as a failure.
---@param d weir.Deferred
---@return weir.Deferred
function weir.shield(d) end

--- `weir.is_cancelled(err)` is true if `err` is a cancel error of weir, whoever was cancelled, and false for anything
--- else.
---@param err any
---@return boolean
function weir.is_cancelled(err) end

--- `weir.grace(seconds)` sets the grace time for later cancels and returns the old one. It is 5 seconds at first;
--- `math.huge` means for ever.
---@param seconds number
---@return number
function weir.grace(seconds) end

--- `co:close()` ends `co` by force, now, before it returns. The error is not raised in the body, so no `pcall` sees it;
--- `<close>` handlers run, innermost first, but cannot wait. They get no error, as at the end of a block: one that is
--- to know whether its block was done needs a variable that is set there. So it is wherever a coroutine is closed: at
--- the end of the grace time, of a limit, by noreturn and with the Lua state. Then `co` has ended with a cancel error,
--- or with the error of a handler. It returns true, or false and the error of a handler. For a Coroutine that has ended
--- it returns true and does nothing.
---
--- `co` leaves what it waits for as its last waiter would. If nobody else waits for it, a Deferred is cancelled and a
--- Coroutine is closed too, the innermost first. A value that has arrived and not been delivered is lost; a failure is
--- told to weir.on_unhandled.
---
--- Closing a Coroutine that runs, or that waits for a coroutine it has just called, is an error at the call. Handlers
--- may close other Coroutines, whose handlers close others, up to 100 levels deep; beyond that the outcome is an error.
---@return boolean ok
---@return any err
function co:close() end

-- ---- Pause ----

--- `d:pause()` holds `d` until it has been unpaused as often as it was paused. Returns `d`.
---
--- A Deferred that is held tells nobody: callbacks and waiters have to wait. If it is fired meanwhile, the outcome is
--- kept and told when it is free. Its status is `"pending"`. A Deferred that has ended can be held too; then callbacks
--- added later and coroutines that await it later have to wait.
---
--- A Coroutine that is held does not run. What it waits for is held along with it, recursively, and so is what it, or
--- any of these, comes to wait for later. What arrives for it is kept. A Coroutine that pauses itself goes on up to its
--- next wait. One that has not started does not start. A Coroutine that is cleaning up after a cancel is not held: it
--- has to come to an end.
---@return self
function d:pause() end

--- `d:unpause()` takes back one `d:pause()`, and returns `d`. One too many is an error. Within the count it is always
--- allowed, also if `d` has ended meanwhile. From the host, what it freed runs before it returns.
---@return self
function d:unpause() end

-- ---- Slices and limits ----

--- `weir.slice([n])` sets the slice of the coroutines that are made from then on, whoever makes them, and returns the
--- old one, an integer. 0 or `nil` stands for none, and that is so at first. Without an argument it only returns it.
---
--- A coroutine with a slice that has executed `n` instructions without a wait is preempted. That is as if it called
--- weir.yield where it is: it goes to the back of the ready queue, and goes on in the next pass of the loop. A cancel
--- is raised there, a pause holds it there, and the budget of a step can end there. A loop that never waits is
--- preempted every `n` instructions. A coroutine that always waits before it has executed so many never is; behind a
--- wait it may be let off up to 1,000 more, or the length of the slice if that is less.
---@param n? integer
---@return integer
function weir.slice(n) end

--- `co:slice(n)` sets the slice of one Coroutine, from now on; 0 or `nil` for none. It may be called at any time, also
--- by the Coroutine itself. Returns `co`.
---@param n integer|nil
---@return self
function co:slice(n) end

---@class weir.Limit
---@field instructions? integer
---@field seconds? number

--- `co:limit { instructions = n, seconds = s }` sets a limit on what `co` may still use, in place of one that it had.
--- Either may be left out; both may be given, and the first to be reached counts. `co:limit(nil)` takes the limit away.
--- Returns `co`.
---
--- - Instructions are those that are executed on behalf of `co`: in its body, in functions that C functions call there,
---   in generators, in plain coroutines that it makes, in callbacks that it fires. What other coroutines run does not
---   count, also if `co` has started them.
--- - Seconds are real time, but only while `co` runs. They are looked at every 1,000 instructions.
--- - Waits and hops by noreturn change nothing about it. It ends with the Coroutine.
---
--- When the limit is reached
---
--- 1. a `LimitError` is raised where `co` is. `pcall` catches it, `<close>` handlers run with it and may wait, and
---    nothing is sticky: a body that catches it may return in peace, or set another limit. There is a reserve of 10,000
---    instructions for this.
--- 2. When the reserve is used up too, `co` is closed by force, as co:close does it: no `pcall` is asked, `<close>`
---    handlers run but cannot wait, and the outcome is the same `LimitError`. For these handlers there is another
---    reserve, which is the last: behind it the error is raised at every instruction.
---
--- Where nothing can suspend, as in a comparator of `table.sort`, the second step begins with the error, raised at
--- every instruction until `co` is out of there. In a callback it is raised like that at once: it fails the Deferred,
--- and then comes in the body too.
---@param limit weir.Limit|nil
---@return self
function co:limit(limit) end

-- ---- Time ----

--- `weir.now()` returns the time of the loop's clock. The real clock never goes back, and its zero means nothing.
---@return number
function weir.now() end

--- `weir.sleep(seconds)` suspends the coroutine for that time. It is an error where nothing can suspend. A coroutine
--- that sleeps again and again leaves nothing to the collector.
---@async
---@param seconds number
function weir.sleep(seconds) end

--- `weir.after(seconds, ...)` returns a Deferred that is fired with these values after that time. Cancelled, or fired
--- by hand before, it is disarmed. A Deferred among the values is an argument error.
---@param seconds number
---@param ... any
---@return weir.Deferred
function weir.after(seconds, ...) end

--- `weir.every(seconds, f)` calls `f(count)` again and again and returns the Coroutine that does it. The first call
--- comes after `seconds`. Calls come at start + 1 × `seconds`, start + 2 × `seconds` and so on. `f` may await, or
--- return a Deferred; if it takes longer than one interval, the calls missed meanwhile are skipped. `count` is the
--- number of these points of time since the call before: 1, or more if some were missed. While the coroutine is held
--- the grid waits: a pause moves what is to come by its length. An error in `f` ends it with that failure; a cancel
--- ends it too. The calls themselves leave nothing to the collector.
---@param seconds number
---@param f async fun(count: integer): ...
---@return weir.Coroutine
function weir.every(seconds, f) end

--- `d:timeout(seconds)` cancels `d` when it has not ended by then, and returns `d`. If the outcome is then a cancel
--- error of that cause, it becomes a `TimeoutError`. Another answer of the canceller stands.
---
--- - The body of a Coroutine sees a cancel error whose `reason` is the `TimeoutError`; who awaits the Coroutine sees
---   the `TimeoutError`.
--- - It covers callbacks and a Deferred that `d` waits for: it ends only with `d`.
--- - Of several timeouts the first one counts.
--- - It runs on while `d` is held. On a Deferred that has ended it does nothing.
---@param seconds number
---@return self
function d:timeout(seconds) end

---@class weir.ClockOptions
---@field speed? number
---@field parent? weir.Clock

--- `weir.Clock()` returns a manual clock. It begins at 0 and moves only by clock:advance.
---
--- `weir.Clock { speed = x, parent = clock }` returns a clock that follows another one at a speed of its own, from 0.
--- The parent is the loop's clock unless it is given, the speed 1. Such clocks can be paused and change their speed.
--- They can be nested, up to 50 levels. Speeds multiply, and a pause reaches the clocks below. An unknown key, a speed
--- that is negative, NaN or infinite, and a parent that is no Clock are argument errors.
---@param options? weir.ClockOptions
---@return weir.Clock
function weir.Clock(options) end

--- `weir.Clock()` returns a manual clock. It begins at 0 and moves only by clock:advance.
---
--- `weir.Clock { speed = x, parent = clock }` returns a clock that follows another one at a speed of its own, from 0.
--- The parent is the loop's clock unless it is given, the speed 1. Such clocks can be paused and change their speed.
--- They can be nested, up to 50 levels. Speeds multiply, and a pause reaches the clocks below. An unknown key, a speed
--- that is negative, NaN or infinite, and a parent that is no Clock are argument errors.
---@class weir.Clock
local clock = {}

--- `clock:advance(seconds)` moves a manual clock and returns it. It goes from deadline to deadline. At each one the
--- clock shows that time, its timers fire, and the coroutines that they woke run, before it goes on to the next. A
--- timer that is armed for the present instant, by `sleep(0)` or `after(0)` for example, waits for the next call of
--- `advance`, which may be `advance(0)`.
---
--- Inside a coroutine each deadline is a wait, so that others can run. Inside a callback, and after
--- weir.inline`(false)`, the timers fire, and what they woke is queued.
---
--- For any other clock it is an argument error: one with a parent moves with that. So is a time without end.
---@param seconds number
---@return self
function clock:advance(seconds) end

--- `clock:now()` returns the time of this clock.
---@return number
function clock:now() end

--- `clock:sleep(seconds)` is weir.sleep on this clock.
---@async
---@param seconds number
function clock:sleep(seconds) end

--- `clock:after(seconds, ...)` is weir.after on this clock.
---@param seconds number
---@param ... any
---@return weir.Deferred
function clock:after(seconds, ...) end

--- `clock:every(seconds, f)` is weir.every on this clock.
---@param seconds number
---@param f async fun(count: integer): ...
---@return weir.Coroutine
function clock:every(seconds, f) end

--- `clock:timeout(d, seconds)` is d:timeout on this clock. Returns `d`.
---@generic D: weir.Deferred
---@param d D
---@param seconds number
---@return D
function clock:timeout(d, seconds) end

--- `clock:pause()` stops a clock that has a parent: its time, its timers and the clocks below it. It is counted.
--- Returns the clock. For another clock it is an argument error.
---@return self
function clock:pause() end

--- `clock:unpause()` takes back one `clock:pause()`. One too many is an error. Returns the clock.
---@return self
function clock:unpause() end

--- `clock:speed([x])` returns the speed of a clock that has a parent, and then sets it if `x` is given. Speed 0 makes
--- it stand still. What remained of its timers counts in the time of the clock, so it goes by at the new speed.
---@param x? number
---@return number
function clock:speed(x) end

--- `weir.clock([clock])` returns the loop's clock, and then replaces it if another one is given. A program that has a
--- time of its own, such as the frames of a game, puts a manual clock there and advances it; so does a test.
---@param clock? weir.Clock
---@return weir.Clock
function weir.clock(clock) end

-- ---- Many at once ----

--- `weir.all(t)` returns a Deferred of a table that has the first value of each part under the key of that part;
--- nothing for a part without values. The first part that fails fails it at once, with the same error, and the rest is
--- cancelled.
---@param t table<number|string, any>
---@return weir.Deferred
function weir.all(t) end

--- `weir.settle(t)` waits until every part has ended. It returns a Deferred of a table that has under the key of each
--- part `{ true, values... }` if that has succeeded, and `{ false, err }` if it has failed, also with a cancel error.
--- It does not fail itself, unless it is cancelled.
---@param t table<number|string, any>
---@return weir.Deferred
function weir.settle(t) end

--- `weir.race(t)` returns a Deferred that ends as the first part does that ends: with all its values, or with its
--- error. The rest is cancelled. If some parts have ended already the first of these, in the order of the keys, wins.
--- Which one it was is not told; where that matters a callback of the parts can say it, as in
--- `page:add_callback(function(...) return "page", ... end)`.
---@param t table<number|string, any>
---@return weir.Deferred
function weir.race(t) end

--- `weir.any(t)` returns a Deferred that succeeds as the first part does that succeeds, with all its values. The rest
--- is cancelled. Failures that come before it are handled. If all parts fail it fails with an `AnyError`: `errors` has
--- the error of each part under its key, and the message lists the first ten. A part that was cancelled has failed.
---@param t table<number|string, any>
---@return weir.Deferred
function weir.any(t) end

--- `weir.map(t, f [, limit])` starts `f(value, key)` as a coroutine for each part, and returns a Deferred of a table
--- that has the first value of each call under the key of the part.
---
--- - `limit`, an integer of at least 1, is the number of calls that may be under way at the same time. Without it there
---   is no limit.
--- - For a part that is a Deferred the call is made when that has succeeded, with its first value. So calls start in
---   the order of the keys, those of elements that come later in the order in which they come.
--- - `f` may be a weir.coroutine function, and may return a Deferred: it waits as any body does.
--- - The first failure, of a call or of a part, fails it at once. The other calls are cancelled, as are the parts that
---   have not come. After that, as after a cancel, no further call starts.
--- - While it is held its calls are held, and no call starts.
---@generic K: number|string
---@param t table<K, any>
---@param f async fun(value: any, key: K): ...
---@param limit? integer
---@return weir.Deferred
function weir.map(t, f, limit) end

--- `weir.scope(f, ...)` runs `f(scope, ...)` at once as a coroutine, the body, and returns a Deferred. What the body,
--- or anybody else, starts with scope:spawn belongs to the scope. The Deferred ends when the body and all of these have
--- ended, and so never leaves one behind.
---@param f async fun(scope: weir.Scope, ...): ...
---@param ... any
---@return weir.Deferred
function weir.scope(f, ...) end

---@class weir.Scope
local scope = {}

--- `scope:spawn(f, ...)` starts `f(...)` as weir.spawn does, as a coroutine of the scope, and returns its Coroutine. If
--- the scope is held it starts when that is free. It is an error at the call when the scope has ended, is ending
--- because of a failure, or has been cancelled; for a coroutine that is cancelled with it, and has not heard of that
--- yet, its cancel error, which its next wait raises as well.
---@param f async fun(...): ...
---@param ... any
---@return weir.Coroutine
function scope:spawn(f, ...) end

--- `scope:cancel([reason [, seconds]])` is d:cancel of the Deferred that `weir.scope` returned. Called inside the
--- scope, it strikes the caller at its next wait.
---@param reason? any
---@param seconds? number
---@return boolean
function scope:cancel(reason, seconds) end

-- ---- Synchronisation ----

--- `weir.Lock()` returns a Lock that is free. One at a time may hold it. It does not know who does: a coroutine that
--- acquires it twice waits for itself.
---@return weir.Lock
function weir.Lock() end

--- `weir.Lock()` returns a Lock that is free. One at a time may hold it. It does not know who does: a coroutine that
--- acquires it twice waits for itself.
---@class weir.Lock
local lock = {}

--- `lock:acquire()` returns a Deferred of the Lock itself, which fires when the Lock is the caller's: at once if it is
--- free. A Lock is released when it is closed: held by a `<close>` variable, the end of the block releases it, whether
--- that comes by `return`, an error, a cancel, a `noreturn` or a `close`.
---@return weir.Deferred
function lock:acquire() end

--- `lock:release()` passes the Lock on to the first in line; if there is none, it is free. Returns nothing. If nobody
--- holds the Lock it is an error.
function lock:release() end

--- `lock:run(f, ...)` acquires the Lock, calls `f(...)`, and releases it in any case. Returns a Coroutine with the
--- values or the error of `f`. `f` may await; if it returns exactly one Deferred the Lock is kept until that has ended.
--- If the Coroutine is cancelled while it stands in line `f` is not called.
---@param f async fun(...): ...
---@param ... any
---@return weir.Coroutine
function lock:run(f, ...) end

--- `weir.Semaphore(n)` returns a Semaphore with `n` permits, an integer of at least 1. It is a Lock that `n` may hold
--- at the same time.
---@param n integer
---@return weir.Semaphore
function weir.Semaphore(n) end

--- `weir.Semaphore(n)` returns a Semaphore with `n` permits, an integer of at least 1. It is a Lock that `n` may hold
--- at the same time.
---@class weir.Semaphore
local semaphore = {}

--- `semaphore:acquire()` returns a Deferred of the Semaphore itself, which fires when the caller has got a permit.
--- `local _ <close> = weir.await(semaphore:acquire())` gives it back at the end of the block. One who acquires two has
--- to give back two.
---@return weir.Deferred
function semaphore:acquire() end

--- `semaphore:release()` gives a permit back: to the first in line, if there is one. Returns nothing. It is an error
--- when all permits are there.
function semaphore:release() end

--- `semaphore:run(f, ...)` is lock:run with a permit.
---@param f async fun(...): ...
---@param ... any
---@return weir.Coroutine
function semaphore:run(f, ...) end

--- `weir.Queue([size])` returns an empty Queue, which passes items on in the order in which they were put. The size is
--- an integer of at least 0: the number of items that it has room for. Without it there is no bound. A Queue of size 0
--- has room for nothing; every `put` waits for a `get`.
---
--- `#queue` is the number of items that are in it. Those of a `put` that waits are not.
---@param size? integer
---@return weir.Queue
function weir.Queue(size) end

--- `weir.Queue([size])` returns an empty Queue, which passes items on in the order in which they were put. The size is
--- an integer of at least 0: the number of items that it has room for. Without it there is no bound. A Queue of size 0
--- has room for nothing; every `put` waits for a `get`.
---
--- `#queue` is the number of items that are in it. Those of a `put` that waits are not.
---@class weir.Queue
---@operator len: integer
local queue = {}

--- `queue:put(item)` returns a Deferred that succeeds, without a value, when the item is in the Queue or somebody has
--- got it: at once if there is room. A cancel before that takes the item back. `nil` and a Deferred cannot be put: an
--- argument error. If the Queue is closed, or is being closed before there is room, the Deferred fails with a
--- `ClosedError`.
---
--- The item is in line in any case, also if nobody waits for the Deferred. So `queue:put(item):cancel()` puts it only
--- if there is room at once; it returns true if there is not.
---@param item any
---@return weir.Deferred
function queue:put(item) end

--- `queue:get()` returns a Deferred of the first item, which is taken out: at once if there is one. If the Queue is
--- closed and empty it fails with a `ClosedError`.
---@return weir.Deferred
function queue:get() end

--- `queue:iter()` returns an iterator for the generic `for` in a coroutine: `for item in queue:iter() do`. Each step
--- awaits the next item. The loop ends when the Queue is closed and empty. Several loops over one Queue share its
--- items.
---@return async fun(): any
function queue:iter() end

--- `queue:close()` ends the Queue; a second time it does nothing. Returns nothing. Every `put` that waits fails with a
--- `ClosedError`, as does every one that comes. The items that are in can still be got. Behind the last one, and at
--- once if there is none, every `get` that waits or comes fails with a `ClosedError`, and every loop ends.
function queue:close() end

--- `weir.Event()` returns an Event that is not set. It is for something that happens, and that any number may wait for.
---@return weir.Event
function weir.Event() end

--- `weir.Event()` returns an Event that is not set. It is for something that happens, and that any number may wait for.
---@class weir.Event
local event = {}

--- `event:wait()` returns a Deferred that succeeds, without a value, when the Event is set: at once if it is.
---@return weir.Deferred
function event:wait() end

--- `event:set()` sets the Event. All that wait go on, in the order in which they came, and who comes later does not
--- wait. One that is held goes on when it is free, also if the Event has been cleared meanwhile. If it is set already
--- nothing happens. Returns nothing.
function event:set() end

--- `event:clear()` takes that back: who comes now waits. If it is not set nothing happens. Returns nothing.
function event:clear() end

--- `event:is_set()` is true if the Event is set, else false.
---@return boolean
function event:is_set() end

--- `weir.Barrier(n)` returns a Barrier, where everybody waits until `n` have come; `n` is an integer of at least 1.
--- Then all go on, and the next round begins.
---@param n integer
---@return weir.Barrier
function weir.Barrier(n) end

--- `weir.Barrier(n)` returns a Barrier, where everybody waits until `n` have come; `n` is an integer of at least 1.
--- Then all go on, and the next round begins.
---@class weir.Barrier
local barrier = {}

--- `barrier:wait()` returns a Deferred that fires when `n` have come, with the place in the order in which they did, 1
--- to `n`. Who comes last need not wait, and so goes on first; the others follow in their order. One who is cancelled
--- counts no longer, and those behind move up. One who is held does count, and is told when it is free.
---@return weir.Deferred
function barrier:wait() end

-- ---- The loop ----

--- `weir.run(f, ...)` starts `f(...)` as a coroutine, behind what is ready already, and runs the loop until it has
--- ended. It returns its values or raises its error. Other coroutines stay as they are then. If the coroutine can never
--- end, because nothing is ready, no timer is armed and no handle is left, it raises a `DeadlockError` that lists the
--- live coroutines, 50 at most, and what they wait for.
---
--- The error comes out of `run` as it is; where in `f` it was raised is in the traceback of the coroutine, for which
--- `f` can keep weir.current().
---
--- `weir.run()` runs the loop until there is nothing left to do, and returns nothing. Coroutines that wait for what
--- nobody fires, and timers that stand still, are nothing to do; a handle that may still be fired is.
---
--- A manual clock does not move by itself, so its timers are nothing that `run` can wait for.
---
--- It is an error inside a coroutine, callback or hook.
---@overload fun()
---@param f async fun(...): ...
---@param ... any
---@return any ...
function weir.run(f, ...) end

--- `weir.step([seconds])` runs one pass of the loop: what other threads have fired, all that is ready, then the timers
--- of the real clock that are due. It returns
---
--- - `0` if there is more to do at once,
--- - else the number of seconds to the next deadline of the real clock, of the loop's clock, or of a clock that follows
---   them: `0` as well if a timer of a weir.Clock is due at its present time, for only advance fires that, with `0`
---   too,
--- - else `nil`: there is nothing to do until somebody fires something, perhaps another thread.
---
--- It does not move a manual clock; clock:advance does.
---
--- With `seconds` as its budget it stops at the first wait after that time has passed; with 0 that is the first wait of
--- all. Between two deadlines of timers it stops too. So it takes no longer than its budget and one resume, or the
--- callbacks of one deadline. What was not reached keeps its place for the next step, before all that becomes ready
--- later. When a step has ended without coming to its timers, the next one begins with those that are due: what they
--- wake is queued behind what was left. So nothing has to wait for ever, however much there is to do in each step. The
--- budget is measured in real time.
---
--- It is an error inside a coroutine, callback or hook.
---@param seconds? number
---@return number?
function weir.step(seconds) end

-- ---- Watching ----

---@class weir.Stats
---@field spawned integer
---@field switches integer
---@field wakes integer
---@field cancels integer
---@field collected integer
---@field unhandled integer
---@field live integer
---@field running integer
---@field ready integer
---@field waiting integer
---@field paused integer
---@field timers integer
---@field handles integer
---@field pool integer
---@field ran? number # while timing is on, as what follows
---@field longest_resume? number
---@field longest_resume_of? string
---@field queue_latency? weir.Latency

---@class weir.Latency
---@field count integer
---@field total number
---@field mean number
---@field max number
---@field buckets integer[]

--- `weir.stats()` returns a new table of numbers. What counts is counted all the time. Since the Lua state was made:
---@return weir.Stats
function weir.stats() end

--- `weir.timing([on])` returns whether resumes are timed, and then switches that if `on`, a boolean, is given. It is
--- off at first. When it comes on all times begin at zero. While it is on, weir.stats has also
---@param on? boolean
---@return boolean
function weir.timing(on) end

--- `weir.trace(file)` begins to write what coroutines do into a file, and `weir.trace()` ends that. Both return whether
--- a trace was being written, which `weir.trace(file)` ends before its own begins. `file` is the name of a file, which
--- is written anew, or a file of the `io` library that is open for writing; that one stays open. If there is no such
--- file an error is raised.
---
--- The file can be opened in Perfetto and in `chrome://tracing`: it is in Chrome's Trace Event Format, an array in
--- JSON. Each coroutine is a track, with its name, or file and line of its body; the track `host` is the program
--- around. On it there are
---
--- - a slice for each resume, with the name of the body, and slices `close` for handlers that are called at a noreturn
---   or by a close,
--- - instants: `start` (`by`: the track), `wait` (`on`: for what; for a coroutine its `track` too), `wake` (`with`: an
---   error, if one is to be raised), `preempted` (the end of a slice), `noreturn`, `pause` and `unpause` (of all that
---   it reaches), `cancel` (`by`, `reason`; also for a close), `collected`, `finish` (`how`, and for a failure the
---   `error` if it is a string),
--- - arrows, from the slice in which a coroutine was started or woken to the resume that came of it. What the host does
---   by itself, timers too, is a slice of no length on its track.
---
--- What is running when the trace begins is seen from its next resume; what is running when it ends, up to there. Names
--- are cut behind 120 bytes. Times are in microseconds, and no two are the same, but that an arrow ends when its slice
--- begins.
---
--- What is written goes through a buffer of 64 kilobytes, and no memory is needed but for the coroutines that are
--- alive. The file is complete when the trace has ended or the state is closed. If the process is killed before that,
--- what is in the buffer is lost and the array has no end, which is allowed in that format. If the disk is full, or the
--- file is closed, the trace ends there, and that is reported, once; it is no error in the program.
---@param file? string|userdata
---@return boolean
function weir.trace(file) end

-- ---- Errors ----

---@class weir.Error
---@field name string
---@field message string

---@class weir.CancelledError: weir.Error
---@field reason any

---@class weir.TimeoutError: weir.Error

---@class weir.AlreadyCalledError: weir.Error
---@field first? string

---@class weir.DeadlockError: weir.Error

---@class weir.LimitError: weir.Error

---@class weir.WeirError: weir.Error

---@class weir.AnyError: weir.Error
---@field errors table<number|string, any>

---@class weir.ClosedError: weir.Error

--- `weir.on_unhandled(f)` sets the function that is told of failures that nobody handled, and returns the old one.
--- `nil` stands for the default, which writes the name of the coroutine, if it has one, the error and the traceback to
--- standard error.
---
--- `f(err, traceback, d)` is called once for each failure: when `run` or `step` has nothing more to do at the moment,
--- when the Deferred is collected, or when the Lua state is closed. `d` is `nil` for an error that belongs to no
--- Deferred, such as that of a canceller that has already fired; it is told of at once. If `f` itself raises an error,
--- that is written to standard error behind what the default writes. What `f` starts or wakes in a turn waits for the
--- next pass of the loop, so that reports of what fails there again cannot hold the loop up.
---
--- A failure counts as handled when
---
--- - an errback or a function of `add_both` was called with it,
--- - a waiter was told of it: an `await`, a `chain`, a shield, a Deferred or Coroutine that takes its outcome. Then it
---   is the failure of that one, if that one does not handle it either. What is made of parts handles their failures
---   until its outcome is decided (Many at once),
--- - d:result or weir.run raised it, or co:close returned it.
---
--- Looking at it with `status`, `tostring` or `traceback` does not count. Cancel errors are never reported.
---@param f? fun(err: any, traceback: string, d?: weir.Deferred)
---@return fun(err: any, traceback: string, d?: weir.Deferred)?
function weir.on_unhandled(f) end

---@class weir.DebugOptions
---@field slow? number
---@field report? fun(message: string, traceback: string, co?: weir.Coroutine)

--- switches debugging, which is off at first, and returns the old setting, which can be given back: `false`, `true`, or
--- the table. In the table either may be left out. While debugging is on, which takes time and memory,
---
--- - every d:callback and d:errback that fires a Deferred notes where it was called. The `AlreadyCalledError` of a
---   second fire then tells it: its message ends with file and line, and its `first` is the traceback of the first
---   fire, a string. What was fired otherwise, by a timer for example, has no such note.
--- - every Deferred and coroutine that is made notes where: file and line of the innermost function in Lua that is not
---   weir's own. Reports have it.
--- - it is reported when a coroutine can go on no more, because nothing reaches what it waits for: before it is
---   cancelled.
--- - it is reported when a coroutine ran for more than `slow` seconds, 0.1 if nothing is said, before it gave way,
---   callbacks that it fired included: before the next resume, or when the loop goes idle.
--- - it is reported when weir.run ends and coroutines that were started in it are alive: the ten oldest, and how many
---   there are besides. For `weir.run()`, which ends when nothing is left to do, that is any that is alive.
---
--- A report is a call `f(message, traceback, co)`: a string, the stack of the coroutine where it was suspended, or
--- `""`, and the coroutine, or `nil`. Without an `f` it is written to standard error. An error in `f` is written there
--- too. A trace that could not be written is reported the same way, whether debugging is on or not.
---@param on? boolean|weir.DebugOptions
---@return boolean|weir.DebugOptions
function weir.debug(on) end

--- `co:traceback()` returns a string, as `debug.traceback` does:
---
--- - for a Coroutine that is alive, its own stack, followed by the stack of each that waits for it,
--- - for one that has failed, the stack where the error was raised, followed by the awaits that it passed through,
--- - for another one an empty string.
---
--- At most 50 stacks are shown.
---@return string
function co:traceback() end

-- ---- a look inside ----

---@class weir.Task
---@field co weir.Coroutine
---@field name? string
---@field number integer
---@field status weir.Status
---@field state "new"|"ready"|"waiting"|"paused"|"running"|"calling"|"closing"
---@field started? string
---@field at? string
---@field on? weir.Deferred
---@field waits_on? string
---@field waited? number
---@field age number
---@field resumes integer
---@field ran? number
---@field left? number

--- `weir.tasks()` is for a generic `for`: it gives a table for each coroutine that has a body, in the order in which
--- they were made. Which ones is settled at the call; each table says how it is at that step. One that has ended by
--- then is passed over, so the body of the loop may end, cancel and start what it likes.
---@return fun(): weir.Task?
function weir.tasks() end

---@class weir.LookOptions
---@field root? weir.Deferred # where to begin
---@field lines? integer # at most

--- `weir.tree([options])` returns a text: who waits for whom. It begins with those for whom nobody waits; below each,
--- further in, stands what it waits for, and how:
---@param options? weir.LookOptions
---@return string
function weir.tree(options) end

--- `weir.graph([options])` returns the same as a graph in the language of Graphviz: a text for `dot`. The options are
--- those of weir.tree.
---@param options? weir.LookOptions
---@return string
function weir.graph(options) end

--- `d:why()` returns a line of text that says why `d` has no outcome yet, of a Coroutine why it does not run: what it
--- waits for, and what that waits for, down to the reason; who has paused it; what is in front of it in the queue;
--- which limits end it. It is never an error.
---@return string
function d:why() end

return weir
