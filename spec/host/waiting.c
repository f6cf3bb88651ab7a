/* awaitk, yieldk and noreturn: what suspends a C function. */
#include "case.h"

#include <stdint.h>
#include <string.h>

/* ---- continuations ---- */

/* What a continuation is to find on its stack, as its context. */
static int expect(lua_State *L, int status, lua_KContext ctx) {
  case_log(L, status == LUA_YIELD ? "switched" : status == LUA_OK ? "at once" : "error");
  check_stack(L, (const char *)ctx);
  return 0;
}

/* Arguments: a Deferred, and what else is to be kept. */
static int await_and_expect(lua_State *L, const char *stack) {
  lua_KContext ctx = (lua_KContext)stack;
  weir_api(L)->awaitk(L, 1, -1, ctx, expect);
  return expect(L, LUA_OK, ctx);
}

static int await_two(lua_State *L) {
  return await_and_expect(L, "D 'kept' 1 nil");
}
static int await_none(lua_State *L) {
  return await_and_expect(L, "D 'kept'");
}

static int await_fired(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushinteger(L, 1);
  lua_pushnil(L);
  weir->succeed(L, 2);
  lua_pushliteral(L, "kept");
  case_inside(L, 2, await_two);
  weir->succeed(L, 0);
  lua_pushliteral(L, "kept");
  case_inside(L, 2, await_none);
  check_log(L, "at once at once");
  return 0;
}

static int await_pending(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushcfunction(L, await_two);
  lua_pushvalue(L, 1);
  lua_pushliteral(L, "kept");
  weir->spawn(L, 2);
  check(L, weir->status(L, 2) == WEIR_WAITING);
  lua_pushinteger(L, 1);
  lua_pushnil(L);
  weir->callback(L, 1, 2);
  check_log(L, "switched");
  check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
  check_stack(L, "D C");
  return 0;
}

/* Every bit of a context comes back. */
static const lua_KContext contexts[] = {0, 1, -1, INTPTR_MAX, INTPTR_MIN};
static int context_number;

static int same_context(lua_State *L, int status, lua_KContext ctx) {
  check(L, status == LUA_YIELD && ctx == contexts[context_number]);
  check_stack(L, "");
  lua_pushinteger(L, context_number);
  return 1;
}

static int keep_context(lua_State *L) {
  return weir_api(L)->yieldk(L, contexts[context_number], same_context);
}

static int every_context(lua_State *L) {
  int most = (int)(sizeof contexts / sizeof *contexts);
  for (context_number = 0; context_number < most; context_number++) {
    case_run(L, 0, keep_context);
    check_stack(L, "");
  }
  return 0;
}

static int await_as_tail(lua_State *L) {
  return weir_api(L)->awaitk(L, 1, -1, 0, NULL);
}

/* Its body is such a function, with the Deferred at 1, and something else, as arguments. */
static void spawn_tail(lua_State *L) {
  lua_pushcfunction(L, await_as_tail);
  lua_pushvalue(L, 1);
  lua_pushliteral(L, "of no use");
  weir_api(L)->spawn(L, 2);
}

static void fire_with_two(lua_State *L) {
  lua_pushinteger(L, 1);
  lua_pushinteger(L, 2);
  weir_api(L)->callback(L, 1, 2);
}

static int without_continuation(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  spawn_tail(L);
  check(L, weir->status(L, 2) == WEIR_WAITING);
  fire_with_two(L);
  spawn_tail(L);
  check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
  check_stack(L, "D C C 1 2");
  check(L, weir->outcome(L, 3, NULL) == WEIR_SUCCESS);
  check_stack(L, "D C C 1 2 1 2");
  return 0;
}

static int count_values(lua_State *L, int status, lua_KContext ctx) {
  check(L, status == LUA_YIELD && lua_gettop(L) == (int)ctx + 1);
  for (int i = 1; i <= (int)ctx; i++)
    check(L, lua_tointeger(L, i + 1) == i);
  return 0;
}

static int await_many(lua_State *L) {
  return weir_api(L)->awaitk(L, 1, -1, 10000, count_values);
}

