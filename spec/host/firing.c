/* Firing, callbacks in C, chains. */
#include "case.h"

/* ---- firing ---- */

static int fires(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int n;
  weir->deferred(L);
  lua_pushliteral(L, "between");
  lua_pushinteger(L, 1);
  lua_pushnil(L);
  weir->callback(L, 1, 2);
  check_stack(L, "D 'between'");
  check(L, weir->outcome(L, 1, &n) == WEIR_SUCCESS && n == 2);
  check_stack(L, "D 'between' 1 nil");
  lua_settop(L, 0);
  weir->deferred(L);
  weir->callback(L, -1, 0);
  check_stack(L, "D");
  check(L, weir->outcome(L, 1, NULL) == WEIR_SUCCESS);
  check_stack(L, "D");
  return 0;
}

static int fires_failure(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushliteral(L, "between");
  lua_newtable(L);
  lua_pushvalue(L, -1);
  weir->errback(L, -4);
  check_stack(L, "D 'between' T");
  check(L, weir->outcome(L, 1, NULL) == WEIR_FAILURE);
  check(L, lua_rawequal(L, 3, 4));
  return 0;
}

/* Arguments of these: the Deferred, and what else is on the stack. */
static int callback(lua_State *L) {
  weir_api(L)->callback(L, 1, lua_gettop(L) - 1);
  return 0;
}

static int errback(lua_State *L) {
  weir_api(L)->errback(L, 1);
  return 0;
}

static int fires_once(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushinteger(L, 1);
  weir->callback(L, 1, 1);
  check_raises(L, 1, callback, "AlreadyCalledError: Deferred has been fired already");
  lua_pushinteger(L, 2);
  check_raises(L, 2, errback, "AlreadyCalledError: Deferred has been fired already");
  lua_settop(L, 1);
  check(L, weir->outcome(L, 1, NULL) == WEIR_SUCCESS);
  check_stack(L, "D 1");
  return 0;
}

static int late_fire(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushnil(L);
  check(L, weir->cancel(L, 1, -1) == 1);
  lua_pushinteger(L, 1);
  lua_pushinteger(L, 2);
  weir->callback(L, 1, 2); /* dropped */
  check_stack(L, "D");
  check_raises(L, 1, callback, "AlreadyCalledError: Deferred has been fired already");
  return 0;
}

static int wait_a_minute(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->after(L, 60, 0);
  return weir->awaitk(L, -1, -1, 0, NULL);
}

static int coroutines_are_not_fired(lua_State *L) {
  lua_pushcfunction(L, wait_a_minute);
  weir_api(L)->spawn(L, 0);
  check_raises(L, 1, callback, "attempt to callback a Coroutine");
  lua_pushnil(L);
  check_raises(L, 2, errback, "attempt to errback a Coroutine");
  return 0;
}

static int wrong_fires(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushinteger(L, 1);
  weir->deferred(L);
  check_raises(L, 3, callback, "bad argument #3 to 'callback' (a Deferred cannot be a value)");
  check(L, weir->status(L, 1) == WEIR_PENDING);
  lua_settop(L, 0);
  lua_newtable(L);
  check_raises(L, 1, callback, "bad argument #1 to 'callback' (Deferred expected, got table)");
  lua_settop(L, 0);
  case_lua(L, 0, 2, "return weir.Clock(), 1");
  check_raises(L, 2, errback, "bad argument #1 to 'errback' (Deferred expected, got weir.Clock)");
  lua_settop(L, 0);
  lua_pushlightuserdata(L, L);
  check_raises(L, 1, callback,
               "bad argument #1 to 'callback' (Deferred expected, got light userdata)");
  check_raises(L, 0, callback, "bad argument #1 to 'callback' (Deferred expected, got no value)");
  return 0;
}

static int place_of_error(lua_State *L) {
  weir_api(L)->succeed(L, 0);
  lua_pushcfunction(L, callback);
  case_lua(L, 2, 1,
           "local d, callback = ...\n"
           "return select(2, pcall(function() callback(d) end))");
  luaL_tolstring(L, 1, NULL);
  lua_replace(L, 1);
  check_stack(L, "'AlreadyCalledError: chunk:2: Deferred has been fired already'");
  return 0;
}

/* ---- callbacks ---- */

