/*
** The C interface: the table that weir_api finds. Like the functions of Lua, these check arguments
** and call the core, mostly through what both have in lib.h.
*/
#include <math.h>

#include "cancel.h"
#include "continue.h"
#include "describe.h"
#include "failure.h"
#include "handle.h"
#include "lib.h"
#include "sched.h"
#include "tail.h"

/* Each function begins so. */
static weir_State *enter(lua_State *L) {
  weir_State *S;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  S = weir_state_get(L);
  if (!S || !S->is_open)
    luaL_error(L, "weir is not open in this state");
  else if (lua_status(L) != LUA_OK) /* an error on L itself would end the coroutine */
    luaL_error(S->main, "attempt to use the thread of a suspended coroutine");
  return S;
}

/* An optional time: less than 0 stands for another. */
static double check_optional(lua_State *L, double seconds, double otherwise, int arg,
                             const char *of) {
  return seconds < 0 ? otherwise : weir_check_time(L, seconds, arg, of);
}

/* ---- making Deferreds ---- */

static void deferred(lua_State *L) {
  weir_deferred_new(L, enter(L), KIND_DEFERRED, sizeof(weir_Deferred));
}

static void deferred_with(lua_State *L) {
  weir_lib_hooked(L, enter(L));
}

static void succeed(lua_State *L, int n) {
  weir_State *S = enter(L);
  weir_check_values(L, S, n, 1, "succeed");
  weir_lib_settled(L, S, n, 0);
}

static void fail(lua_State *L) {
  weir_lib_settled(L, enter(L), 1, 1);
}

static void shield(lua_State *L, int idx) {
  weir_lib_shield(L, enter(L), lua_absindex(L, idx), "shield");
}

static int is_deferred(lua_State *L, int idx) {
  return weir_deferred_at(L, enter(L), idx) != NULL;
}

/* ---- firing, and going on behind ---- */

static void callback(lua_State *L, int idx, int n) {
  weir_lib_fire(L, enter(L), lua_absindex(L, idx), n, 0, "callback");
}

static void errback(lua_State *L, int idx) {
  weir_lib_fire(L, enter(L), lua_absindex(L, idx), 1, 1, "errback");
}

static void add(lua_State *L, int idx, int which) {
  weir_State *S = enter(L);
  int n = which == WEIR_PAIR ? 2 : 1;
  idx = lua_absindex(L, idx);
  if (which < WEIR_CALLBACK || which > WEIR_PAIR)
    weir_bad_argument(L, 3, "add", lua_pushfstring(L, "%d is no kind of callback", which));
  weir_lib_add(L, S, idx, (weir_Call)which, lua_gettop(L) - n + 1, "add");
  lua_pop(L, n);
}

static void chain(lua_State *L, int from, int to) {
  weir_lib_chain(L, enter(L), lua_absindex(L, from), lua_absindex(L, to), "chain");
}

/* ---- looking ---- */

static int status(lua_State *L, int idx) {
  weir_State *S = enter(L);
  weir_check_deferred_at(L, S, idx, 1, "status");
  return weir_describe_look(L, S, lua_absindex(L, idx));
}

static int outcome(lua_State *L, int idx, int *n) {
  weir_State *S = enter(L);
  int status, pushed = 0;
  idx = lua_absindex(L, idx);
  weir_check_deferred_at(L, S, idx, 1, "outcome");
  status = weir_describe_look(L, S, idx);
  if (status >= WEIR_SUCCESS)
    pushed = weir_lib_outcome(L, S, idx);
  if (n)
    *n = pushed;
  return status;
}

static int is_cancelled(lua_State *L, int idx) {
  weir_State *S = enter(L);
  return weir_error_is(L, S, lua_absindex(L, idx), ERROR_CANCELLED);
}

static void traceback(lua_State *L, int idx) {
  weir_lib_traceback(L, enter(L), lua_absindex(L, idx), 0, "traceback");
}

/* ---- cancel and pause ---- */

static int cancel(lua_State *L, int idx, double grace) {
  weir_State *S = enter(L);
  weir_check_deferred_at(L, S, idx, 1, "cancel");
  grace = check_optional(L, grace, S->grace, 3, "cancel");
  return weir_lib_cancel(L, S, lua_absindex(L, idx), grace);
}

