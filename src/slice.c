#include "slice.h"

#include "await.h"
#include "failure.h"
#include "platform.h"
#include "site.h"
#include "trap.h"

#define STEP    1000  /* instructions at most between two looks */
#define RESERVE 10000 /* instructions for cleaning up behind a LimitError */

/* ---- counting ---- */

/* Of whoever runs now, and perhaps has it only since then; NULL if there is none. */
static weir_Meter *meter_here(lua_State *L, weir_State *S) {
  if (S->meter || !S->running || !S->running->trapped)
    return S->meter;
  return &weir_trap_of_running(L, S)->meter;
}

/* The reserve is one of instructions, whatever the limit was. */
static int counts_instructions(const weir_Meter *m) {
  return m->told || (m->limits & LIMIT_INSTRUCTIONS);
}

static int counts_seconds(const weir_Meter *m) {
  return !m->told && (m->limits & LIMIT_SECONDS);
}

static int is_over(const weir_Meter *m) {
  return (counts_instructions(m) && m->left <= 0) || (counts_seconds(m) && m->seconds <= 0);
}

void weir_slice_charge_time(weir_Meter *m) {
  double now;
  if (!counts_seconds(m))
    return;
  now = weir_platform_now();
  m->seconds -= now - m->since;
  m->since = now;
}

static void charge_slice(weir_Meter *m, int ran) {
  m->ran = m->has_waited ? 0 : m->ran + ran;
  m->has_waited = 0;
  if (m->slice > 0 && m->ran >= m->slice)
    m->is_up = 1;
}

static int least(lua_Integer a, lua_Integer b) {
  return (int)(a < b ? a : b);
}

/* Instructions until the next look. */
static int step_of(const weir_Meter *m) {
  int n = STEP;
  if (m->is_up || m->is_struck || is_over(m))
    return 1;
  if (m->slice > 0)
    n = least(m->slice - m->ran, n);
  if (counts_instructions(m))
    n = least(m->left, n);
  return n;
}

/* Where that has to have a consequence, but L is another's thread, the coroutine's own looks soon.
 */
static void charge(const lua_State *L, weir_Meter *m, int ran) {
  weir_Trap *t = weir_trap_around(m);
  charge_slice(m, ran);
  if (counts_instructions(m) && m->left > 0)
    m->left -= ran;
  weir_slice_charge_time(m);
  if (t->thread != L && step_of(m) == 1)
    weir_trap_set(t->thread, t, 1);
}

/* ---- limits ---- */

static void push_message(lua_State *L, const weir_Meter *m) {
  luaL_where(L, 0);
  if ((m->limits & LIMIT_INSTRUCTIONS) && m->left <= 0)
    lua_pushfstring(L, "limit of %I instructions exceeded", (LUAI_UACINT)m->all);
  else
    lua_pushfstring(L, "limit of %f seconds exceeded", (LUAI_UACNUMBER)m->all_seconds);
  lua_concat(L, 2);
}

static void make_error(lua_State *L, weir_State *S, const weir_Meter *m) {
  push_message(L, m);
  weir_error_new(L, S, ERROR_LIMIT);
}

/* Pushes the error of the running one's limit: one object for all times that it is raised. */
static void push_error(lua_State *L, weir_State *S, const weir_Meter *m) {
  weir_coroutine_push_running(L, S);
  weir_coroutine_push_thread(L, S, -1);
  weir_trap_push(L, S);
  if (lua_getiuservalue(L, -1, TRAP_LIMIT) == LUA_TNIL) {
    make_error(L, S, m);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, -4, TRAP_LIMIT);
    lua_remove(L, -2);
  }
  lua_replace(L, -3);
  lua_pop(L, 1);
}

void weir_slice_push_error(lua_State *L, weir_State *S) {
  push_error(L, S, &weir_trap_of_running(L, S)->meter);
}

