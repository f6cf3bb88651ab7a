#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "describe.h"
#include "failure.h"
#include "platform.h"

/* ---- the trace ---- */

/* Returns the errno of what went wrong, or 0. */
static int finish_trace(weir_State *S) {
  weir_Watch *w = S->watching;
  int error = weir_trace_free(w->trace);
  weir_watch_switch(S, WATCH_TRACE, 0);
  if (w->file && fclose(w->file) != 0 && !error)
    error = errno;
  w->trace = NULL;
  w->file = NULL;
  w->stream = NULL;
  return error;
}

/* The user's own file has been closed, or something could not be written. */
static weir_Trace *give_up(weir_State *S) {
  S->watching->failed = finish_trace(S);
  weir_watch_set_due(S, DUE_TRACE, 1);
  return NULL;
}

/* NULL: it has just come to an end. */
static weir_Trace *trace_of(weir_State *S) {
  weir_Watch *w = S->watching;
  weir_Trace *t = w->trace;
  if (w->stream && !w->stream->closef)
    t->json.file = NULL;
  return t->json.error || !t->json.file ? give_up(S) : t;
}

static uint64_t stamp(weir_Trace *t) {
  return weir_trace_stamp(t, weir_platform_now());
}

static void forget_others(weir_Watch *w) {
  for (size_t i = 0; i < w->tasks.cap; i++) {
    w->tasks.v[i].is_named = 0;
    w->tasks.v[i].flow = 0;
  }
}

int weir_record_begin(lua_State *L, weir_State *S, const char *path, const luaL_Stream *stream) {
  weir_Watch *w = weir_watch_need(L, S);
  double now = weir_platform_now();
  w->trace = weir_trace_new(now);
  if (!w->trace)
    luaL_error(L, "not enough memory");
  w->file = stream ? NULL : fopen(path, "w");
  if (!stream && !w->file) {
    int error = errno;
    free(w->trace);
    w->trace = NULL;
    return error;
  }
  w->stream = stream;
  w->trace->json.file = stream ? stream->f : w->file;
  forget_others(w);
  for (int i = 0; i < S->depth; i++) {
    w->open[i].stamp = weir_trace_stamp(w->trace, now);
    w->open[i].flow = 0;
  }
  weir_watch_switch(S, WATCH_TRACE, 1);
  return 0;
}

/* What has not ended yet ends there. */
static void close_slices(weir_State *S) {
  weir_Watch *w = S->watching;
  double now = weir_platform_now();
  for (int i = S->depth; i > 0; i--) {
    const weir_Open *o = &w->open[i - 1];
    weir_record_slice(S, o, weir_task_find(&w->tasks, o->c->born), now);
    w->open[i - 1].stamp = 0;
  }
}

int weir_record_end(weir_State *S) {
  if (!trace_of(S)) {
    weir_watch_set_due(S, DUE_TRACE, 0);
    return S->watching->failed;
  }
  close_slices(S);
  return finish_trace(S);
}

/* ---- tracks ---- */

/* Its track, which has a name from then on; NULL: there is no memory. */
static weir_Task *task_of(weir_State *S, weir_Trace *trace, const weir_Coroutine *c) {
  weir_Task *t = weir_task_need(&S->watching->tasks, c->born);
  if (!t || t->is_named)
    return t;
  if (!t->place[0] && c->thread)
    weir_task_find_place(t, c);
  weir_trace_name(trace, c->born, weir_task_label(t, c));
  t->is_named = 1;
  return t;
}

/* The track on which things happen now. */
static uint64_t track_now(const weir_State *S) {
  return S->depth > 0 ? S->watching->open[S->depth - 1].c->born : 0;
}

/* The next resume comes of what happens now. */
static void cause(weir_State *S, weir_Trace *trace, weir_Task *t, const char *name) {
  uint64_t track = track_now(S), time = stamp(trace);
  uint64_t flow = weir_trace_flow(trace, track, track ? NULL : name, time);
  if (t)
    t->flow = flow;
}

/* Begins an event of the Coroutine; NULL: the trace has ended. */
static weir_Trace *begin(weir_State *S, const weir_Coroutine *c, const char *name) {
  weir_Trace *trace = trace_of(S);
  if (!trace)
    return NULL;
  task_of(S, trace, c);
  weir_trace_begin(trace, c->born, name, stamp(trace));
  return trace;
}

static void put_simple(weir_State *S, const weir_Coroutine *c, const char *name) {
  weir_Trace *trace = begin(S, c, name);
  if (trace)
    weir_trace_end(trace);
}

/* ---- resumes ---- */

/* It has no name yet, and nobody has had a look at its body. */
void weir_record_start(weir_State *S, const weir_Coroutine *c) {
  weir_Trace *trace = trace_of(S);
  weir_Task *t;
  if (!trace)
    return;
  t = weir_task_need(&S->watching->tasks, c->born);
  weir_trace_begin(trace, c->born, "start", stamp(trace));
  weir_trace_number(trace, "by", track_now(S));
  weir_trace_end(trace);
  cause(S, trace, t, "spawn");
}

void weir_record_open(weir_State *S, weir_Open *o, weir_Task *t, double now) {
  weir_Trace *trace = trace_of(S);
  if (!trace)
    return;
  task_of(S, trace, o->c);
  o->stamp = weir_trace_stamp(trace, now);
  if (t && !o->is_close) {
    o->flow = t->flow;
    t->flow = 0;
  }
}