static int twice(lua_State *L) {
  check_stack(L, "1 2");
  lua_pushinteger(L, 2 * lua_tointeger(L, 1));
  lua_pushinteger(L, 2 * lua_tointeger(L, 2));
  return 2;
}

static int log_both(lua_State *L) {
  case_log(L, lua_toboolean(L, 1) ? "success" : "failure");
  return lua_gettop(L) - 1;
}

static int raise_it(lua_State *L) {
  return lua_error(L);
}

static int rescue(lua_State *L) {
  check_stack(L, "4");
  lua_pushliteral(L, "rescued");
  return 1;
}

static int callbacks(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushliteral(L, "between");
  lua_pushcfunction(L, rescue); /* no failure yet */
  weir->add(L, 1, WEIR_ERRBACK);
  lua_pushcfunction(L, twice);
  weir->add(L, 1, WEIR_CALLBACK);
  lua_pushcfunction(L, log_both);
  weir->add(L, 1, WEIR_BOTH);
  lua_pushcfunction(L, raise_it);
  lua_pushcfunction(L, rescue);
  weir->add(L, 1, WEIR_PAIR); /* the errback is for another's failure */
  check_stack(L, "D 'between'");
  lua_pushinteger(L, 1);
  lua_pushinteger(L, 2);
  weir->callback(L, 1, 2);
  check(L, weir->outcome(L, 1, NULL) == WEIR_FAILURE);
  check_stack(L, "D 'between' 4");
  lua_settop(L, 1);
  lua_pushcfunction(L, log_both);
  weir->add(L, 1, WEIR_BOTH);
  check_log(L, "success failure");
  return 0;
}

static int pairs(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushnil(L);
  lua_pushcfunction(L, raise_it);
  weir->add(L, 1, WEIR_PAIR);
  lua_pushcfunction(L, raise_it);
  lua_pushnil(L);
  weir->add(L, 1, WEIR_PAIR);
  lua_pushcfunction(L, raise_it);
  lua_pushcfunction(L, rescue);
  weir->add(L, 1, WEIR_PAIR);
  check_stack(L, "D");
  lua_pushinteger(L, 4);
  weir->callback(L, 1, 1);
  check(L, weir->outcome(L, 1, NULL) == WEIR_SUCCESS);
  check_stack(L, "D 'rescued'");
  lua_settop(L, 0);
  lua_pushinteger(L, 4);
  weir->fail(L);
  lua_pushnil(L);
  lua_pushcfunction(L, rescue);
  weir->add(L, 1, WEIR_PAIR);
  check(L, weir->outcome(L, 1, NULL) == WEIR_SUCCESS);
  check_stack(L, "D 'rescued'");
  return 0;
}

static int give_deferred(lua_State *L) {
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  return 1;
}

static int returned_deferred(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  weir->succeed(L, 0);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, give_deferred, 1);
  weir->add(L, 2, WEIR_CALLBACK);
  check(L, weir->status(L, 2) == WEIR_PENDING);
  lua_pushliteral(L, "late");
  weir->callback(L, 1, 1);
  check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
  check_stack(L, "D D 'late'");
  return 0;
}

/* Arguments: a Deferred, and what is to be added. */
static int add_pair(lua_State *L) {
  weir_api(L)->add(L, 1, WEIR_PAIR);
  return 0;
}
static int add_callback(lua_State *L) {
  weir_api(L)->add(L, 1, WEIR_CALLBACK);
  return 0;
}
static int add_wrong_kind(lua_State *L) {
  weir_api(L)->add(L, 1, WEIR_PAIR + 1);
  return 0;
}

static int wrong_adds(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushnil(L);
  check_raises(L, 2, add_callback, "bad argument #2 to 'add' (function expected, got nil)");
  lua_pushnil(L);
  check_raises(L, 3, add_pair, "bad argument #2 to 'add' (function expected, got nil)");
  lua_settop(L, 2);
  lua_pushinteger(L, 1);
  check_raises(L, 3, add_pair, "bad argument #3 to 'add' (function expected, got number)");
  lua_settop(L, 1);
  lua_pushcfunction(L, twice);
  check_raises(L, 2, add_wrong_kind, "bad argument #3 to 'add' (4 is no kind of callback)");
  lua_replace(L, 1);
  lua_pushvalue(L, 1);
  check_raises(L, 2, add_callback, "bad argument #1 to 'add' (Deferred expected, got function)");
  return 0;
}

