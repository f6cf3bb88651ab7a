/* Cancel, pause, timeouts, close. */
#include "case.h"

static int wait_a_minute(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->after(L, 60, 0);
  return weir->awaitk(L, -1, -1, 0, NULL);
}

static void spawn_waiting(lua_State *L) {
  lua_pushcfunction(L, wait_a_minute);
  weir_api(L)->spawn(L, 0);
}

/* A clock that the cases drive. */
static void use_manual_clock(lua_State *L) {
  case_lua(L, 0, 0, "clock = weir.Clock(); weir.clock(clock)");
}

static void advance(lua_State *L, double seconds) {
  lua_pushnumber(L, seconds);
  case_lua(L, 1, 0, "clock:advance(...)");
}

/* ---- cancel ---- */

static int cancels(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  check(L, weir->cancel(L, 1, -1) == 1);
  check_stack(L, "D T");
  check(L, weir->outcome(L, 1, NULL) == WEIR_CANCELLED);
  lua_getfield(L, 3, "reason");
  check(L, lua_rawequal(L, 2, -1));
  lua_settop(L, 1);
  lua_pushnil(L);
  check(L, weir->cancel(L, -2, -1) == 0); /* finished */
  check_stack(L, "D");
  return 0;
}

/* Pushes a coroutine that no cancel ends. */
static void spawn_stubborn(lua_State *L) {
  case_lua(L, 0, 1, "return weir.spawn(function() while true do pcall(weir.sleep, 1) end end)");
}

static int graces(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  use_manual_clock(L);
  spawn_stubborn(L);
  lua_pushnil(L);
  check(L, weir->cancel(L, 1, 2) == 1);
  advance(L, 1.5);
  check(L, weir->status(L, 1) == WEIR_WAITING);
  advance(L, 0.5);
  check(L, weir->status(L, 1) == WEIR_CANCELLED);
  spawn_stubborn(L);
  lua_pushnil(L);
  check(L, weir->cancel(L, 2, -1) == 1); /* less than 0: as weir.grace says */
  advance(L, 4.5);
  check(L, weir->status(L, 2) == WEIR_WAITING);
  advance(L, 0.5);
  check(L, weir->status(L, 2) == WEIR_CANCELLED);
  return 0;
}

static int cancel_with_nan(lua_State *L) {
  lua_pushnil(L);
  weir_api(L)->cancel(L, 1, NAN);
  return 0;
}

static int wrong_cancels(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  check_raises(L, 1, cancel_with_nan,
               "bad argument #3 to 'cancel' (time must not be negative or NaN)");
  check(L, weir->status(L, 1) == WEIR_PENDING);
  lua_settop(L, 0);
  check_raises(L, 0, cancel_with_nan, "bad argument #1 to 'cancel' (Deferred expected, got nil)");
  return 0;
}

/* ---- pause ---- */

static int pauses(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  use_manual_clock(L);
  lua_settop(L, 0);
  weir->after(L, 1, 0);
  weir->pause(L, 1);
  weir->pause(L, -1);
  advance(L, 5);
  weir->unpause(L, 1);
  advance(L, 0.75);
  check(L, weir->status(L, 1) == WEIR_PENDING);
  weir->unpause(L, 1);
  advance(L, 0.75);
  check(L, weir->status(L, 1) == WEIR_PENDING);
  advance(L, 0.25);
  check(L, weir->status(L, 1) == WEIR_SUCCESS);
  check_stack(L, "D");
  return 0;
}

static int pause(lua_State *L) {
  weir_api(L)->pause(L, 1);
  return 0;
}
static int unpause(lua_State *L) {
  weir_api(L)->unpause(L, 1);
  return 0;
}

static int raise_word(lua_State *L) {
  return luaL_error(L, "hook");
}

static int await_it(lua_State *L) {
  return weir_api(L)->awaitk(L, 1, -1, 0, NULL);
}

static int hook_raises(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushnil(L);
  lua_pushcfunction(L, raise_word);
  lua_pushcfunction(L, raise_word);
  weir->deferred_with(L);
  lua_pushcfunction(L, await_it);
  lua_pushvalue(L, 1);
  weir->spawn(L, 1);
  lua_replace(L, 1);
  check_raises(L, 1, pause, "hook");
  check(L, weir->status(L, 1) == WEIR_PAUSED); /* all is held */
  check_raises(L, 1, unpause, "hook");
  check(L, weir->status(L, 1) == WEIR_WAITING);
  return 0;
}

static int wrong_pauses(lua_State *L) {
  weir_api(L)->deferred(L);
  check_raises(L, 1, unpause, "attempt to unpause a Deferred that is not paused");
  lua_settop(L, 0);
  lua_pushinteger(L, 1);
  check_raises(L, 1, pause, "bad argument #1 to 'pause' (Deferred expected, got number)");
  check_raises(L, 1, unpause, "bad argument #1 to 'unpause' (Deferred expected, got number)");
  return 0;
}

/* ---- timeout ---- */