static int many_values(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushcfunction(L, await_many);
  lua_pushvalue(L, 1);
  weir->spawn(L, 1);
  luaL_checkstack(L, 10000, NULL);
  for (int i = 1; i <= 10000; i++)
    lua_pushinteger(L, i);
  weir->callback(L, 1, 10000);
  check_stack(L, "D C");
  if (weir->outcome(L, 2, NULL) != WEIR_SUCCESS)
    return lua_error(L);
  return 0;
}

/* ---- failures ---- */

static int never(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  (void)ctx;
  return luaL_error(L, "the continuation was called");
}

static int await_failure(lua_State *L) {
  weir_api(L)->awaitk(L, 1, -1, 0, never);
  return luaL_error(L, "the call returned");
}

static int failures(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  for (int pending = 0; pending < 2; pending++) {
    lua_settop(L, 0);
    weir->deferred(L);
    lua_pushliteral(L, "oops");
    if (!pending)
      weir->errback(L, 1);
    lua_pushcfunction(L, await_failure);
    case_lua(L, 1, 1,
             "local await = ...\n"
             "return function(d) return pcall(await, d) end");
    lua_pushvalue(L, 1);
    weir->spawn(L, 1);
    if (pending) {
      lua_insert(L, 2);
      weir->errback(L, 1);
    }
    check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
    check_stack(L, "D C false 'oops'");
  }
  return 0;
}

static int caught(lua_State *L, int status, lua_KContext ctx) {
  check(L, status == LUA_ERRRUN && ctx == 7);
  check_stack(L, "'kept' D 'oops'");
  lua_pushliteral(L, "handled");
  return 1;
}

/* A protected call in C that goes on behind a wait. */
static int await_protected(lua_State *L) {
  int status;
  lua_pushliteral(L, "kept");
  lua_insert(L, 1);
  lua_pushcfunction(L, await_failure);
  lua_pushvalue(L, 2);
  status = lua_pcallk(L, 1, LUA_MULTRET, 0, 7, caught);
  return caught(L, status, 7);
}

static int failures_in_c(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushcfunction(L, await_protected);
  lua_pushvalue(L, 1);
  weir->spawn(L, 1);
  check(L, weir->status(L, 2) == WEIR_WAITING);
  lua_pushliteral(L, "oops");
  weir->errback(L, 1);
  check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
  check_stack(L, "D C 'handled'");
  return 0;
}

static int cancelled(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, await_failure);
  weir->deferred(L);
  weir->spawn(L, 1);
  lua_pushliteral(L, "why");
  weir->cancel(L, 1, -1);
  check(L, weir->outcome(L, 1, NULL) == WEIR_CANCELLED);
  check_stack(L, "C E:CancelledError");
  return 0;
}

static int held(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushcfunction(L, await_none);
  lua_pushvalue(L, 1);
  lua_pushliteral(L, "kept");
  weir->spawn(L, 2);
  weir->pause(L, 2);
  weir->callback(L, 1, 0);
  check_log(L, "");
  weir->unpause(L, 2);
  check_log(L, "switched");
  return 0;
}

/* ---- time limits ---- */

static int await_a_second(lua_State *L) {
  weir_api(L)->awaitk(L, 1, 1, 0, never);
  return luaL_error(L, "the call returned");
}

static int limits(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  case_lua(L, 0, 0, "clock = weir.Clock(); weir.clock(clock)");
  weir->deferred(L);
  lua_pushcfunction(L, await_a_second);
  lua_pushvalue(L, 1);
  weir->spawn(L, 1);
  case_lua(L, 0, 0, "clock:advance(0.5)");
  check(L, weir->status(L, 2) == WEIR_WAITING);
  case_lua(L, 0, 0, "clock:advance(0.5)");
  check(L, weir->outcome(L, 2, NULL) == WEIR_FAILURE);
  check(L, weir->status(L, 1) == WEIR_CANCELLED); /* nobody else waited */
  check_stack(L, "D C E:TimeoutError");
  return 0;
}