static int awaits(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->succeed(L, 0);
  return weir->awaitk(L, -1, -1, 0, NULL);
}

static int callback_in_coroutine(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->succeed(L, 0);
  lua_pushcfunction(L, awaits);
  weir->add(L, -2, WEIR_CALLBACK);
  check(L, weir->outcome(L, 1, NULL) == WEIR_FAILURE);
  check_stack(L, "D 'attempt to await outside a coroutine'");
  return 0;
}

static int callbacks_do_not_await(lua_State *L) {
  case_inside(L, 0, callback_in_coroutine);
  return 0;
}

/* ---- chains ---- */

static int chain(lua_State *L) {
  weir_api(L)->chain(L, 1, 2);
  return 0;
}

static int chained(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  weir->deferred(L);
  weir->chain(L, -2, -1);
  check_stack(L, "D D");
  lua_pushinteger(L, 5);
  weir->callback(L, 1, 1);
  check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
  check_stack(L, "D D 5");
  return 0;
}

static int wrong_chains(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushvalue(L, 1);
  check_raises(L, 2, chain, "bad argument #2 to 'chain' (a Deferred cannot be chained to itself)");
  lua_settop(L, 1);
  weir->succeed(L, 0);
  check_raises(L, 2, chain, "bad argument #2 to 'chain' (Deferred has been fired already)");
  lua_settop(L, 1);
  lua_pushcfunction(L, wait_a_minute);
  weir->spawn(L, 0);
  check_raises(L, 2, chain, "bad argument #2 to 'chain' (a Coroutine cannot be fired)");
  lua_settop(L, 1);
  check_raises(L, 1, chain, "bad argument #2 to 'chain' (Deferred expected, got no value)");
  return 0;
}

static int long_chain(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int most = case_scale(1000000);
  weir->deferred(L);
  weir->deferred(L);
  weir->chain(L, 1, 2);
  for (int i = 0; i < most; i++) {
    weir->deferred(L);
    weir->chain(L, 2, 3);
    lua_replace(L, 2);
  }
  check_stack(L, "D D");
  lua_pushliteral(L, "through");
  weir->callback(L, 1, 1);
  check(L, weir->outcome(L, 2, NULL) == WEIR_SUCCESS);
  check_stack(L, "D D 'through'");
  return 0;
}

static int many_values(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int n = 0, most = 100000;
  weir->deferred(L);
  luaL_checkstack(L, most, NULL);
  for (int i = 1; i <= most; i++)
    lua_pushinteger(L, i);
  weir->callback(L, 1, most);
  check_stack(L, "D");
  check(L, weir->outcome(L, 1, &n) == WEIR_SUCCESS && n == most);
  check(L, lua_gettop(L) == most + 1 && lua_tointeger(L, 2) == 1 && lua_tointeger(L, -1) == most);
  return 0;
}

const Case firing_cases[] = {
    {"10.1 2.2 callback pops n values and fires", fires},
    {"10.1 2.2 1.1 errback pops the error, whose identity is kept", fires_failure},
    {"10.1 2.2 firing twice raises AlreadyCalledError and changes nothing", fires_once},
    {"10.1 2.2 one late fire behind a cancel is dropped, with its values", late_fire},
    {"10.1 2.2 a Coroutine is not fired from outside", coroutines_are_not_fired},
    {"10.1 8.4 wrong arguments of callback and errback are named and numbered", wrong_fires},
    {"10.1 8.4 an error has the place of the Lua code that called the C function", place_of_error},
    {"10.1 2.3 add: callback, errback, both, pair in C; what they return or raise goes on",
     callbacks},
    {"10.1 2.3 add: either of a pair may be nil", pairs},
    {"10.1 2.3 a callback in C that returns one Deferred waits for it", returned_deferred},
    {"10.1 2.3 8.4 wrong arguments of add are named and numbered", wrong_adds},
    {"10.1 2.3 a callback in C may not await, in a coroutine either", callbacks_do_not_await},
    {"10.1 2.6 chain passes the outcome on", chained},
    {"10.1 2.6 8.4 what may not be chained is an error at the call", wrong_chains},
    {"10.1 2.4 a million chained from C fire with a flat C stack", long_chain},
    {"10.1 2.2 as many values as the stack of Lua takes", many_values},
    {NULL, NULL}};
