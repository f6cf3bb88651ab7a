#include "describe.h"

#include "clock.h"
#include "coroutine.h"
#include "failure.h"
#include "live.h"
#include "quiet.h"

#define LINES_MOST 50 /* of a list of live coroutines */

static const weir_Coroutine *as_coroutine(const weir_Deferred *d) {
  return (const weir_Coroutine *)(const void *)d;
}

static int is_waiting(const weir_Coroutine *c) {
  return c->life == LIFE_WAITING || c->life == LIFE_ASLEEP;
}

static int live_status(const weir_Coroutine *c) {
  if (c->life == LIFE_RUNNING || c->life == LIFE_CALLING)
    return WEIR_RUNNING;
  if (c->d.flags & FLAG_HELD)
    return WEIR_PAUSED;
  return is_waiting(c) ? WEIR_WAITING : WEIR_READY;
}

int weir_describe_plain(const weir_Deferred *d) {
  if (weir_is_coroutine(d) && as_coroutine(d)->life != LIFE_ENDED)
    return live_status(as_coroutine(d));
  if (weir_is_coroutine(d) && d->phase == PHASE_WAITING)
    return d->flags & FLAG_HELD ? WEIR_PAUSED : WEIR_WAITING;
  if (!weir_deferred_ready(d))
    return WEIR_PENDING;
  return d->flags & FLAG_FAILED ? WEIR_FAILURE : WEIR_SUCCESS;
}

int weir_describe_look(lua_State *L, weir_State *S, int idx) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  int status = weir_describe_plain(d), cancelled;
  if (status != WEIR_FAILURE)
    return status;
  lua_getiuservalue(L, idx, UV_VALUE);
  cancelled = weir_error_is(L, S, lua_gettop(L), ERROR_CANCELLED);
  lua_pop(L, 1);
  return cancelled ? WEIR_CANCELLED : status;
}

const char *weir_describe_status(int status) {
  static const char *const words[] = {"pending", "running", "ready",   "waiting",
                                      "paused",  "success", "failure", "cancelled"};
  return words[status];
}

const char *weir_describe_state(const weir_Coroutine *c) {
  int executing = weir_coroutine_is_executing(&c->d);
  if (c->unwinding || (executing && !c->d.at.top))
    return "closing";
  if (executing)
    return c->life == LIFE_CALLING ? "calling" : "running";
  if (c->d.flags & FLAG_HELD)
    return "paused";
  return c->life == LIFE_NEW ? "new" : is_waiting(c) ? "waiting" : "ready";
}

const weir_Deferred *weir_describe_target(const weir_Deferred *d) {
  return d->target && d->target->kind == KIND_LINK ? d->target->target : d->target;
}

void weir_describe_name(lua_State *L, const weir_Deferred *d) {
  if (weir_is_coroutine(d) && as_coroutine(d)->name)
    lua_pushfstring(L, "Coroutine '%s': %p", as_coroutine(d)->name, (const void *)d);
  else
    lua_pushfstring(L, "%s: %p", weir_is_coroutine(d) ? "Coroutine" : "Deferred", (const void *)d);
}

static void push_target(lua_State *L, const weir_Deferred *d) {
  const weir_Deferred *target = weir_describe_target(d);
  if (weir_coroutine_is_asleep(d)) {
    lua_pushfstring(L, ", waits on Clock: %p", (const void *)d->at.timer->clock);
    return;
  }
  if (!target) {
    lua_pushliteral(L, "");
    return;
  }
  weir_describe_name(L, target);
  lua_pushfstring(L, ", waits on %s", lua_tostring(L, -1));
  lua_remove(L, -2);
}

static void push_line(lua_State *L, const weir_Deferred *d, int status) {
  weir_describe_name(L, d);
  push_target(L, d);
  lua_pushfstring(L, "%s (%s%s)", lua_tostring(L, -2), weir_describe_status(status),
                  lua_tostring(L, -1));
  lua_replace(L, -3);
  lua_pop(L, 1);
}

void weir_describe(lua_State *L, weir_State *S, int idx) {
  push_line(L, lua_touserdata(L, idx), weir_describe_look(L, S, idx));
}

/* What `w` waits on, if that has no body and `w` is the first to wait on it; NULL else. */
static const weir_Deferred *next_ended(const weir_Deferred *w) {
  const weir_Deferred *d = w->target;
  if (d && d->kind == KIND_LINK) {
    w = d;
    d = d->target;
  }
  if (!d || d->first != w || (weir_is_coroutine(d) && as_coroutine(d)->life != LIFE_ENDED))
    return NULL;
  return d;
}

/* Appends a line to the text on top; with the last one that there is room for it says so. */
static int add_line(lua_State *L, const weir_Deferred *d, int *lines) {
  if (++*lines > LINES_MOST) {
    lua_pushliteral(L, "\n  ...");
    lua_concat(L, 2);
    return 0;
  }
  lua_pushliteral(L, "\n  ");
  push_line(L, d, weir_describe_plain(d));
  lua_concat(L, 3);
  return 1;
}

/* Behind a coroutine come those whose bodies have returned what they wait on now: the way to what
   it really waits on. */
static int add_lines(lua_State *L, const weir_Coroutine *c, int *lines) {
  if (!add_line(L, &c->d, lines))
    return 0;
  for (const weir_Deferred *d = next_ended(&c->d); d; d = next_ended(d))
    if (weir_is_coroutine(d) && !add_line(L, d, lines))
      return 0;
  return 1;
}

static int list_live(lua_State *L) {
  const weir_Coroutine *oldest[LINES_MOST + 1];
  int n = weir_live_oldest(lua_touserdata(L, 1), oldest, LINES_MOST + 1), lines = 0;
  lua_pushliteral(L, "");
  for (int i = 0; i < n && add_lines(L, oldest[i], &lines); i++)
    ;
  return 1;
}

/* Quietly: a finalizer might end one of them, or what it waits on. */
void weir_describe_live(lua_State *L, weir_State *S) {
  lua_pushcfunction(L, list_live);
  lua_pushlightuserdata(L, S);
  weir_call_quietly(L, 1, 1);
}