static int await_in_time(lua_State *L) {
  lua_KContext ctx = (lua_KContext) "D 'kept' 1 2";
  weir_api(L)->awaitk(L, 1, 1, ctx, expect);
  return expect(L, LUA_OK, ctx);
}

static void spawn_in_time(lua_State *L) {
  lua_pushcfunction(L, await_in_time);
  lua_pushvalue(L, 1);
  lua_pushliteral(L, "kept");
  weir_api(L)->spawn(L, 2);
}

static int in_time(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  case_lua(L, 0, 0, "clock = weir.Clock(); weir.clock(clock)");
  weir->deferred(L);
  spawn_in_time(L);
  fire_with_two(L);
  spawn_in_time(L);
  check_log(L, "switched at once");
  check(L, weir->status(L, 2) == WEIR_SUCCESS && weir->status(L, 3) == WEIR_SUCCESS);
  check(L, weir->next_deadline(L) < 0); /* no limit is left */
  return 0;
}

/* ---- loops ---- */

/* Sums what a thousand Deferreds bring, every tenth of them late. */
static int sum(lua_State *L, int status, lua_KContext n) {
  const weir_Api *weir = weir_api(L);
  (void)status;
  for (; n < 1000; n++) {
    if (lua_gettop(L) == 3) {
      lua_pushinteger(L, lua_tointeger(L, 1) + lua_tointeger(L, 3));
      lua_replace(L, 1);
    }
    lua_settop(L, 1);
    lua_pushinteger(L, 1);
    if (n % 10 == 0)
      weir->after(L, 0, 1);
    else
      weir->succeed(L, 1);
    weir->awaitk(L, 2, -1, n + 1, sum);
  }
  lua_pushinteger(L, lua_tointeger(L, 1) + lua_tointeger(L, 3));
  return 1;
}

static int start_sum(lua_State *L) {
  lua_pushinteger(L, 0);
  return sum(L, LUA_OK, 0);
}

static int loops(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, start_sum);
  check(L, weir->run(L, 0) == 1);
  check_stack(L, "1000");
  return 0;
}

/* A loop over fired ones: as many as one likes on one level of the C stack. */
static int await_fired_often(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->succeed(L, 0);
  for (int i = case_scale(1000000); i > 0; i--)
    check(L, weir->awaitk(L, 1, -1, 0, never) == 0);
  check_stack(L, "D");
  return 0;
}

static int fired_often(lua_State *L) {
  case_inside(L, 0, await_fired_often);
  return 0;
}

/* ---- where nothing can be suspended ---- */

static int yield(lua_State *L) {
  return weir_api(L)->yieldk(L, 0, never);
}
static int hop(lua_State *L) {
  lua_pushcfunction(L, yield);
  return weir_api(L)->noreturn(L, 0);
}

static void check_refused(lua_State *L, const char *where) {
  const weir_Api *weir = weir_api(L);
  int top = lua_gettop(L);
  weir->succeed(L, 0); /* even one that has fired */
  lua_pushfstring(L, "attempt to await %s", where);
  lua_pushfstring(L, "attempt to yield %s", where);
  lua_pushfstring(L, "attempt to noreturn %s", where);
  lua_pushvalue(L, top + 1);
  check_raises(L, 1, await_failure, lua_tostring(L, top + 2));
  check_raises(L, 0, yield, lua_tostring(L, top + 3));
  check_raises(L, 0, hop, lua_tostring(L, top + 4));
  lua_settop(L, top);
}

static int refused_in_callback(lua_State *L) {
  check_refused(L, "outside a coroutine");
  return 0;
}

static int below_a_call(lua_State *L) {
  check_refused(L, "across a C-call boundary");
  return 0;
}

/* check_raises calls without a continuation. */
static int in_a_coroutine(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  check_refused(L, "across a C-call boundary");
  lua_pushcfunction(L, below_a_call);
  lua_call(L, 0, 0);
  lua_pushcfunction(L, below_a_call);
  case_lua(L, 1, 0,
           "local f = ...\n"
           "table.sort({ 1, 2 }, function() f() return false end)\n"
           "string.gsub('x', 'x', f)");
  weir->succeed(L, 0);
  lua_pushcfunction(L, refused_in_callback);
  weir->add(L, -2, WEIR_CALLBACK);
  if (weir->outcome(L, -1, NULL) != WEIR_SUCCESS)
    return lua_error(L);
  return 0;
}

