/* The acts: each reads its arguments from the input and makes one call of the C interface, or, by
   places.lua, one of a function of Lua. Errors come out of them. */
#include <math.h>

#include "fuzz.h"

#define FUNCTIONS "functions" /* in the table of places: those that an act calls */

/* ---- making, firing, going on behind ---- */

static int pushes(lua_State *L) {
  int n = fuzz_byte(L) % 4;
  for (int i = 0; i < n; i++)
    fuzz_push_value(L);
  return n;
}

static int make(lua_State *L) {
  fuzz.weir->deferred(L);
  return fuzz_keep(L);
}

static int make_with(lua_State *L) {
  int which = fuzz_byte(L);
  for (int i = 0; i < 3; i++)
    if (which & (1 << i))
      fuzz_push_function(L);
    else
      lua_pushnil(L);
  fuzz.weir->deferred_with(L);
  return fuzz_keep(L);
}

static int succeed(lua_State *L) {
  fuzz.weir->succeed(L, pushes(L));
  return fuzz_keep(L);
}

static int fail(lua_State *L) {
  fuzz_push_value(L);
  fuzz.weir->fail(L);
  return fuzz_keep(L);
}

static int shield(lua_State *L) {
  fuzz_push_deferred(L);
  fuzz.weir->shield(L, 1);
  return fuzz_keep(L);
}

static int callback(lua_State *L) {
  fuzz_push_deferred(L);
  fuzz.weir->callback(L, 1, pushes(L));
  return 0;
}

static int errback(lua_State *L) {
  fuzz_push_deferred(L);
  fuzz_push_value(L);
  fuzz.weir->errback(L, 1);
  return 0;
}

static int add(lua_State *L) {
  int which = fuzz_byte(L) % 4;
  fuzz_push_deferred(L);
  fuzz_push_function(L);
  if (which == WEIR_PAIR)
    fuzz_push_function(L);
  fuzz.weir->add(L, 1, which);
  return 1;
}

static int chain(lua_State *L) {
  fuzz_push_deferred(L);
  fuzz_push_deferred(L);
  fuzz.weir->chain(L, 1, 2);
  return 0;
}

/* ---- looking ---- */

static int look(lua_State *L) {
  int n = 0, status, top = 1;
  fuzz_push_deferred(L);
  status = fuzz.weir->outcome(L, 1, &n);
  if (status < WEIR_PENDING || status > WEIR_CANCELLED)
    fuzz_broken("no such status");
  if (lua_gettop(L) != top + n || (status < WEIR_SUCCESS && n))
    fuzz_broken("other values than it says");
  if (n == 1 && fuzz.weir->is_cancelled(L, -1) != (status == WEIR_CANCELLED) &&
      status > WEIR_SUCCESS)
    fuzz_broken("cancelled by half");
  return n;
}

static int traceback(lua_State *L) {
  fuzz_push_deferred(L);
  fuzz.weir->traceback(L, 1);
  luaL_tolstring(L, 1, NULL);
  return 1;
}

/* ---- cancel and pause ---- */

static int cancel(lua_State *L) {
  fuzz_push_deferred(L);
  fuzz_push_value(L);
  lua_pushboolean(L, fuzz.weir->cancel(L, 1, fuzz_seconds(L)));
  return 1;
}

static int pause(lua_State *L) {
  fuzz_push_deferred(L);
  fuzz.weir->pause(L, 1);
  return 0;
}

static int unpause(lua_State *L) {
  fuzz_push_deferred(L);
  fuzz.weir->unpause(L, 1);
  return 0;
}

static int timeout(lua_State *L) {
  fuzz_push_deferred(L);
  fuzz.weir->timeout(L, 1, fuzz_seconds(L));
  return 0;
}

static int close(lua_State *L) {
  fuzz_push_deferred(L);
  return !fuzz.weir->close(L, 1);
}

/* ---- coroutines ---- */

/* Each wait is told once: its number is on the stack that it is on, and goes when it is told. */
static int told(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  if (lua_tointeger(L, (int)ctx) != ctx)
    fuzz_broken("a wait told twice, or on another stack");
  lua_pushnil(L);
  lua_replace(L, (int)ctx);
  return lua_gettop(L) - (int)ctx;
}

static lua_KContext mark(lua_State *L) {
  lua_KContext here = lua_gettop(L) + 1;
  lua_pushinteger(L, here);
  return here;
}

static int await(lua_State *L) {
  double seconds = fuzz_byte(L) % 2 ? -1 : fuzz_seconds(L);
  lua_KContext here;
  fuzz_push_deferred(L);
  if (fuzz_byte(L) % 2)
    return fuzz.weir->awaitk(L, 1, seconds, 0, NULL);
  here = mark(L);
  fuzz.weir->awaitk(L, 1, seconds, here, told);
  return told(L, LUA_OK, here);
}