void weir_record_slice(weir_State *S, const weir_Open *o, const weir_Task *t, double now) {
  weir_Trace *trace = trace_of(S);
  if (trace && o->stamp)
    weir_trace_slice(trace, o->c->born, o->is_close ? "close" : weir_task_label(t, o->c), o->stamp,
                     weir_trace_stamp(trace, now), o->flow);
}

/* ---- waits ---- */

static void put_object(weir_Trace *trace, const char *kind, const void *address) {
  char text[64];
  snprintf(text, sizeof text, "%s: %p", kind, address);
  weir_trace_text(trace, "on", text);
}

static void put_target(weir_Trace *trace, const weir_Deferred *d) {
  const char *kind = d->kind == KIND_TIMED ? "timer" : d->kind == KIND_JOIN ? "parts" : "Deferred";
  if (weir_is_coroutine(d)) {
    const weir_Coroutine *c = (const weir_Coroutine *)(const void *)d;
    weir_trace_text(trace, "on", c->name ? c->name : "Coroutine");
    weir_trace_number(trace, "track", c->born);
  } else {
    put_object(trace, kind, d);
  }
}

static void put_wait(weir_State *S, const weir_Coroutine *c, const weir_Deferred *on) {
  weir_Trace *trace = begin(S, c, "wait");
  if (!trace)
    return;
  if (on)
    put_target(trace, on);
  weir_trace_end(trace);
}

static void put_sleep(weir_State *S, const weir_Coroutine *c) {
  weir_Trace *trace = begin(S, c, "wait");
  if (!trace)
    return;
  put_object(trace, "timer", c->d.at.timer);
  weir_trace_end(trace);
}

/* What a plain coroutine.yield waits for is on top of its thread. */
static void put_raw(weir_State *S, const weir_Coroutine *c, int n) {
  const weir_Deferred *on = n == 1 ? weir_deferred_at(c->thread, S, -1) : NULL;
  if (on && !weir_deferred_ready(on))
    put_wait(S, c, on);
}

void weir_record_yield(weir_State *S, const weir_Coroutine *c, int n) {
  switch (S->signal) {
  case SIGNAL_WAIT:
    if (weir_coroutine_is_asleep(&c->d))
      put_sleep(S, c);
    else
      put_wait(S, c, weir_describe_target(&c->d));
    break;
  case SIGNAL_YIELD:
    if (c->preempted)
      put_simple(S, c, "preempted");
    break;
  case SIGNAL_HOP: put_simple(S, c, "noreturn"); break;
  case SIGNAL_NONE: put_raw(S, c, n); break;
  default: break;
  }
}

void weir_record_wake(weir_State *S, const weir_Coroutine *c) {
  weir_Trace *trace = begin(S, c, "wake");
  if (!trace)
    return;
  if (c->raise)
    weir_trace_text(trace, "with", "an error");
  weir_trace_end(trace);
  cause(S, trace, weir_task_find(&S->watching->tasks, c->born), "fire");
}

/* ---- what else becomes of it ---- */

void weir_record_hold(weir_State *S, const weir_Coroutine *c, int is_held) {
  put_simple(S, c, is_held ? "pause" : "unpause");
}

void weir_record_found(weir_State *S, const weir_Coroutine *c) {
  put_simple(S, c, "collected");
}

/* The value on top is popped; only a string says something. */
static void put_value(lua_State *L, weir_Trace *trace, const char *key) {
  if (lua_type(L, -1) == LUA_TSTRING)
    weir_trace_text(trace, key, lua_tostring(L, -1));
  lua_pop(L, 1);
}

void weir_record_cancel(lua_State *L, weir_State *S, const weir_Coroutine *c, int error) {
  weir_Trace *trace = begin(S, c, "cancel");
  if (!trace)
    return;
  weir_trace_number(trace, "by", track_now(S));
  if (weir_error_is(L, S, error, ERROR_CANCELLED)) {
    weir_state_push(L, S, HOME_REASON);
    lua_rawget(L, error);
    put_value(L, trace, "reason");
  }
  weir_trace_end(trace);
}

/* Pops the error on top. */
static void put_failure(lua_State *L, weir_State *S, weir_Trace *trace) {
  int is_cancelled = weir_error_is(L, S, lua_gettop(L), ERROR_CANCELLED);
  weir_trace_text(trace, "how", weir_describe_status(is_cancelled ? WEIR_CANCELLED : WEIR_FAILURE));
  put_value(L, trace, "error");
}

void weir_record_finish(lua_State *L, weir_State *S, int idx) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  weir_Trace *trace = begin(S, lua_touserdata(L, idx), "finish");
  if (!trace)
    return;
  if (d->phase == PHASE_WAITING) {
    weir_trace_text(trace, "how", "adopts");
    put_target(trace, weir_describe_target(d));
  } else if (d->flags & FLAG_FAILED) {
    lua_getiuservalue(L, idx, UV_VALUE);
    put_failure(L, S, trace);
  } else {
    weir_trace_text(trace, "how", weir_describe_status(WEIR_SUCCESS));
  }
  weir_trace_end(trace);
}