static int refused(lua_State *L) {
  check_refused(L, "outside a coroutine");
  case_inside(L, 0, in_a_coroutine);
  lua_pushcfunction(L, await_failure);
  weir_api(L)->succeed(L, 0);
  case_lua(L, 2, 1,
           "local await, d = ...\n"
           "return weir.spawn(function()\n"
           "  local ok, err = pcall(coroutine.wrap(function() await(d) end))\n"
           "  return err\n"
           "end):result()");
  check_stack(L, "'chunk:3: attempt to await across a C-call boundary'");
  return 0;
}

static int await_itself(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->current(L);
  return weir->awaitk(L, 1, -1, 0, never);
}

static int await_nan(lua_State *L) {
  return weir_api(L)->awaitk(L, 1, NAN, 0, never);
}

static int await_wrongly(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_settop(L, 0);
  check_raises(L, 0, await_failure, "bad argument #1 to 'await' (Deferred expected, got no value)");
  weir->deferred(L);
  check_raises(L, 1, await_nan, "bad argument #2 to 'await' (time must not be negative or NaN)");
  return 0;
}

static int wrong_awaits(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, await_itself);
  weir->spawn(L, 0);
  check(L, weir->outcome(L, 1, NULL) == WEIR_FAILURE);
  luaL_tolstring(L, 2, NULL);
  lua_replace(L, 2);
  check_stack(L, "C 'DeadlockError: attempt to await the running coroutine itself'");
  case_inside(L, 0, await_wrongly);
  return 0;
}

/* ---- generators, handlers, threads ---- */

static int in_generator(lua_State *L) {
  lua_pushcfunction(L, await_as_tail);
  case_lua(L, 1, 1,
           "local await, list = ..., {}\n"
           "weir.run(function()\n"
           "  for n in weir.wrap(function()\n"
           "    for i = 1, 3 do coroutine.yield(await(weir.after(0, i))) end\n"
           "  end) do list[#list + 1] = n end\n"
           "end)\n"
           "return table.concat(list, ' ')");
  check_stack(L, "'1 2 3'");
  return 0;
}

/* What Lua code awaits in, C code calls with a continuation of Lua's. */
static int slept(lua_State *L, int status, lua_KContext ctx) {
  check(L, status == LUA_YIELD && ctx == 3);
  check_stack(L, "'kept'");
  return 1;
}

static int sleep_in_c(lua_State *L) {
  lua_pushliteral(L, "kept");
  lua_getglobal(L, "weir");
  lua_getfield(L, -1, "sleep");
  lua_replace(L, -2);
  lua_pushnumber(L, 0.001);
  lua_callk(L, 1, 0, 3, slept);
  return slept(L, LUA_OK, 3);
}

static int calls_lua(lua_State *L) {
  lua_pushcfunction(L, sleep_in_c);
  check(L, weir_api(L)->run(L, 0) == 1);
  check_stack(L, "'kept'");
  return 0;
}

static int closed_late(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  (void)ctx;
  case_log(L, "closed");
  return 0;
}

/* A handler that waits. */
static int close_slowly(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  case_log(L, "closing");
  weir->after(L, 0, 0);
  weir->awaitk(L, -1, -1, 0, closed_late);
  return luaL_error(L, "the call returned");
}

static int hold_open(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_newtable(L);
  lua_newtable(L);
  lua_pushcfunction(L, close_slowly);
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
  lua_toclose(L, -1);
  weir->deferred(L);
  return weir->awaitk(L, -1, -1, 0, NULL);
}

static int cleanup(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, hold_open);
  weir->spawn(L, 0);
  lua_pushnil(L);
  weir->cancel(L, 1, -1);
  check(L, weir->status(L, 1) == WEIR_WAITING);
  check_log(L, "closing");
  weir->run(L, -1);
  check(L, weir->status(L, 1) == WEIR_CANCELLED);
  check_log(L, "closed");
  return 0;
}

