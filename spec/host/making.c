/* Deferreds from C: pending, with hooks, fired, shielded. */
#include "case.h"

#include <string.h>

/* ---- hooks in C ---- */

static int log_cancel(lua_State *L) {
  check_stack(L, "D");
  case_log(L, "cancel");
  return 0;
}

static int log_pause(lua_State *L) {
  check_stack(L, "D");
  case_log(L, "pause");
  return 0;
}

static int log_unpause(lua_State *L) {
  check_stack(L, "D");
  case_log(L, "unpause");
  return 0;
}

/* ---- cases ---- */

static int pending(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushliteral(L, "below");
  weir->deferred(L);
  check_stack(L, "'below' D");
  check(L, weir->status(L, 2) == WEIR_PENDING);
  check(L, weir->is_deferred(L, -1) == 1);
  check(L, weir->is_deferred(L, 1) == 0);
  return 0;
}

static int with_hooks(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushliteral(L, "below");
  lua_pushcfunction(L, log_cancel);
  lua_pushcfunction(L, log_pause);
  lua_pushcfunction(L, log_unpause);
  weir->deferred_with(L);
  check_stack(L, "'below' D");
  weir->pause(L, 2);
  check_log(L, "pause");
  weir->unpause(L, 2);
  check_log(L, "unpause");
  lua_pushnil(L);
  check(L, weir->cancel(L, 2, -1) == 1);
  check_log(L, "cancel");
  check(L, weir->status(L, 2) == WEIR_CANCELLED);
  return 0;
}

static int with_some_hooks(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  for (int i = 0; i < 3; i++)
    lua_pushnil(L);
  weir->deferred_with(L);
  lua_pushcfunction(L, log_cancel);
  lua_pushnil(L);
  lua_pushnil(L);
  weir->deferred_with(L);
  lua_pushnil(L);
  lua_pushcfunction(L, log_pause);
  lua_pushnil(L);
  weir->deferred_with(L);
  check_stack(L, "D D D");
  for (int i = 1; i <= 3; i++) {
    weir->pause(L, i);
    weir->unpause(L, i);
    lua_pushnil(L);
    check(L, weir->cancel(L, i, -1) == 1);
  }
  check_log(L, "cancel pause");
  check_stack(L, "D D D");
  return 0;
}

/* A closure holds what it needs: here a timer that it stops. */
static int stop_timer(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushnil(L);
  check(L, weir->cancel(L, lua_upvalueindex(1), -1) == 1);
  return 0;
}

static int with_closures(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->after(L, 60, 0);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, stop_timer, 1);
  lua_pushnil(L);
  lua_pushnil(L);
  weir->deferred_with(L);
  check_stack(L, "D D");
  lua_pushliteral(L, "enough");
  check(L, weir->cancel(L, 2, -1) == 1);
  check(L, weir->status(L, 1) == WEIR_CANCELLED);
  return 0;
}

static int make_with(lua_State *L) {
  weir_api(L)->deferred_with(L);
  return 0;
}

static int wrong_hooks(lua_State *L) {
  lua_pushnil(L);
  lua_pushcfunction(L, log_pause);
  lua_pushinteger(L, 1);
  check_raises(L, 3, make_with,
               "bad argument #1 to 'deferred_with' (hook 'unpause' is not a function)");
  lua_pushliteral(L, "f");
  lua_pushnil(L);
  lua_pushnil(L);
  check_raises(L, 3, make_with,
               "bad argument #1 to 'deferred_with' (hook 'cancel' is not a function)");
  return 0;
}

static int succeeded(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int n = -1;
  lua_pushliteral(L, "below");
  weir->succeed(L, 0);
  check_stack(L, "'below' D");
  check(L, weir->outcome(L, -1, &n) == WEIR_SUCCESS && n == 0);
  lua_pushinteger(L, 1);
  weir->succeed(L, 1);
  check_stack(L, "'below' D D");
  check(L, weir->outcome(L, -1, &n) == WEIR_SUCCESS && n == 1);
  check_stack(L, "'below' D D 1");
  lua_pushnil(L);
  lua_pushliteral(L, "b");
  weir->succeed(L, 3);
  check_stack(L, "'below' D D D");
  check(L, weir->outcome(L, 4, &n) == WEIR_SUCCESS && n == 3);
  check_stack(L, "'below' D D D 1 nil 'b'");
  return 0;
}