static void pause(lua_State *L, int idx) {
  weir_lib_pause(L, enter(L), lua_absindex(L, idx), 1, "pause");
}

static void unpause(lua_State *L, int idx) {
  weir_lib_pause(L, enter(L), lua_absindex(L, idx), -1, "unpause");
}

static void timeout(lua_State *L, int idx, double seconds) {
  weir_State *S = enter(L);
  idx = lua_absindex(L, idx);
  weir_check_deferred_at(L, S, idx, 1, "timeout");
  weir_check_time(L, seconds, 2, "timeout");
  weir_state_push(L, S, HOME_LOOP_CLOCK);
  weir_lib_timeout(L, S, idx, lua_gettop(L), seconds);
  lua_pop(L, 1);
}

static int close(lua_State *L, int idx) {
  return weir_lib_close(L, enter(L), lua_absindex(L, idx), "close");
}

/* ---- coroutines ---- */

static void coroutine(lua_State *L, const char *name) {
  enter(L);
  lua_pushstring(L, name);
  weir_lib_decorate(L, "coroutine");
}

static void spawn(lua_State *L, int n) {
  weir_State *S = enter(L);
  weir_lib_coroutine_of(L, S, n, "spawn");
  weir_sched_start(L, S);
}

/* The running coroutine, if the C function that runs on L can be left; else NULL. */
static weir_Coroutine *suspendable(lua_State *L, const weir_State *S) {
  weir_Coroutine *c = weir_sched_suspendable(L, S);
  return c && !weir_continue_in_hook(L) ? c : NULL;
}

/* The same; raises instead. */
static weir_Coroutine *check_place(lua_State *L, const weir_State *S, const char *what) {
  weir_Coroutine *c = weir_await_check(L, S, what, 1);
  if (weir_continue_in_hook(L))
    luaL_error(L, "attempt to %s inside a hook", what);
  return c;
}

static weir_Continuation continuation(lua_KFunction k, lua_KContext ctx) {
  weir_Continuation to = {k, ctx};
  return to;
}

static void spawnk(lua_State *L, int n, lua_KContext ctx, lua_KFunction k) {
  weir_State *S = enter(L);
  weir_lib_coroutine_of(L, S, n, "spawn");
  if (suspendable(L, S))
    weir_continue_spawn(L, S, continuation(k, ctx));
  else
    weir_sched_start(L, S);
}

static int awaitk(lua_State *L, int idx, double seconds, lua_KContext ctx, lua_KFunction k) {
  weir_State *S = enter(L);
  weir_Coroutine *c;
  weir_check_deferred_at(L, S, idx, 1, "await");
  seconds = check_optional(L, seconds, HUGE_VAL, 2, "await");
  c = check_place(L, S, "await");
  return weir_continue_await(L, S, c, lua_absindex(L, idx), seconds, continuation(k, ctx));
}

static int yieldk(lua_State *L, lua_KContext ctx, lua_KFunction k) {
  weir_State *S = enter(L);
  return weir_continue_turn(L, S, check_place(L, S, "yield"), continuation(k, ctx));
}

static int noreturn(lua_State *L, int n) {
  weir_State *S = enter(L);
  weir_check_body(L, S, lua_gettop(L) - n, "noreturn");
  check_place(L, S, "noreturn");
  return weir_tail_noreturn(L, S, n, 0);
}

static int current(lua_State *L) {
  return weir_lib_current(L, enter(L));
}

/* ---- time and the loop ---- */

static double now(lua_State *L) {
  return weir_clock_now(lua_touserdata(enter(L)->home, HOME_LOOP_CLOCK));
}

static void after(lua_State *L, double seconds, int n) {
  weir_State *S = enter(L);
  int clock = lua_gettop(L) - n + 1;
  weir_check_time(L, seconds, 1, "after");
  weir_check_values(L, S, n, 2, "after");
  weir_state_push(L, S, HOME_LOOP_CLOCK);
  lua_insert(L, clock);
  weir_lib_after(L, S, clock, seconds, n);
  lua_remove(L, clock);
}