static int show_thread(lua_State *L) {
  lua_pushthread(L);
  lua_setglobal(L, "thread");
  weir_api(L)->awaitk(L, 1, -1, 0, never);
  return luaL_error(L, "the call returned");
}

static int resumed_from_outside(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushcfunction(L, show_thread);
  lua_pushvalue(L, 1);
  weir->spawn(L, 1);
  case_lua(L, 0, 1, "return select(2, coroutine.resume(thread, 'x'))");
  check_stack(L, "D C false");
  lua_getglobal(L, "thread");
  weir->callback(L, 1, 0);
  check(L, weir->outcome(L, 2, NULL) == WEIR_FAILURE);
  check_stack(L, "D C false L 'a coroutine of weir was resumed or closed from outside'");
  return 0;
}

/* ---- yieldk ---- */

static int again(lua_State *L, int status, lua_KContext n) {
  const weir_Api *weir = weir_api(L);
  check(L, status == (n == 3 ? LUA_OK : LUA_YIELD));
  case_log(L, lua_tostring(L, 1));
  if (n == 0)
    return 0;
  weir->yieldk(L, n - 1, again);
  return luaL_error(L, "the call returned");
}

static int take_turns(lua_State *L) {
  return again(L, LUA_OK, 3);
}

static int turns(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, take_turns);
  lua_pushliteral(L, "a");
  weir->spawn(L, 1);
  lua_pushcfunction(L, take_turns);
  lua_pushliteral(L, "b");
  weir->spawn(L, 1);
  check_log(L, "a b");
  for (int i = 0; i < 2; i++) {
    check(L, weir->step(L, -1) == 0);
    check_log(L, "a b");
  }
  check(L, weir->step(L, -1) < 0);
  check_log(L, "a b");
  check(L, weir->status(L, 1) == WEIR_SUCCESS && weir->status(L, 2) == WEIR_SUCCESS);
  return 0;
}

static int give_way(lua_State *L) {
  return weir_api(L)->yieldk(L, 0, NULL);
}

static int turn_as_tail(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, give_way);
  lua_pushliteral(L, "of no use");
  check(L, weir->run(L, 1) == 0);
  check_stack(L, "");
  return 0;
}

static int yield_behind_cancel(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->current(L);
  lua_pushnil(L);
  check(L, weir->cancel(L, -2, -1) == 1);
  weir->yieldk(L, 0, never);
  return luaL_error(L, "the call returned");
}

static int cancelled_at_yield(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, yield_behind_cancel);
  weir->spawn(L, 0);
  check(L, weir->status(L, 1) == WEIR_CANCELLED);
  return 0;
}

/* ---- noreturn ---- */

/* Arguments: how many hops are left, and what came with them. */
static int hop_on(lua_State *L) {
  lua_Integer n = lua_tointeger(L, 1);
  check(L, lua_gettop(L) == 2);
  if (n == 0)
    return 1;
  lua_newtable(L); /* what is on the stack below goes */
  lua_pushcfunction(L, hop_on);
  lua_pushinteger(L, n - 1);
  lua_pushvalue(L, 2);
  weir_api(L)->noreturn(L, 2);
  return luaL_error(L, "the call returned");
}

static int hops(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, hop_on);
  lua_pushinteger(L, case_scale(100000));
  lua_pushliteral(L, "carried");
  weir->spawn(L, 2);
  check(L, weir->outcome(L, 1, NULL) == WEIR_SUCCESS);
  check_stack(L, "C 'carried'");
  return 0;
}

static int log_close(lua_State *L) {
  case_log(L, "closed");
  return 0;
}

static int new_body(lua_State *L) {
  case_log(L, "body");
  check_stack(L, "1 2");
  return 2;
}

