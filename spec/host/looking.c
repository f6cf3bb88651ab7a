/* What C code can learn of a Deferred. */
#include "case.h"

#include <string.h>

static int wait_a_minute(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->after(L, 60, 0);
  return weir->awaitk(L, -1, -1, 0, NULL);
}

static int look_at_itself(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  check(L, weir->current(L) == 1);
  check(L, weir->status(L, -1) == WEIR_RUNNING);
  return 0;
}

static int statuses(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  check(L, weir->status(L, 1) == WEIR_PENDING);
  lua_pushnil(L);
  weir->cancel(L, 1, -1);
  check(L, weir->status(L, 1) == WEIR_CANCELLED);
  weir->succeed(L, 0);
  check(L, weir->status(L, 2) == WEIR_SUCCESS);
  lua_pushnil(L);
  weir->fail(L);
  check(L, weir->status(L, 3) == WEIR_FAILURE);
  weir->outcome(L, 3, NULL); /* handled */
  lua_pop(L, 1);
  lua_pushcfunction(L, wait_a_minute);
  weir->spawn(L, 0);
  check(L, weir->status(L, 4) == WEIR_WAITING);
  weir->pause(L, 4);
  check(L, weir->status(L, 4) == WEIR_PAUSED);
  weir->inline_runs(L, 0);
  lua_pushcfunction(L, wait_a_minute);
  weir->spawn(L, 0);
  check(L, weir->status(L, 5) == WEIR_READY);
  weir->inline_runs(L, 1);
  case_inside(L, 0, look_at_itself);
  check_stack(L, "D D D C C");
  return 0;
}

static int status_of_held(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int n = -1;
  weir->deferred(L);
  weir->pause(L, 1);
  lua_pushinteger(L, 1);
  weir->callback(L, 1, 1);
  check(L, weir->status(L, 1) == WEIR_PENDING);
  check(L, weir->outcome(L, 1, &n) == WEIR_PENDING && n == 0);
  check_stack(L, "D");
  weir->unpause(L, 1);
  check(L, weir->outcome(L, 1, &n) == WEIR_SUCCESS && n == 1);
  check_stack(L, "D 1");
  return 0;
}

static int outcome_of_live(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  int n = -1;
  lua_pushcfunction(L, wait_a_minute);
  weir->spawn(L, 0);
  check(L, weir->outcome(L, 1, &n) == WEIR_WAITING && n == 0);
  check(L, weir->outcome(L, 1, NULL) == WEIR_WAITING);
  lua_pushliteral(L, "why");
  weir->cancel(L, 1, -1);
  check(L, weir->outcome(L, 1, &n) == WEIR_CANCELLED && n == 1);
  check_stack(L, "C E:CancelledError");
  return 0;
}

static int log_unhandled(lua_State *L) {
  case_log(L, lua_tostring(L, 1));
  return 0;
}

static int outcome_handles(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, log_unhandled);
  weir->on_unhandled(L);
  lua_pushliteral(L, "lost");
  weir->fail(L);
  lua_pushliteral(L, "seen");
  weir->fail(L);
  check(L, weir->status(L, 2) == WEIR_FAILURE); /* a look does not handle it */
  check(L, weir->outcome(L, 3, NULL) == WEIR_FAILURE);
  weir->step(L, -1);
  check_log(L, "lost");
  return 0;
}

static int cancel_errors(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushnil(L);
  weir->cancel(L, 1, -1);
  weir->outcome(L, 1, NULL);
  check(L, weir->is_cancelled(L, -1) == 1);
  check(L, weir->is_cancelled(L, 1) == 0);
  check(L, weir->is_cancelled(L, 10) == 0);
  lua_newtable(L);
  check(L, weir->is_cancelled(L, -1) == 0);
  case_lua(L, 0, 1, "return select(2, pcall(weir.run, weir.sleep, math.huge))");
  check(L, weir->is_cancelled(L, -1) == 0);
  check_stack(L, "D E:CancelledError T E:DeadlockError");
  return 0;
}

/* ---- traceback ---- */

static int traces_waiting(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  lua_pushcfunction(L, wait_a_minute);
  case_lua(L, 1, 1,
           "local wait = ...\n"
           "return weir.spawn(function()\n"
           "  wait()\n"
           "end)");
  weir->traceback(L, -1);
  check(L, lua_gettop(L) == 2);
  check(L, strstr(lua_tostring(L, 2), "chunk:3: in") != NULL);
  return 0;
}

/* It is seen itself, as it may well call another's function. */
static int trace_itself(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->current(L);
  weir->traceback(L, -1);
  return 1;
}

static int traces_running(lua_State *L) {
  lua_pushcfunction(L, trace_itself);
  case_lua(L, 1, 1,
           "local trace = ...\n"
           "return weir.spawn(function()\n"
           "  return (trace())\n"
           "end):result()");
  check(L, strncmp(lua_tostring(L, 1), "stack traceback:\n\t[C]: in ", 26) == 0);
  check(L, strstr(lua_tostring(L, 1), "\n\tchunk:3: in") != NULL);
  return 0;
}

static int traces_failed(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  case_lua(L, 0, 1,
           "return weir.spawn(function()\n"
           "  error 'oops'\n"
           "end)");
  weir->traceback(L, 1);
  check(L, strstr(lua_tostring(L, 2), "chunk:2: in") != NULL);
  lua_settop(L, 1);
  check(L, weir->outcome(L, 1, NULL) == WEIR_FAILURE);
  check_stack(L, "C 'chunk:2: oops'");
  return 0;
}

static int trace(lua_State *L) {
  weir_api(L)->traceback(L, 1);
  return 0;
}
static int look(lua_State *L) {
  weir_api(L)->status(L, 1);
  return 0;
}
static int take(lua_State *L) {
  weir_api(L)->outcome(L, 1, NULL);
  return 0;
}

static int wrong_looks(lua_State *L) {
  weir_api(L)->deferred(L);
  check_raises(L, 1, trace,
               "bad argument #1 to 'traceback' (Coroutine expected, got weir.Deferred)");
  lua_settop(L, 0);
  lua_pushboolean(L, 1);
  check_raises(L, 1, look, "bad argument #1 to 'status' (Deferred expected, got boolean)");
  check_raises(L, 1, take, "bad argument #1 to 'outcome' (Deferred expected, got boolean)");
  check_raises(L, 1, trace, "bad argument #1 to 'traceback' (Coroutine expected, got boolean)");
  return 0;
}

const Case looking_cases[] = {
    {"10.1 2.8 status is one of eight", statuses},
    {"10.1 2.8 6.1 fired and held is pending: outcome pushes nothing", status_of_held},
    {"10.1 2.8 outcome of a live Coroutine is its status, then its error", outcome_of_live},
    {"10.1 2.8 8.1 outcome handles a failure, status does not", outcome_handles},
    {"10.1 5.4 is_cancelled knows cancel errors", cancel_errors},
    {"10.1 8.2 traceback of a coroutine that waits in a C function", traces_waiting},
    {"10.1 8.2 traceback of the running one begins with the C function that asks", traces_running},
    {"10.1 8.2 traceback of a failed one says where", traces_failed},
    {"10.1 8.4 a look at something else is an error", wrong_looks},
    {NULL, NULL}};