static double step(lua_State *L, double budget) {
  weir_State *S = enter(L);
  return weir_lib_step(L, S, check_optional(L, budget, HUGE_VAL, 1, "step"));
}

static double next_deadline(lua_State *L) {
  return weir_lib_next(enter(L));
}

static int run(lua_State *L, int n) {
  weir_State *S = enter(L);
  if (n >= 0)
    return weir_lib_run(L, S, n, "run");
  weir_lib_run_all(L, S);
  return 0;
}

static void set_time(lua_State *L, double (*source)(void *ud), void *ud) {
  weir_State *S = enter(L);
  weir_Clock *root = lua_touserdata(S->home, HOME_ROOT_CLOCK);
  weir_cancel_end_turn(L, S); /* a grace time that is to come is one of the old clock */
  if (weir_clock_armed(root))
    luaL_error(L, "attempt to set the time while timers are armed");
  root->source = source;
  root->source_ud = ud;
}

/* ---- settings ---- */

static int inline_runs(lua_State *L, int on) {
  weir_State *S = enter(L);
  int old = S->inline_runs;
  S->inline_runs = on != 0;
  return old;
}

static double grace(lua_State *L, double seconds) {
  weir_State *S = enter(L);
  double old = S->grace;
  S->grace = weir_check_time(L, seconds, 1, "grace");
  return old;
}

static void on_unhandled(lua_State *L) {
  weir_lib_on_unhandled(L, enter(L), "on_unhandled");
}

/* ---- other threads ---- */

static weir_Handle *handle(lua_State *L, int idx) {
  weir_State *S = enter(L);
  const weir_Deferred *d = weir_check_deferred_at(L, S, idx, 1, "handle");
  weir_Handle *h;
  if (weir_is_coroutine(d))
    weir_bad_argument(L, 1, "handle", "a Coroutine cannot be fired");
  if (d->phase != PHASE_PENDING)
    weir_bad_argument(L, 1, "handle", "Deferred has been fired already");
  h = weir_handle_of(L, S, lua_absindex(L, idx));
  weir_sched_tell(L, S);
  return h;
}

static void handle_on_cancel(weir_Handle *h, void (*f)(weir_Handle *h, void *ud), void *ud) {
  h->on_cancel = f;
  h->cancel_ud = ud;
}

static size_t handles(lua_State *L) {
  return weir_handle_count(enter(L));
}

static void set_wait(lua_State *L, void (*wait)(lua_State *L, double seconds, void *ud),
                     void (*wake)(void *ud), void *ud) {
  weir_State *S = enter(L);
  if (wake || S->mailbox)
    weir_mailbox_set_wake(weir_handle_mailbox(L, S), wake, ud);
  S->wait = wait;
  S->wait_ud = ud;
}

const weir_Api weir_api_table = {
    .version = WEIR_VERSION_NUM,
    .size = sizeof(weir_Api),
    .deferred = deferred,
    .deferred_with = deferred_with,
    .succeed = succeed,
    .fail = fail,
    .shield = shield,
    .is_deferred = is_deferred,
    .callback = callback,
    .errback = errback,
    .add = add,
    .chain = chain,
    .status = status,
    .outcome = outcome,
    .is_cancelled = is_cancelled,
    .traceback = traceback,
    .cancel = cancel,
    .pause = pause,
    .unpause = unpause,
    .timeout = timeout,
    .close = close,
    .coroutine = coroutine,
    .spawn = spawn,
    .spawnk = spawnk,
    .awaitk = awaitk,
    .yieldk = yieldk,
    .noreturn = noreturn,
    .current = current,
    .now = now,
    .after = after,
    .step = step,
    .next_deadline = next_deadline,
    .run = run,
    .set_time = set_time,
    .inline_runs = inline_runs,
    .grace = grace,
    .on_unhandled = on_unhandled,
    .handle = handle,
    .handle_on_cancel = handle_on_cancel,
    .handles = handles,
    .set_wait = set_wait,
    .handle_fire = weir_handle_fire,
    .handle_fail = weir_handle_fail,
    .handle_is_cancelled = weir_handle_is_cancelled,
    .handle_retain = weir_handle_retain,
    .handle_release = weir_handle_release,
    .pin = weir_platform_pin,
};