/* From within a pcall, with something open. */
static int leave_open(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_newtable(L);
  lua_newtable(L);
  lua_pushcfunction(L, log_close);
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
  lua_toclose(L, -1);
  lua_pushcfunction(L, new_body);
  lua_pushinteger(L, 1);
  lua_pushinteger(L, 2);
  return weir->noreturn(L, 2);
}

static int hop_through_pcall(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, leave_open);
  case_lua(L, 1, 1,
           "local hop = ...\n"
           "return weir.spawn(function() pcall(hop) return 'back' end)");
  check(L, weir->outcome(L, 1, NULL) == WEIR_SUCCESS);
  check_stack(L, "C 1 2");
  check_log(L, "closed body");
  return 0;
}

static int go_on(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  (void)ctx;
  case_log(L, "never");
  return 0;
}

/* Argument: what it calls. */
static int call_and_go_on(lua_State *L) {
  lua_pushcfunction(L, new_body);
  lua_pushinteger(L, 1);
  lua_pushinteger(L, 2);
  lua_callk(L, 3, 0, 0, go_on);
  return go_on(L, LUA_OK, 0);
}

/* It is all there is of the body; or what it calls is in Lua, and all that is left of it. */
static int hop_below_c(lua_State *L) {
  case_lua(L, 0, 2, "return weir.noreturn, function(...) return weir.noreturn(...) end");
  for (int i = 1; i <= 2; i++) {
    lua_pushcfunction(L, call_and_go_on);
    lua_pushvalue(L, i);
    weir_api(L)->spawn(L, 1);
  }
  check_stack(L, "F F C C");
  check_log(L, "body body");
  return 0;
}

/* The last act of a body in Lua is to call one that does. */
static int hop_at_the_end(lua_State *L) {
  lua_pushcfunction(L, leave_open);
  case_lua(L, 1, 1,
           "local hop = ...\n"
           "return weir.spawn(function() return hop() end)");
  check(L, weir_api(L)->outcome(L, 1, NULL) == WEIR_SUCCESS);
  check_stack(L, "C 1 2");
  check_log(L, "closed body");
  return 0;
}

static int hop_to_first(lua_State *L) {
  lua_settop(L, 1);
  return weir_api(L)->noreturn(L, 0);
}

static int hop_to_deferred(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushcfunction(L, hop_to_first);
  lua_pushvalue(L, 1);
  weir->spawn(L, 1);
  check(L, weir->status(L, 2) == WEIR_WAITING);
  lua_pushliteral(L, "its");
  weir->callback(L, 1, 1);
  check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
  check_stack(L, "D C 'its'");
  return 0;
}

static int hop_to_itself(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->current(L);
  return weir->noreturn(L, 0);
}

static int hop_in_handler(lua_State *L) {
  lua_pushcfunction(L, new_body);
  return weir_api(L)->noreturn(L, 0);
}

/* Argument: the handler. */
static void open_with_hop(lua_State *L) {
  lua_newtable(L);
  lua_newtable(L);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
  lua_toclose(L, -1);
}

static int close_with_hop(lua_State *L) {
  open_with_hop(L);
  return 0;
}

static int fail_with_hop(lua_State *L) {
  open_with_hop(L);
  return luaL_error(L, "oops");
}

/* Pops the argument of the body. */
static void check_hop_fails(lua_State *L, lua_CFunction body, const char *expected) {
  const weir_Api *weir = weir_api(L);
  int idx = lua_gettop(L);
  lua_pushcfunction(L, body);
  lua_insert(L, idx);
  weir->spawn(L, 1);
  check(L, weir->outcome(L, idx, NULL) == WEIR_FAILURE);
  luaL_tolstring(L, idx + 1, NULL);
  check(L, strcmp(lua_tostring(L, -1), expected) == 0);
  lua_settop(L, idx - 1);
}

static int wrong_hops(lua_State *L) {
  lua_pushinteger(L, 5);
  check_hop_fails(L, hop_to_first,
                  "bad argument #1 to 'noreturn' (function or Deferred expected, got number)");
  lua_pushnil(L);
  check_hop_fails(L, hop_to_itself, "DeadlockError: attempt to noreturn to the running coroutine");
  lua_settop(L, 0);
  lua_pushcfunction(L, hop);
  case_lua(L, 1, 1,
           "local hop = ...\n"
           "local co = weir.spawn(function() weir.wrap(function() hop() end)() end)\n"
           "return select(2, pcall(co.result, co))");
  check_stack(L, "'chunk:2: attempt to noreturn inside a generator'");
  return 0;
}