/* A callback is not the body: what that fires ends with an error of its own, and no reserve. */
static void raise_limit(lua_State *L, weir_State *S, weir_Meter *m, weir_Trap *t) {
  if (!S->running) {
    make_error(L, S, m);
  } else {
    push_error(L, S, m);
    if (!m->told)
      m->left = RESERVE;
    m->told = 1;
  }
  weir_trap_set(L, t, step_of(m));
  lua_error(L);
}

/* It has swallowed the error, and the reserve is used up: that is renewed for its handlers. */
static void close_by_force(lua_State *L, weir_State *S, weir_Meter *m, weir_Trap *t) {
  m->left = RESERVE;
  weir_trap_set(L, t, step_of(m));
  S->signal = SIGNAL_LIMIT;
  lua_yield(L, 0);
}

/* What is written in Lua in the library is as whole as what is written in C. */
static void exceed(lua_State *L, weir_State *S, weir_Meter *m, weir_Trap *t, lua_Debug *ar) {
  if (weir_site_is_ours(L, S, ar))
    weir_trap_set(L, t, 1);
  else if (m->told && weir_sched_suspendable(L, S))
    close_by_force(L, S, m, t);
  else
    raise_limit(L, S, m, t);
}

/* ---- slices ---- */

/* Is there a reason to suspend it? */
static int is_to_stop(const weir_Meter *m) {
  return m->is_up || m->is_struck || m->is_new;
}

static void strike(lua_State *L, weir_State *S, weir_Coroutine *c, weir_Meter *m, weir_Trap *t) {
  m->is_up = m->is_struck = 0;
  m->ran = 0;
  weir_trap_set(L, t, step_of(m));
  weir_await_raise_cancel(L, S, c);
}

static void suspend(lua_State *L, weir_State *S, weir_Coroutine *c, weir_Meter *m, weir_Trap *t,
                    lua_Debug *ar) {
  S->signal = m->is_up ? SIGNAL_YIELD : SIGNAL_AGAIN;
  c->preempted = m->is_up & 1;
  c->raw = 0;
  m->is_up = m->is_new = 0;
  m->ran = 0;
  weir_trap_suspend(L, t, ar, step_of(m));
}

static void stop(lua_State *L, weir_State *S, weir_Meter *m, weir_Trap *t, lua_Debug *ar) {
  weir_Coroutine *c = weir_sched_suspendable(L, S);
  if (!c || weir_site_is_ours(L, S, ar)) {
    weir_trap_set(L, t, step_of(m));
    return;
  }
  if ((m->is_up || m->is_struck) && weir_coroutine_is_due(c))
    strike(L, S, c, m, t);
  m->is_struck = 0; /* a wait has raised it */
  if (!is_to_stop(m))
    weir_trap_set(L, t, step_of(m));
  else if (!weir_trap_is_last(t, ar))
    weir_trap_set(L, t, 1);
  else
    suspend(L, S, c, m, t, ar);
}

void weir_slice_look(lua_State *L, weir_State *S, weir_Trap *t, lua_Debug *ar) {
  weir_Meter *m = meter_here(L, S);
  if (m && is_to_stop(m) && !is_over(m))
    stop(L, S, m, t, ar);
}

void weir_slice_count(lua_State *L, weir_State *S, weir_Trap *t, lua_Debug *ar, int ran) {
  weir_Meter *m = meter_here(L, S);
  if (!m && !t->is_plain) {
    weir_trap_clear(L, t);
    return;
  }
  if (m)
    charge(L, m, ran);
  if (m && is_over(m))
    exceed(L, S, m, t, ar);
  else if (m && is_to_stop(m))
    stop(L, S, m, t, ar);
  else
    weir_trap_set(L, t, m ? step_of(m) : STEP);
}

/* ---- beginning and end of a run ---- */