static int times_out(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  use_manual_clock(L);
  weir->deferred(L);
  weir->timeout(L, -1, 2);
  check_stack(L, "D");
  advance(L, 1);
  check(L, weir->status(L, 1) == WEIR_PENDING);
  advance(L, 1);
  check(L, weir->outcome(L, 1, NULL) == WEIR_FAILURE);
  check_stack(L, "D E:TimeoutError");
  return 0;
}

static int never_times_out(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  use_manual_clock(L);
  weir->deferred(L);
  weir->timeout(L, 1, HUGE_VAL);
  advance(L, 1e9);
  check(L, weir->status(L, 1) == WEIR_PENDING);
  return 0;
}

static int negative_timeout(lua_State *L) {
  weir_api(L)->timeout(L, 1, -1);
  return 0;
}

static int wrong_timeouts(lua_State *L) {
  weir_api(L)->deferred(L);
  check_raises(L, 1, negative_timeout,
               "bad argument #2 to 'timeout' (time must not be negative or NaN)");
  lua_settop(L, 0);
  lua_pushinteger(L, 1);
  check_raises(L, 1, negative_timeout,
               "bad argument #1 to 'timeout' (Deferred expected, got number)");
  return 0;
}

/* ---- close ---- */

static int log_close(lua_State *L) {
  lua_settop(L, 2); /* from Lua 5.5 on the error is only there if there is one */
  check_stack(L, "T nil");
  case_log(L, "closed");
  return 0;
}

static int fail_to_close(lua_State *L) {
  return luaL_error(L, "not closed");
}

/* Pushes something whose __close is f. */
static void push_closable(lua_State *L, lua_CFunction f) {
  lua_newtable(L);
  lua_newtable(L);
  lua_pushcfunction(L, f);
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
}

/* Upvalue 1: what it holds open. */
static int hold_open(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_toclose(L, -1);
  weir->deferred(L);
  return weir->awaitk(L, -1, -1, 0, NULL);
}

static int closes(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  push_closable(L, log_close);
  lua_pushcclosure(L, hold_open, 1);
  weir->spawn(L, 0);
  check_stack(L, "C");
  check(L, weir->close(L, -1) == 1);
  check_log(L, "closed");
  check_stack(L, "C");
  check(L, weir->status(L, 1) == WEIR_CANCELLED);
  check(L, weir->close(L, 1) == 1); /* it has ended */
  return 0;
}

static int log_unhandled(lua_State *L) {
  case_log(L, lua_tostring(L, 1));
  return 0;
}

static int closes_with_error(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, log_unhandled);
  weir->on_unhandled(L);
  lua_settop(L, 0);
  push_closable(L, fail_to_close);
  lua_pushcclosure(L, hold_open, 1);
  weir->spawn(L, 0);
  check(L, weir->close(L, 1) == 0);
  check_stack(L, "C 'not closed'");
  weir->step(L, -1);
  check_log(L, ""); /* it counts as handled */
  check(L, weir->outcome(L, 1, NULL) == WEIR_FAILURE);
  check_stack(L, "C 'not closed' 'not closed'");
  return 0;
}

static int close(lua_State *L) {
  weir_api(L)->close(L, 1);
  return 0;
}

static int close_itself(lua_State *L) {
  weir_api(L)->current(L);
  check_raises(L, 1, close, "cannot close a running coroutine");
  return 0;
}

static int wrong_closes(lua_State *L) {
  case_inside(L, 0, close_itself);
  weir_api(L)->deferred(L);
  check_raises(L, 1, close, "bad argument #1 to 'close' (Coroutine expected, got weir.Deferred)");
  return 0;
}

static int cancel_reaches(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  spawn_waiting(L);
  lua_pushcfunction(L, await_it);
  lua_pushvalue(L, 1);
  weir->spawn(L, 1);
  lua_pushnil(L);
  check(L, weir->cancel(L, 2, -1) == 1);
  check(L, weir->status(L, 1) == WEIR_CANCELLED);
  check(L, weir->status(L, 2) == WEIR_CANCELLED);
  check_stack(L, "C C");
  return 0;
}

const Case flow_cases[] = {
    {"10.1 2.9 5.1 5.4 cancel pops the reason, and says whether there was something to cancel",
     cancels},
    {"10.1 5.2 cancel reaches what a coroutine in C waits for", cancel_reaches},
    {"10.1 5.6 cancel: grace in seconds, or the default", graces},
    {"10.1 8.4 wrong arguments of cancel are named, nothing is cancelled", wrong_cancels},
    {"10.1 6.1 6.2 pause and unpause count; a timer keeps what is left", pauses},
    {"10.1 6.2 the error of a hook is raised when all is held, or free", hook_raises},
    {"10.1 6.1 8.4 an unpause too many and other wrong ones are errors", wrong_pauses},
    {"10.1 2.7 timeout: a TimeoutError when the time is over", times_out},
    {"10.1 7.1 a timeout of infinity never comes", never_times_out},
    {"10.1 7.1 8.4 wrong arguments of timeout are named", wrong_timeouts},
    {"10.1 5.7 close runs the handlers of a C function's lua_toclose, and is 1", closes},
    {"10.1 5.7 close is 0 and pushes a handler's error", closes_with_error},
    {"10.1 5.7 8.4 close of a running one, or of no Coroutine, is an error", wrong_closes},
    {NULL, NULL}};
