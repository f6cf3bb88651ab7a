#include "watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform.h"

#define FIRST_CAP 64 /* places of the table */

/* ---- the table ---- */

static size_t place_of(const weir_Watch *w, uint64_t born) {
  return (size_t)((born * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (w->cap - 1);
}

/* Where it is, or would be. */
static weir_Task *look_up(const weir_Watch *w, uint64_t born) {
  size_t i = place_of(w, born);
  while (w->tasks[i].born != 0 && w->tasks[i].born != born)
    i = (i + 1) & (w->cap - 1);
  return &w->tasks[i];
}

static weir_Task *find(const weir_Watch *w, uint64_t born) {
  weir_Task *t = w->cap ? look_up(w, born) : NULL;
  return t && t->born ? t : NULL;
}

static int grow(weir_Watch *w) {
  weir_Watch larger = {.n = w->n, .cap = w->cap ? w->cap * 2 : FIRST_CAP};
  larger.tasks = calloc(larger.cap, sizeof *larger.tasks);
  if (!larger.tasks)
    return 0;
  for (size_t i = 0; i < w->cap; i++)
    if (w->tasks[i].born)
      *look_up(&larger, w->tasks[i].born) = w->tasks[i];
  free(w->tasks);
  w->tasks = larger.tasks;
  w->cap = larger.cap;
  return 1;
}

/* NULL: there is no memory for it. */
static weir_Task *need(weir_Watch *w, uint64_t born) {
  weir_Task *t = find(w, born);
  if (t)
    return t;
  if (w->n >= w->cap / 4 * 3 && !grow(w) && w->n + 1 >= w->cap)
    return NULL;
  t = look_up(w, born);
  *t = (weir_Task){.born = born, .queued = -1};
  w->n++;
  return t;
}

/* Those behind it that could not be in their own places move up. */
static void drop(weir_Watch *w, weir_Task *t) {
  size_t mask = w->cap - 1, hole = (size_t)(t - w->tasks), i = hole;
  while (w->tasks[i = (i + 1) & mask].born)
    if (((i - place_of(w, w->tasks[i].born)) & mask) >= ((i - hole) & mask)) {
      w->tasks[hole] = w->tasks[i];
      hole = i;
    }
  w->tasks[hole].born = 0;
  w->n--;
}

static void drop_all(weir_Watch *w) {
  free(w->tasks);
  w->tasks = NULL;
  w->n = w->cap = 0;
}

/* ---- where a body is ---- */

/* The outermost function of a suspended body, which is below what calls all bodies. */
static int outermost(lua_State *thread, lua_Debug *ar) {
  int low = 0, high = 1; /* `low` exists, `high` does not */
  if (!lua_getstack(thread, 1, ar))
    return 0;
  while (lua_getstack(thread, high, ar)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    int middle = low + (high - low) / 2;
    if (lua_getstack(thread, middle, ar))
      low = middle;
    else
      high = middle;
  }
  return lua_getstack(thread, low - 1, ar) && lua_getinfo(thread, "S", ar);
}

/* One that has not begun lies above the handler, below its arguments. */
static int function_of_new(lua_State *thread, int nargs, lua_Debug *ar) {
  lua_pushvalue(thread, lua_gettop(thread) - nargs + 2);
  if (lua_isfunction(thread, -1))
    return lua_getinfo(thread, ">S", ar);
  lua_pop(thread, 1);
  return 0;
}

static void find_place(weir_Task *t, lua_State *thread, int is_new, int nargs) {
  lua_Debug ar;
  int found = is_new ? function_of_new(thread, nargs, &ar) : outermost(thread, &ar);
  if (found && ar.linedefined > 0)
    snprintf(t->place, sizeof t->place, "%s:%d", ar.short_src, ar.linedefined);
  else
    snprintf(t->place, sizeof t->place, "%s", found ? ar.short_src : "?");
}

/* What it is called, in a few words. */
static const char *label_of(const weir_Task *t, const weir_Coroutine *c) {
  return c->name ? c->name : t ? t->place : "?";
}

/* ---- timing ---- */

static void charge_wait(weir_Timing *timing, double seconds) {
  int exponent;
  frexp(seconds * 1e6, &exponent);
  if (exponent < 0)
    exponent = 0;
  timing->buckets[exponent < WEIR_BUCKETS ? exponent : WEIR_BUCKETS - 1]++;
  timing->waits++;
  timing->waited += seconds;
  if (seconds > timing->waited_most)
    timing->waited_most = seconds;
}

static void charge_resume(weir_Timing *timing, const weir_Task *t, const weir_Coroutine *c,
                          double seconds) {
  if (seconds <= timing->longest)
    return;
  timing->longest = seconds;
  snprintf(timing->longest_of, sizeof timing->longest_of, "%s", label_of(t, c));
}

static void charge(weir_State *S, const weir_Open *o, weir_Task *t, const weir_Coroutine *c,
                   double seconds) {
  weir_Watch *w = S->watching;
  if (S->depth > 0)
    w->open[S->depth - 1].inner += seconds;
  else
    w->timing.ran += seconds;
  if (t)
    t->ran += seconds - o->inner;
  if (!o->is_close)
    charge_resume(&w->timing, t, c, seconds);
}

/* ---- resumes ---- */

static void leave_queue(weir_State *S, weir_Task *t, double now) {
  if (t->queued >= 0 && (S->watch & WATCH_TIMING))
    charge_wait(&S->watching->timing, now - t->queued);
  t->queued = -1;
}

/* `nargs`: values for what is about to be resumed; negative for a close. Returns 0 where that is
   too deep. A body that has not begun may be another than before, by a noreturn. */
static int begin(weir_State *S, const weir_Coroutine *c, int nargs) {
  weir_Watch *w = S->watching;
  int is_close = nargs < 0, is_new = !is_close && lua_status(c->thread) == LUA_OK;
  double now = weir_platform_now();
  weir_Task *t;
  if (S->depth >= WEIR_OPEN)
    return 0;
  t = need(w, c->born);
  if (t && (is_new || !t->place[0]))
    find_place(t, c->thread, is_new, nargs);
  if (t && !is_close)
    leave_queue(S, t, now);
  w->open[S->depth++] = (weir_Open){.born = c->born, .since = now, .is_close = is_close & 1};
  return 1;
}

int weir_watch_open_close(weir_State *S, const weir_Coroutine *c) {
  return c->life != LIFE_NEW && begin(S, c, -1);
}

void weir_watch_end(weir_State *S, const weir_Coroutine *c) {
  weir_Watch *w = S->watching;
  weir_Open *o = &w->open[--S->depth];
  weir_Task *t = find(w, c->born);
  if (S->watch & WATCH_TIMING)
    charge(S, o, t, c, weir_platform_now() - o->since);
  if (t && o->ended)
    drop(w, t);
}

/* The innermost that is open, if it is of this one. */
static weir_Open *open_of(const weir_State *S, const weir_Coroutine *c) {
  weir_Open *o = S->depth > 0 ? &S->watching->open[S->depth - 1] : NULL;
  return o && o->born == c->born ? o : NULL;
}

void weir_watch_end_body(weir_State *S, const weir_Coroutine *c) {
  const weir_Open *o = open_of(S, c);
  if (o && o->returned)
    weir_watch_end(S, c);
}

/* In the place of lua_resume. */
static int resume(lua_State *thread, lua_State *from, int nargs, int *nresults) {
  weir_State *S = weir_state_get(from);
  const weir_Coroutine *c = S->running;
  int has_begun = begin(S, c, nargs);
  int status = lua_resume(thread, from, nargs, nresults);
  if (!has_begun)
    return status;
  if (status == LUA_YIELD)
    weir_watch_end(S, c);
  else
    S->watching->open[S->depth - 1].returned = 1;
  return status;
}

void weir_watch_return(weir_State *S, int depth) {
  S->depth = depth;
}

void weir_watch_queued(weir_State *S, const weir_Coroutine *c) {
  weir_Task *t = need(S->watching, c->born);
  if (t)
    t->queued = weir_platform_now();
}

void weir_watch_finish(weir_State *S, const weir_Coroutine *c) {
  weir_Open *o = open_of(S, c);
  weir_Task *t = find(S->watching, c->born);
  if (o)
    o->ended = 1;
  else if (t)
    drop(S->watching, t);
}

double weir_watch_ran(const weir_State *S, const weir_Coroutine *c) {
  const weir_Task *t = S->watch & WATCH_TIMING ? find(S->watching, c->born) : NULL;
  return t ? t->ran : -1;
}

/* ---- on and off ---- */

static weir_Watch *need_watch(lua_State *L, weir_State *S) {
  if (!S->watching)
    S->watching = calloc(1, sizeof *S->watching);
  if (!S->watching)
    luaL_error(L, "not enough memory");
  return S->watching;
}

static void begin_timing(weir_State *S, weir_Watch *w) {
  double now = weir_platform_now();
  memset(&w->timing, 0, sizeof w->timing);
  for (size_t i = 0; i < w->cap; i++)
    w->tasks[i].ran = 0;
  for (int i = 0; i < S->depth; i++) {
    w->open[i].since = now;
    w->open[i].inner = 0;
  }
}

void weir_watch_set(lua_State *L, weir_State *S, int purpose, int on) {
  weir_Watch *w = need_watch(L, S);
  int before = S->watch;
  S->watch = on ? before | purpose : before & ~purpose;
  if (on && purpose == WATCH_TIMING && S->watch != before)
    begin_timing(S, w);
  if (!S->watch)
    drop_all(w);
  S->resume = S->watch ? resume : lua_resume;
}

void weir_watch_free(weir_State *S) {
  if (S->watching)
    drop_all(S->watching);
  free(S->watching);
  S->watching = NULL;
  S->watch = 0;
}
