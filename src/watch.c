#include "watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform.h"
#include "record.h"
#include "report.h"

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
  snprintf(timing->longest_of, sizeof timing->longest_of, "%s", weir_task_label(t, c));
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
static int begin(weir_State *S, const weir_Coroutine *c, int is_close) {
  weir_Watch *w = S->watching;
  int is_new = !is_close && lua_status(c->thread) == LUA_OK;
  double now = weir_platform_now();
  weir_Task *t;
  if (S->depth >= WEIR_OPEN)
    return 0;
  t = weir_task_need(&w->tasks, c->born);
  if (t && (is_new || !t->place[0]))
    weir_task_find_place(t, c);
  if (t && !is_close)
    leave_queue(S, t, now);
  w->open[S->depth] = (weir_Open){.c = c, .since = now, .is_close = is_close & 1};
  if (S->watch & WATCH_TRACE)
    weir_record_open(S, &w->open[S->depth], t, now);
  S->depth++;
  return 1;
}

/* Returns seconds. */
static double end(weir_State *S, const weir_Coroutine *c) {
  weir_Watch *w = S->watching;
  weir_Open *o = &w->open[--S->depth];
  weir_Task *t = weir_task_find(&w->tasks, c->born);
  double now = weir_platform_now();
  if (S->watch & WATCH_TIMING)
    charge(S, o, t, c, now - o->since);
  if (S->watch & WATCH_TRACE)
    weir_record_slice(S, o, t, now);
  if (t && o->ended)
    weir_task_drop(&w->tasks, t);
  return now - o->since;
}

/* The innermost that is open, if it is of this one. */
static weir_Open *open_of(const weir_State *S, const weir_Coroutine *c) {
  weir_Open *o = S->depth > 0 ? &S->watching->open[S->depth - 1] : NULL;
  return o && o->c == c ? o : NULL;
}

void weir_watch_begin_close(weir_State *S, const weir_Coroutine *c) {
  if (c->life != LIFE_NEW)
    begin(S, c, 1);
}

void weir_watch_end_close(weir_State *S, const weir_Coroutine *c) {
  const weir_Open *o = open_of(S, c);
  if (o && o->is_close)
    end(S, c);
}

static void end_resume(lua_State *L, weir_State *S, const weir_Coroutine *c) {
  double seconds = end(S, c);
  if ((S->watch & WATCH_SLOW) && seconds > S->watching->slow)
    weir_report_slow(L, S, seconds);
}

void weir_watch_end_body(lua_State *L, weir_State *S, const weir_Coroutine *c) {
  const weir_Open *o = open_of(S, c);
  if (o && o->returned)
    end_resume(L, S, c);
}

/* In the place of lua_resume. */
static int resume(lua_State *thread, lua_State *from, int nargs, int *nresults) {
  weir_State *S = weir_state_get(from);
  const weir_Coroutine *c = S->running;
  int has_begun, status;
  if (S->due)
    weir_report_due(from, S);
  has_begun = S->watch && begin(S, c, 0);
  status = lua_resume(thread, from, nargs, nresults);
  if (!has_begun)
    return status;
  if (status == LUA_YIELD) {
    end_resume(from, S, c);
    if (S->watch & WATCH_TRACE)
      weir_record_yield(S, c, *nresults);
  } else {
    S->watching->open[S->depth - 1].returned = 1;
  }
  return status;
}

void weir_watch_return(weir_State *S, int depth) {
  while (S->depth > depth)
    end(S, S->watching->open[S->depth - 1].c);
}

void weir_watch_queued(weir_State *S, const weir_Coroutine *c) {
  weir_Task *t = weir_task_need(&S->watching->tasks, c->born);
  if (t)
    t->queued = weir_platform_now();
  if ((S->watch & WATCH_TRACE) && c->life != LIFE_NEW)
    weir_record_wake(S, c);
}

void weir_watch_finish(lua_State *L, weir_State *S, int idx) {
  const weir_Coroutine *c = lua_touserdata(L, idx);
  weir_Open *o = open_of(S, c);
  weir_Task *t;
  if (S->watch & WATCH_TRACE)
    weir_record_finish(L, S, idx);
  t = weir_task_find(&S->watching->tasks, c->born);
  if (o)
    o->ended = 1;
  else if (t)
    weir_task_drop(&S->watching->tasks, t);
}

double weir_watch_ran(const weir_State *S, const weir_Coroutine *c) {
  const weir_Task *t =
      S->watch & WATCH_TIMING ? weir_task_find(&S->watching->tasks, c->born) : NULL;
  return t ? t->ran : -1;
}

/* ---- on and off ---- */

weir_Watch *weir_watch_need(lua_State *L, weir_State *S) {
  if (S->closed) /* nobody would free it */
    luaL_error(L, "the Lua state is being closed");
  if (!S->watching)
    S->watching = calloc(1, sizeof *S->watching);
  if (!S->watching)
    luaL_error(L, "not enough memory");
  return S->watching;
}

static void begin_timing(weir_State *S, weir_Watch *w) {
  double now = weir_platform_now();
  memset(&w->timing, 0, sizeof w->timing);
  for (size_t i = 0; i < w->tasks.cap; i++)
    w->tasks.v[i].ran = 0;
  for (int i = 0; i < S->depth; i++) {
    w->open[i].since = now;
    w->open[i].inner = 0;
  }
}

void weir_watch_set_due(weir_State *S, int due, int on) {
  S->due = on ? S->due | due : S->due & ~due;
  S->resume = S->watch || S->due ? resume : lua_resume;
}

void weir_watch_switch(weir_State *S, int purpose, int on) {
  S->watch = on ? S->watch | purpose : S->watch & ~purpose;
  S->tracks = S->watch & WATCH_TRACE ? S->tracks | TRACK_TRACE : S->tracks & ~TRACK_TRACE;
  S->all_hooks = S->watch & WATCH_TRACE ? FLAG_HOOKS : 0;
  S->resume = S->watch || S->due ? resume : lua_resume;
  if (!S->watch)
    weir_task_drop_all(&S->watching->tasks);
}

void weir_watch_set(lua_State *L, weir_State *S, int purpose, int on) {
  weir_Watch *w = weir_watch_need(L, S);
  if (on && purpose == WATCH_TIMING && !(S->watch & WATCH_TIMING))
    begin_timing(S, w);
  weir_watch_switch(S, purpose, on);
}

void weir_watch_free(weir_State *S) {
  if (!S->watching)
    return;
  weir_watch_switch(S, ~0, 0);
  free(S->watching);
  S->watching = NULL;
}