static int yield(lua_State *L) {
  if (fuzz_byte(L) % 2)
    return fuzz.weir->yieldk(L, 0, NULL);
  return fuzz.weir->yieldk(L, mark(L), told);
}

static int push_body(lua_State *L) {
  fuzz_push_function(L);
  return pushes(L);
}

static int spawn(lua_State *L) {
  fuzz.weir->spawn(L, push_body(L));
  return fuzz_keep(L);
}

static int spawned(lua_State *L, int status, lua_KContext ctx) {
  int n = told(L, status, ctx);
  if (n != 1 || !fuzz.weir->is_deferred(L, -1))
    fuzz_broken("spawnk without a Coroutine");
  return fuzz_keep(L);
}

static int spawnk(lua_State *L) {
  lua_KContext here;
  int n;
  if (fuzz_byte(L) % 4 == 0) {
    fuzz.weir->spawnk(L, push_body(L), 0, NULL);
    return 1;
  }
  here = mark(L);
  n = push_body(L);
  fuzz.weir->spawnk(L, n, here, spawned);
  return spawned(L, LUA_OK, here);
}

static int coroutine(lua_State *L) {
  fuzz_push_function(L);
  fuzz.weir->coroutine(L, fuzz_byte(L) % 2 ? "named" : NULL);
  return fuzz_keep(L);
}

static int noreturn(lua_State *L) {
  int n;
  if (fuzz_byte(L) % 2)
    fuzz_push_value(L);
  else
    fuzz_push_function(L);
  n = pushes(L);
  return fuzz.weir->noreturn(L, n);
}

static int current(lua_State *L) {
  if (fuzz.weir->current(L))
    return fuzz_keep(L);
  return 1;
}

/* A body, callback or hook in C that does several acts, each of which may suspend it. */
static int go_on(lua_State *L, int status, lua_KContext left) {
  (void)status;
  while (left-- > 0) {
    lua_settop(L, 0);
    lua_pushcfunction(L, fuzz_act);
    lua_callk(L, 0, LUA_MULTRET, left, go_on);
  }
  return lua_gettop(L);
}

static int several(lua_State *L) {
  return go_on(L, LUA_OK, fuzz_byte(L) % 8);
}

static int start_several(lua_State *L) {
  lua_pushcfunction(L, several);
  fuzz.weir->spawn(L, 0);
  return fuzz_keep(L);
}

/* ---- time and the loop ---- */

static int after(lua_State *L) {
  double seconds = fuzz_seconds(L);
  fuzz.weir->after(L, seconds, pushes(L));
  return fuzz_keep(L);
}

static int step(lua_State *L) {
  double left = fuzz.weir->step(L, fuzz_byte(L) % 2 ? -1 : fuzz_seconds(L));
  if (!isfinite(left))
    fuzz_broken("no such deadline");
  lua_pushnumber(L, left);
  return 1;
}

static int run(lua_State *L) {
  fuzz.waits = 0;
  if (fuzz_byte(L) % 4)
    return fuzz.weir->run(L, push_body(L));
  return fuzz.weir->run(L, -1);
}

static int pass_time(lua_State *L) {
  double seconds = fuzz_seconds(L);
  if (seconds > 0 && seconds < HUGE_VAL)
    fuzz_pass(seconds);
  lua_pushnumber(L, fuzz.weir->now(L));
  lua_pushnumber(L, fuzz.weir->next_deadline(L));
  return 2;
}

static double now(void *ud) {
  (void)ud;
  return fuzz.now;
}

static int set_time(lua_State *L) {
  fuzz.weir->set_time(L, fuzz_byte(L) % 2 ? now : NULL, NULL);
  return 0;
}

/* ---- settings ---- */

static int settings(lua_State *L) {
  int i = fuzz_byte(L);
  if (i % 4 == 0) {
    lua_pushnumber(L, fuzz.weir->grace(L, fuzz_seconds(L)));
  } else if (i % 4 == 1) {
    lua_pushboolean(L, fuzz.weir->inline_runs(L, i & 64));
  } else {
    fuzz_push_function(L);
    fuzz.weir->on_unhandled(L);
  }
  return 1;
}

static int collect(lua_State *L) {
  static const int modes[] = {LUA_GCCOLLECT, LUA_GCCOLLECT, LUA_GCSTOP, LUA_GCRESTART};
  int i = fuzz_byte(L) % 8;
  if (i == 4)
    lua_gc(L, LUA_GCGEN, 0, 0);
  else if (i == 5)
    lua_gc(L, LUA_GCINC, 0, 0, 0);
  else if (i > 5)
    lua_gc(L, LUA_GCSTEP, 0);
  else
    lua_gc(L, modes[i], 0);
  return 0;
}

/* Until the call of the host ends. */
static int refuse_memory(lua_State *L) {
  int i = fuzz_byte(L);
  if (!fuzz.may_fail)
    return 0;
  memory_arm(&fuzz.memory, 1 + i / 2, i % 2 ? MEMORY_NO_LAST : 1 + i / 2);
  return 0;
}