static weir_Meter *begin(weir_Coroutine *c, weir_Trap *t) {
  weir_Meter *m = &t->meter;
  m->is_struck = c->preempted && c->life != LIFE_RUNNING && weir_coroutine_is_due(c);
  if (m->has_waited)
    m->is_up = 0;
  if (!weir_slice_is_needed(m) && !m->is_struck && !c->raising) {
    weir_trap_clear(c->thread, t);
    c->trapped = 0;
    return NULL;
  }
  if (m->is_struck || m->is_new || !weir_trap_is_set(c->thread))
    weir_trap_set(c->thread, t, 1);
  m->is_new = 0;
  m->since = m->limits & LIMIT_SECONDS ? weir_platform_now() : 0;
  return m;
}

weir_Meter *weir_slice_begin(lua_State *L, weir_State *S) {
  weir_Meter *before = S->meter;
  weir_Trap *t = weir_trap_of_running(L, S);
  weir_Coroutine *c = S->running;
  t->raised = NULL;
  S->meter = begin(c, t);
  c->preempted = 0;
  return before;
}

/* Not if it goes on at once. */
static int is_wait(weir_State *S, const weir_Coroutine *c, int n) {
  const weir_Deferred *d;
  switch (S->signal) {
  case SIGNAL_WAIT:
  case SIGNAL_TURN: return 1;
  case SIGNAL_YIELD: return !c->preempted;
  case SIGNAL_NONE:
    d = n == 1 ? weir_deferred_at(c->thread, S, -1) : NULL;
    return n == 0 || (d && !weir_deferred_ready(d));
  default: return 0;
  }
}

void weir_slice_note_yield(weir_State *S, weir_Coroutine *c, int n) {
  if (S->meter && is_wait(S, c, n))
    S->meter->has_waited = 1;
}

/* ---- setting ---- */

/* NULL if it has ended. */
static weir_Trap *trap_of(lua_State *L, weir_State *S, int idx) {
  const weir_Coroutine *c = lua_touserdata(L, idx);
  const lua_State *thread = c->thread;
  weir_Trap *t;
  if (!thread)
    return NULL;
  weir_coroutine_push_thread(L, S, idx);
  t = weir_trap_need(L, S);
  return c->thread == thread ? t : NULL; /* a finalizer may have closed it */
}

/* What L runs already is counted from the next instruction on. */
static void count_now(lua_State *L, weir_State *S) {
  lua_pushthread(L);
  weir_trap_set(L, weir_trap_need(L, S), 1);
}

/* Where it runs in a generator, that has the trap when it is entered again. */
static void renew(lua_State *L, weir_State *S, weir_Coroutine *c, weir_Meter *m) {
  c->has_trap = c->trapped = 1;
  if (c->life != LIFE_RUNNING || S->meter != m)
    m->is_new = 1;
  if (c->life != LIFE_RUNNING)
    return;
  weir_trap_set(c->thread, weir_trap_around(m), 1);
  if (S->running == c && L != c->thread)
    count_now(L, S);
}

void weir_slice_set(lua_State *L, weir_State *S, int idx, lua_Integer n) {
  weir_Trap *t = trap_of(L, S, idx);
  if (!t)
    return;
  t->meter.slice = n;
  t->meter.ran = 0;
  t->meter.is_up = 0;
  renew(L, S, lua_touserdata(L, idx), &t->meter);
}

void weir_slice_start(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  weir_coroutine_push_thread(L, S, idx);
  weir_trap_need(L, S)->meter.slice = S->slice;
  c->has_trap = c->trapped = 1;
}

void weir_slice_limit(lua_State *L, weir_State *S, int idx, const weir_Limit *limit) {
  weir_Trap *t = trap_of(L, S, idx);
  weir_Meter *m;
  if (!t)
    return;
  m = &t->meter;
  weir_coroutine_push_thread(L, S, idx);
  weir_trap_push(L, S);
  lua_pushnil(L);
  lua_setiuservalue(L, -2, TRAP_LIMIT);
  lua_pop(L, 1);
  m->limits = limit->set;
  m->told = 0;
  m->left = m->all = limit->instructions;
  m->seconds = m->all_seconds = limit->seconds;
  m->since = weir_platform_now();
  renew(L, S, lua_touserdata(L, idx), m);
}