static int succeed_with_three(lua_State *L) {
  weir_api(L)->succeed(L, 3);
  return 0;
}

static int deferred_as_value(lua_State *L) {
  lua_pushinteger(L, 1);
  lua_pushinteger(L, 2);
  weir_api(L)->deferred(L);
  check_raises(L, 3, succeed_with_three,
               "bad argument #3 to 'succeed' (a Deferred cannot be a value)");
  return 0;
}

static int failed(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int n;
  lua_pushliteral(L, "below");
  lua_pushliteral(L, "oops");
  weir->fail(L);
  check_stack(L, "'below' D");
  check(L, weir->outcome(L, 2, &n) == WEIR_FAILURE && n == 1);
  check_stack(L, "'below' D 'oops'");
  lua_settop(L, 0);
  lua_pushnil(L);
  weir->fail(L);
  check(L, weir->outcome(L, 1, &n) == WEIR_FAILURE && n == 1);
  check_stack(L, "D nil");
  return 0;
}

static int shielded(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int n;
  weir->deferred(L);
  weir->shield(L, -1);
  weir->shield(L, 1);
  check_stack(L, "D D D");
  weir->pause(L, 2);
  lua_pushnil(L);
  check(L, weir->cancel(L, 2, -1) == 1);
  check(L, weir->status(L, 1) == WEIR_PENDING);
  lua_pushinteger(L, 7);
  weir->callback(L, 1, 1);
  check(L, weir->outcome(L, 3, &n) == WEIR_SUCCESS && n == 1);
  check(L, weir->status(L, 2) == WEIR_CANCELLED);
  check_stack(L, "D D D 7");
  return 0;
}

static int shield_it(lua_State *L) {
  weir_api(L)->shield(L, 1);
  return 0;
}

static int wrong_shield(lua_State *L) {
  lua_pushliteral(L, "x");
  check_raises(L, 1, shield_it, "bad argument #1 to 'shield' (Deferred expected, got string)");
  return 0;
}

static int no_deferreds(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushnil(L);
  memset(lua_newuserdatauv(L, 1000, 0), 'x', 1000);
  lua_pushlightuserdata(L, L);
  case_lua(L, 0, 1, "return weir.Clock()");
  for (int i = 1; i <= 5; i++) /* 5: none */
    check(L, weir->is_deferred(L, i) == 0);
  check_stack(L, "nil U U U");
  return 0;
}

/* What is new has in it what the collector has freed there. */
static int stale_memory(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int taken = 0;
  for (int i = 0; i < 1000; i++) {
    case_lua(L, 0, 0, "return weir.Deferred(), weir.spawn(weir.yield), weir.Clock()");
    weir->deferred(L);
    lua_settop(L, 0);
  }
  lua_gc(L, LUA_GCCOLLECT);
  for (size_t size = 64; size < 400; size += 8)
    for (int slots = 0; slots < 8; slots++) {
      lua_newuserdatauv(L, size, slots);
      taken += weir->is_deferred(L, -1);
      case_lua(L, 1, 0, "local is_clock = pcall(weir.clock, ...); assert(not is_clock)");
    }
  check(L, taken == 0);
  return 0;
}

const Case making_cases[] = {
    {"10.1 2.1 deferred pushes a pending Deferred and leaves the rest", pending},
    {"10.1 2.1 6.2 deferred_with: three hooks in C are called with the Deferred", with_hooks},
    {"10.1 2.1 deferred_with: each hook may be nil", with_some_hooks},
    {"10.1 2.1 deferred_with: a hook is a closure over a Deferred, at an upvalue's index",
     with_closures},
    {"10.1 2.1 8.4 deferred_with names the hook that is no function", wrong_hooks},
    {"10.1 2.11 1.1 succeed pops n values, nil among them", succeeded},
    {"10.1 2.2 8.4 succeed refuses a Deferred, and numbers it", deferred_as_value},
    {"10.1 2.11 1.1 fail pops the error, nil too", failed},
    {"10.1 5.3 a shield passes neither cancel nor pause on", shielded},
    {"10.1 8.4 shield of something else names it", wrong_shield},
    {"10.1 2.11 is_deferred is 0 for all else, also where there is nothing", no_deferreds},
    {"10.1 8.4 is_deferred is 0 for memory in which one was, and it is no clock", stale_memory},
    {NULL, NULL}};