static void check_handlers_hop(lua_State *L, lua_CFunction body) {
  lua_pushcfunction(L, hop_in_handler);
  check_hop_fails(L, body, "attempt to noreturn inside a <close> handler");
  case_lua(L, 0, 1, "return function(it) weir.noreturn(print) end");
  check_hop_fails(L, body, "chunk:1: attempt to noreturn inside a <close> handler");
  case_lua(L, 0, 1, "return function(...) weir.noreturn(print, ...) end");
  check_hop_fails(L, body, "chunk:1: attempt to noreturn inside a <close> handler");
  /* regression 131: another variable was taken for the handler */
  case_lua(L, 0, 1, "return function(...) local own = 1; weir.noreturn(print, own, ...) end");
  check_hop_fails(L, body, "chunk:1: attempt to noreturn inside a <close> handler");
}

static int hops_in_handlers(lua_State *L) {
  check_handlers_hop(L, close_with_hop);
  check_handlers_hop(L, fail_with_hop);
  return 0;
}

const Case waiting_cases[] = {
    {"10.1 3.3 awaitk of a fired Deferred pushes the values and returns", await_fired},
    {"10.1 3.3 awaitk of a pending one goes on in k, the values above what was there",
     await_pending},
    {"10.1 3.3 every bit of a context comes back", every_context},
    {"10.1 3.3 awaitk without k: the function returns the values", without_continuation},
    {"10.1 3.3 awaitk of ten thousand values", many_values},
    {"10.1 3.3 awaitk raises a failure at its place, fired or not; pcall in Lua sees it", failures},
    {"10.1 3.3 lua_pcallk in C sees it too, and goes on", failures_in_c},
    {"10.1 5.2 a cancel is raised at awaitk; k is not called", cancelled},
    {"10.1 6.1 a paused coroutine in C is told when it is free", held},
    {"10.1 3.3 awaitk leaves with a TimeoutError when its time is over", limits},
    {"10.1 3.3 awaitk in time: the limit is forgotten", in_time},
    {"10.1 3.3 a loop that awaits, with and without switches", loops},
    {"10.1 2.4 3.2 a million fired ones awaited in one call", fired_often},
    {"10.1 3.6 awaitk, yieldk and noreturn are refused where nothing can be suspended", refused},
    {"10.1 3.7 8.4 awaitk of oneself and of what is none", wrong_awaits},
    {"10.1 3.6 awaitk in a generator", in_generator},
    {"10.1 3.6 a function of Lua's that awaits, called by lua_callk", calls_lua},
    {"10.1 5.5 a handler of lua_toclose awaits behind a cancel", cleanup},
    {"10.1 8.4 k is not called when somebody else resumes the thread", resumed_from_outside},
    {"10.1 3.4 3.5 yieldk: to the back of the ready queue, one turn each pass", turns},
    {"10.1 3.4 yieldk without k: the function returns nothing", turn_as_tail},
    {"10.1 3.4 5.9 a pending cancel is raised at yieldk", cancelled_at_yield},
    {"10.1 4.1 4.3 noreturn from body to body, with arguments", hops},
    {"10.1 4.1 noreturn through pcall closes what is open, then calls the body", hop_through_pcall},
    {"10.1 4.1 a C function that calls weir.noreturn does not go on", hop_below_c},
    {"10.1 4.1 nor one that a body in Lua calls last", hop_at_the_end},
    {"10.1 4.2 noreturn to a Deferred takes its outcome", hop_to_deferred},
    {"10.1 4.5 8.4 wrong noreturns are errors at the call", wrong_hops},
    {"10.1 4.5 8.4 noreturn is refused in a handler of lua_toclose", hops_in_handlers},
    {NULL, NULL}};