/* ---- handles ---- */

static int push_mail(lua_State *L, void *ud) {
  (void)ud;
  return pushes(L);
}

static int push_error(lua_State *L, void *ud) {
  (void)ud;
  fuzz_push_value(L);
  return lua_error(L);
}

static void release(void *ud) {
  (void)ud;
  fuzz.released++;
}

static void told_of_cancel(weir_Handle *h, void *ud) {
  (void)ud;
  if (!fuzz.weir->handle_is_cancelled(h))
    fuzz_broken("told of a cancel that is none");
}

static weir_Handle **pick_handle(lua_State *L) {
  return &fuzz.handles[fuzz_byte(L) % FUZZ_HANDLES];
}

static int handle(lua_State *L) {
  weir_Handle **slot = pick_handle(L), *h;
  fuzz_push_deferred(L);
  h = fuzz.weir->handle(L, 1);
  if (*slot)
    fuzz.weir->handle_release(*slot);
  *slot = h;
  if (fuzz_byte(L) % 2)
    fuzz.weir->handle_on_cancel(h, told_of_cancel, NULL);
  lua_pushinteger(L, (lua_Integer)fuzz.weir->handles(L));
  return 1;
}

static int fire(lua_State *L) {
  weir_Handle *h = *pick_handle(L);
  int how = fuzz_byte(L), before, fired;
  weir_Push push = how % 4 ? push_mail : how % 8 ? push_error : NULL;
  if (!h)
    return 0;
  before = fuzz.weir->handle_is_cancelled(h);
  fuzz.accepted++;
  fired = (how & 16 ? fuzz.weir->handle_fail : fuzz.weir->handle_fire)(h, push, release, NULL);
  if (before && fired)
    fuzz_broken("a cancelled handle was fired");
  return 0;
}

static int release_handle(lua_State *L) {
  weir_Handle **slot = pick_handle(L), *h = *slot;
  if (!h)
    return 0;
  *slot = NULL;
  fuzz.weir->handle_release(fuzz.weir->handle_retain(h));
  fuzz.weir->handle_release(h);
  return 0;
}

void fuzz_release_handles(void) {
  for (int i = 0; i < FUZZ_HANDLES; i++)
    if (fuzz.handles[i])
      fuzz.weir->handle_release(fuzz.handles[i]);
}

/* ---- all of them ---- */

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

/* What can be used again. */
static int is_object(lua_State *L, int idx) {
  return lua_type(L, idx) == LUA_TUSERDATA || lua_type(L, idx) == LUA_TTABLE;
}

static int called(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  (void)ctx;
  if (lua_gettop(L) && is_object(L, -1))
    fuzz_keep(L);
  return lua_gettop(L);
}

/* One that is written in Lua: it calls a function or a method with some arguments. */
static int call_lua(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &fuzz_places);
  lua_getfield(L, -1, FUNCTIONS);
  lua_rawgeti(L, -1, 1 + fuzz_byte(L) % (int)lua_rawlen(L, -1));
  lua_replace(L, 1);
  lua_settop(L, 1);
  lua_callk(L, 0, LUA_MULTRET, 0, called);
  return called(L, LUA_OK, 0);
}

typedef struct Act {
  const char *name;
  lua_CFunction f;
} Act;

#define ACT(f)                                                                                     \
  { #f, f }

/* What leads far comes more than once. New ones go to the end: inputs have the numbers. */
static const Act acts[] = {
    ACT(nothing),   ACT(make),          ACT(make_with), ACT(succeed),       ACT(fail),
    ACT(shield),    ACT(callback),      ACT(errback),   ACT(add),           ACT(chain),
    ACT(look),      ACT(cancel),        ACT(pause),     ACT(unpause),       ACT(timeout),
    ACT(close),     ACT(await),         ACT(yield),     ACT(spawn),         ACT(spawnk),
    ACT(coroutine), ACT(noreturn),      ACT(current),   ACT(start_several), ACT(after),
    ACT(step),      ACT(run),           ACT(pass_time), ACT(set_time),      ACT(settings),
    ACT(collect),   ACT(refuse_memory), ACT(handle),    ACT(fire),          ACT(release_handle),
    ACT(traceback), ACT(several),       ACT(call_lua),  ACT(call_lua),      ACT(call_lua),
    ACT(call_lua),  ACT(call_lua),      ACT(call_lua),  ACT(spawn),         ACT(spawnk),
    ACT(await),     ACT(await),         ACT(add)};

int fuzz_act(lua_State *L) {
  const Act *act = &acts[fuzz_byte(L) % (int)(sizeof acts / sizeof *acts)];
  fuzz_trace("act %s", act->name);
  lua_settop(L, 0);
  luaL_checkstack(L, 2 * LUA_MINSTACK, NULL);
  return act->f(L);
}
