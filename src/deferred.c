#include "deferred.h"

#include <math.h>
#include <string.h>

#include "clock.h"
#include "coroutine.h"
#include "failure.h"
#include "guard.h"
#include "handle.h"
#include "link.h"
#include "pause.h"
#include "ready.h"
#include "site.h"
#include "wait.h"

/* Fires and adds nested in callbacks deeper than this are queued until the outer one returns.
   Each level takes about three of Lua's C calls (LUAI_MAXCCALLS is 200). */
#define NESTED_FIRES 24

/* Slots of the stack that a call of a callback needs, with one value. */
#define CALL_SLOTS 16

/* That of a Coroutine changes when it is armed. */
static int is_class(const weir_State *S, const void *class) {
  return class == S->classes[HOME_DEFERRED] || class == S->classes[HOME_UNARMED] ||
         class == S->classes[HOME_COROUTINE];
}

/* In what has not our metatable there may be nothing yet to look at. */
weir_Deferred *weir_deferred_at(lua_State *L, const weir_State *S, int idx) {
  weir_Deferred *d = lua_touserdata(L, idx);
  const void *class;
  if (!d || lua_rawlen(L, idx) < sizeof *d)
    return NULL;
  class = weir_state_class(L, idx);
  if (!is_class(S, class) || d->tag != weir_tag(S, TAG_DEFERRED))
    return NULL;
  return (class == S->classes[HOME_DEFERRED]) == (d->kind != KIND_COROUTINE) ? d : NULL;
}

static int slots_of(weir_Kind kind) {
  switch (kind) {
  case KIND_COROUTINE: return UV_COROUTINE;
  case KIND_TIMED: return UV_TIMED;
  case KIND_LINK: return LINK_SLOTS;
  default: return UV_DEFERRED;
  }
}

static inline weir_Deferred *make(lua_State *L, weir_State *S, weir_Kind kind, size_t size) {
  weir_Deferred *d = lua_newuserdatauv(L, size, slots_of(kind));
  memset(d, 0, size);
  d->tag = weir_tag(S, TAG_DEFERRED);
  d->kind = (uint8_t)kind;
  weir_state_push(L, S, kind == KIND_COROUTINE ? HOME_UNARMED : HOME_DEFERRED);
  lua_setmetatable(L, -2);
  return d;
}

weir_Deferred *weir_deferred_make(lua_State *L, weir_State *S, weir_Kind kind, size_t size) {
  return make(L, S, kind, size);
}

weir_Deferred *weir_deferred_new(lua_State *L, weir_State *S, weir_Kind kind, size_t size) {
  weir_Deferred *d = make(L, S, kind, size);
  if (S->debug && kind != KIND_LINK)
    weir_site_note_made(L, S);
  return d;
}

/* ---- outcome ---- */

void weir_deferred_pack(lua_State *L, int n) {
  if (n == 1)
    return;
  if (n == 0) {
    lua_pushnil(L);
    return;
  }
  lua_createtable(L, n, 0);
  lua_insert(L, -n - 1);
  for (int i = n; i > 0; i--)
    lua_rawseti(L, -i - 1, i);
}

static int pack_all(lua_State *L) {
  weir_deferred_pack(L, lua_gettop(L));
  return 1;
}

int weir_deferred_pack_safely(lua_State *L, int n, int *failed) {
  if (n < 2) {
    weir_deferred_pack(L, n);
    return n;
  }
  if (!lua_checkstack(L, LUA_MINSTACK)) { /* results may fill it to the last place */
    lua_pop(L, n);
    lua_pushliteral(L, "stack overflow");
    *failed = 1;
    return 1;
  }
  lua_pushcfunction(L, pack_all);
  lua_insert(L, -n - 1);
  if (lua_pcall(L, n, 1, 0) == LUA_OK)
    return n;
  *failed = 1;
  return 1;
}

int weir_deferred_push_outcome(lua_State *L, const weir_Deferred *d, int idx) {
  int n = d->nvalues;
  if (n == 0)
    return 0;
  if (n > 1) /* one fits into what a C function has, and into what loops reserve */
    luaL_checkstack(L, n + 2, "too many values");
  lua_getiuservalue(L, idx, UV_VALUE);
  if (n == 1)
    return 1;
  for (int i = 1; i <= n; i++)
    lua_rawgeti(L, -i, i);
  lua_remove(L, -n - 1);
  return n;
}

/* 2.7: a cancel error that comes of a Deferred's own timeout becomes the TimeoutError. */
static void apply_timeout(lua_State *L, weir_State *S, const weir_Deferred *d) {
  if (!(d->flags & FLAG_TIMED_OUT) || !weir_error_is(L, S, lua_gettop(L), ERROR_CANCELLED))
    return;
  weir_state_push(L, S, HOME_REASON);
  lua_rawget(L, -2);
  if (weir_error_is(L, S, lua_gettop(L), ERROR_TIMEOUT))
    lua_remove(L, -2);
  else
    lua_pop(L, 1);
}

/* What was there for the outcome before this, or for the first one. */
static void forget(lua_State *L, weir_State *S, const weir_Deferred *d, int idx) {
  if (d->flags & FLAG_NOTED)
    weir_failure_forget(L, S, idx);
  if (d->flags & FLAG_HANDLE)
    weir_handle_forget(L, S, idx);
}

void weir_deferred_set_outcome(lua_State *L, weir_State *S, weir_Deferred *d, int idx, int n,
                               int failed) {
  if (d->flags & (FLAG_NOTED | FLAG_HANDLE))
    forget(L, S, d, idx);
  d->flags &= ~(uint32_t)(FLAG_FAILED | FLAG_HANDLED);
  if (failed) {
    apply_timeout(L, S, d);
    d->flags |= d->flags & FLAG_OVERRIDE ? FLAG_FAILED | FLAG_STRUCK : FLAG_FAILED;
  }
  d->flags &= ~(uint32_t)FLAG_TIMED_OUT; /* this is what came of it */
  lua_setiuservalue(L, idx, UV_VALUE);
  d->nvalues = n;
  d->phase = PHASE_FIRED;
}

void weir_deferred_copy_outcome(lua_State *L, weir_State *S, int from, int to) {
  const weir_Deferred *d = lua_touserdata(L, from);
  lua_getiuservalue(L, from, UV_VALUE);
  weir_deferred_set_outcome(L, S, lua_touserdata(L, to), to, d->nvalues, d->flags & FLAG_FAILED);
  weir_deferred_copy_origin(L, from, to);
}

void weir_deferred_copy_origin(lua_State *L, int from, int to) {
  const weir_Deferred *d = lua_touserdata(L, from);
  weir_Deferred *t = lua_touserdata(L, to);
  t->flags |= d->flags & (t->flags & FLAG_OVERRIDE ? FLAG_STRUCK | FLAG_NOTED : FLAG_NOTED);
  if (d->flags & FLAG_NOTED) { /* its traceback goes along */
    lua_getiuservalue(L, from, UV_TARGET);
    lua_setiuservalue(L, to, UV_TARGET);
  }
}

/* ---- callbacks ---- */

/* In the list of callbacks stands a function, with a mark in front if it is no plain callback;
   behind the mark of a pair stand two. Nobody else has these addresses. */
static const char marks[CALL_PAIR + 1];

/* Puts a callback into the list. */
static void put_call(lua_State *L, weir_Deferred *d, int list, weir_Call call, int f) {
  lua_Integer first = (lua_Integer)d->next_call + d->ncalls + 1, at = first;
  if (call != CALL_CALLBACK) {
    lua_pushlightuserdata(L, (void *)(marks + call));
    lua_rawseti(L, list, at++);
  }
  lua_pushvalue(L, f);
  lua_rawseti(L, list, at++);
  if (call == CALL_PAIR) {
    lua_pushvalue(L, f + 1);
    lua_rawseti(L, list, at++);
  }
  d->ncalls += (uint32_t)(at - first);
}

/* Turns the single callback into the list. */
static void spill_calls(lua_State *L, weir_Deferred *d, int idx) {
  int list = lua_gettop(L) + 1;
  lua_createtable(L, 4, 0);
  if (d->flags & FLAG_SPILLED) { /* by a finalizer meanwhile */
    lua_pop(L, 1);
    return;
  }
  if (d->ncalls > 0) {
    d->ncalls = 0;
    lua_getiuservalue(L, idx, UV_CALLBACKS);
    put_call(L, d, list, (weir_Call)d->first_call, list + 1);
    lua_pop(L, 1);
  }
  d->flags |= FLAG_SPILLED;
  lua_setiuservalue(L, idx, UV_CALLBACKS);
}

static void drop_calls(lua_State *L, weir_Deferred *d, int idx) {
  d->ncalls = d->next_call = 0;
  d->flags &= ~(uint32_t)FLAG_SPILLED;
  lua_pushnil(L);
  lua_setiuservalue(L, idx, UV_CALLBACKS);
}

/* The kind of callback that begins with the value on top. */
static weir_Call kind_on_top(lua_State *L) {
  const char *p = lua_touserdata(L, -1);
  for (int call = CALL_ERRBACK; p && call <= CALL_PAIR; call++)
    if (p == marks + call)
      return (weir_Call)call;
  return CALL_CALLBACK;
}

static int is_for(weir_Call call, int failed) {
  return call == CALL_BOTH || (call == CALL_ERRBACK) == failed;
}

/* Takes the next one off the list. */
static int take_listed(lua_State *L, weir_Deferred *d, int idx, int list, int failed,
                       weir_Call *call) {
  int is_pair;
  uint32_t slots = 1;
  lua_rawgeti(L, list, (lua_Integer)d->next_call + 1);
  *call = kind_on_top(L);
  is_pair = *call == CALL_PAIR;
  if (is_pair)
    *call = failed ? CALL_ERRBACK : CALL_CALLBACK;
  if (is_pair || *call != CALL_CALLBACK) {
    slots = is_pair ? 3 : 2;
    lua_rawgeti(L, list, (lua_Integer)d->next_call + (is_pair && failed ? 3 : 2));
  }
  d->next_call += slots;
  d->ncalls -= slots;
  if (d->ncalls == 0)
    drop_calls(L, d, idx);
  return is_for(*call, failed);
}

/* Takes the next callback off. If it is called for this outcome, returns 1: it is on top then,
   perhaps over some value of no use. */
static int take_call(lua_State *L, weir_Deferred *d, int idx, int list, int failed,
                     weir_Call *call) {
  if (d->flags & FLAG_SPILLED)
    return take_listed(L, d, idx, list, failed, call);
  lua_getiuservalue(L, idx, UV_CALLBACKS);
  *call = (weir_Call)d->first_call;
  drop_calls(L, d, idx);
  return is_for(*call, failed);
}

/* The chain has stopped on its way: what has been called since is not needed any more. */
static void forget_taken(lua_State *L, const weir_Deferred *d, int idx, uint32_t from) {
  lua_getiuservalue(L, idx, UV_CALLBACKS);
  for (uint32_t i = from; i < d->next_call; i++) {
    lua_pushnil(L);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pop(L, 1);
}

/* The handler is at `handler`, below the function. */
static int call_outside(lua_State *L, weir_State *S, int n, int nresults, int handler) {
  weir_Mark mark;
  int status;
  weir_state_mark(S, &mark);
  weir_guard_begin(L, S, &mark, n);
  S->running = NULL;
  S->busy++;
  status = lua_pcall(L, n, nresults, handler);
  if (status == LUA_OK) {
    S->busy--;
    S->running = mark.running;
  } else {
    weir_state_return(S, &mark);
  }
  weir_guard_end(L, S, &mark);
  return status;
}

int weir_deferred_call(lua_State *L, weir_State *S, int n, int nresults) {
  int handler = lua_gettop(L) - n;
  int status;
  lua_pushcfunction(L, weir_failure_handler);
  lua_insert(L, handler);
  status = call_outside(L, S, n, nresults, handler);
  lua_remove(L, handler);
  return status;
}

/* The n results on top are the next outcome. */
static void take_results(lua_State *L, weir_State *S, weir_Deferred *d, int idx, int n) {
  int failed = 0;
  if (n == 1 && weir_deferred_at(L, S, -1)) {
    if (weir_is_coroutine(d)) { /* an earlier cancel of it is past */
      d->flags &= ~(uint32_t)FLAG_MARKED;
      weir_coroutine(d)->struck = 0;
    }
    weir_deferred_adopt(L, S, idx);
    return;
  }
  if (n != 1)
    n = weir_deferred_pack_safely(L, n, &failed);
  weir_deferred_set_outcome(L, S, d, idx, n, failed);
}

static int push_arguments(lua_State *L, const weir_Deferred *d, int idx, weir_Call call) {
  int n = 0;
  if (call == CALL_BOTH) {
    lua_pushboolean(L, !(d->flags & FLAG_FAILED));
    n++;
  }
  return n + weir_deferred_push_outcome(L, d, idx);
}

static int has_calls(const weir_Deferred *d) {
  return d->ncalls && d->phase == PHASE_FIRED && !(d->flags & FLAG_HELD);
}

/* Calls the one on top. For a failure its note is at `note`. */
static void call_taken(lua_State *L, weir_State *S, weir_Deferred *d, int idx, weir_Call call,
                       int handler, int note) {
  int f = lua_gettop(L);
  if (note)
    weir_failure_handled(L, S, idx);
  if (call_outside(L, S, push_arguments(L, d, idx, call), LUA_MULTRET, handler) == LUA_OK) {
    take_results(L, S, d, idx, lua_gettop(L) - f + 1);
    return;
  }
  weir_deferred_set_outcome(L, S, d, idx, 1, 1);
  if (note)
    lua_pushvalue(L, note);
  else
    lua_pushnil(L);
  weir_failure_take_raised(L, S, idx);
}

/* Runs the next one. If they are in a list, that lies above the handler; returns whether it still
   is what they are in. */
static int run_call(lua_State *L, weir_State *S, weir_Deferred *d, int idx, int handler) {
  int note = 0, is_called, stays;
  weir_Call call;
  if (d->nvalues > 1 && !lua_checkstack(L, d->nvalues + CALL_SLOTS)) {
    lua_pushliteral(L, "stack overflow");
    weir_deferred_set_outcome(L, S, d, idx, 1, 1);
    return (d->flags & FLAG_SPILLED) != 0;
  }
  if (d->flags & FLAG_FAILED) {
    weir_failure_push_note(L, S, idx);
    note = lua_gettop(L);
  }
  is_called = take_call(L, d, idx, handler + 1, note != 0, &call);
  stays = (d->flags & FLAG_SPILLED) != 0;
  if (is_called)
    call_taken(L, S, d, idx, call, handler, note);
  return stays;
}

static void run_calls(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  int handler, stays = 0;
  lua_pushcfunction(L, weir_failure_handler);
  handler = lua_gettop(L);
  while (has_calls(d)) {
    if (!stays && (d->flags & FLAG_SPILLED))
      lua_getiuservalue(L, idx, UV_CALLBACKS);
    stays = run_call(L, S, d, idx, handler);
    if (lua_gettop(L) != handler + stays)
      lua_settop(L, handler + stays);
  }
  lua_settop(L, handler - 1);
}

/* ---- telling ---- */

static int tell_waiters(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  uint32_t told = 0;
  int done;
  d->flags |= FLAG_TELLING;
  done = weir_wait_tell(L, S, d, idx, &told);
  d->flags &= ~(uint32_t)FLAG_TELLING;
  weir_pause_rehold(L, S, d, idx);
  if (told > 0)
    weir_failure_handled(L, S, idx);
  else if (done && (d->flags & FLAG_FAILED))
    weir_failure_note(L, S, idx);
  return done;
}

/* Waiters get the outcome as it is now. Returns 0 if it came to a stop for want of memory. */
static int tell_outcome(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  if (d->first)
    return tell_waiters(L, S, d, idx);
  if (d->flags & FLAG_FAILED)
    weir_failure_note(L, S, idx);
  return 1;
}

/* It came to a stop when some of its waiters had not been told. */
static int is_half_told(const weir_Deferred *d) {
  return d->phase == PHASE_SETTLED && d->first && !(d->flags & FLAG_HELD);
}

/* All callbacks have run. */
static int settle(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  d->phase = PHASE_SETTLED;
  if (d->flags & FLAG_OVERRIDE) {
    d->flags &= ~(uint32_t)FLAG_OVERRIDE;
    d->voided = d->pauses;
  }
  if (d->timers)
    weir_timer_unlimit(S, d, TIMER_AFTER);
  if (weir_is_coroutine(d))
    weir_coroutine(d)->deadline = HUGE_VAL;
  return tell_outcome(L, S, d, idx);
}

/* Returns 0 if it came to a stop for want of memory, or of stack: then it goes on later. */
static int tell_once(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  uint32_t from;
  if (!(d->flags & FLAG_BUSY) && (d->first || d->ncalls) && !lua_checkstack(L, CALL_SLOTS))
    return 0;
  d->flags &= ~(uint32_t)FLAG_QUEUED;
  if (d->flags & FLAG_BUSY)
    return 1;
  if (weir_is_coroutine(d)) /* an ended one, see weir_ready_append_ended; it may wait again */
    weir_ready_remove(S, weir_coroutine(d));
  d->flags |= FLAG_BUSY;
  from = d->next_call;
  if (has_calls(d))
    run_calls(L, S, d, idx);
  d->flags &= ~(uint32_t)FLAG_BUSY;
  if (d->ncalls && (d->flags & FLAG_SPILLED))
    forget_taken(L, d, idx, from);
  if (weir_deferred_is_to_tell(d))
    return settle(L, S, d, idx);
  return !is_half_told(d) || tell_outcome(L, S, d, idx);
}

/* Callbacks that are added while its waiters are told come behind that: each gets the same. */
static int has_more_calls(const weir_Deferred *d) {
  return d->ncalls && d->phase == PHASE_SETTLED && !(d->flags & FLAG_TELLING);
}

/* The same. */
static int tell(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  int done = tell_once(L, S, d, idx);
  while (done && has_more_calls(d)) {
    d->phase = PHASE_FIRED;
    done = tell_once(L, S, d, idx);
  }
  return done;
}

void weir_deferred_queue(lua_State *L, weir_State *S, int idx) {
  weir_Deferred *d = lua_touserdata(L, idx);
  if (d->flags & (FLAG_QUEUED | FLAG_BUSY))
    return;
  lua_pushvalue(L, idx);
  weir_deque_push(L, &S->fires, 0);
  d->flags |= FLAG_QUEUED;
}

/* One level deeper, unless that is too deep. */
static int nest(weir_State *S) {
  if (S->busy == 0)
    S->fire_depth = 0; /* even if an error went through the last time */
  if (S->fire_depth >= NESTED_FIRES)
    return 0;
  S->fire_depth++;
  return 1;
}

static int raise_no_memory(lua_State *L) {
  lua_pushliteral(L, "not enough memory"); /* Lua has that string */
  return lua_error(L);
}

/* Tells the one at the front, which stays there until that is done. */
static int tell_front(lua_State *L, weir_State *S) {
  weir_Deque *q = &S->fires;
  weir_Region inner;
  int done;
  weir_deque_peek(L, q);
  inner = weir_deque_begin(q);
  done = lua_isnil(L, -1) || /* see weir_state_return */
         tell(L, S, lua_touserdata(L, -1), lua_gettop(L));
  weir_deque_end(q, inner);
  if (done)
    weir_deque_skip(L, q);
  lua_pop(L, 1);
  return done;
}

/* What a callback fires is drained inside that fire, a region of its own. What it leaves, being
   nested too deep, is ours again when it returns. */
void weir_deferred_run_queue(lua_State *L, weir_State *S) {
  int done = 1;
  luaL_checkstack(L, 8, "too many nested calls");
  if (!nest(S))
    return;
  while (done && !weir_deque_empty(&S->fires))
    done = tell_front(L, S);
  S->fire_depth--;
  if (!done)
    raise_no_memory(L);
}

/* Tells nobody, or one who awaits it, if that is all; else returns 0. */
static int tell_plainly(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  if (!weir_wait_is_plain(S, d))
    return 0;
  if (!d->first) {
    d->phase = PHASE_SETTLED;
    return 1;
  }
  if (!weir_wait_is_for_one(S, d) || d->nvalues > 1 || !lua_checkstack(L, 8))
    return 0;
  weir_wait_hand(L, S, d, idx, weir_deferred_push_outcome(L, d, idx));
  return 1;
}

/* The same for the one at idx, which need not go through the queue if nothing is before it. */
void weir_deferred_tell(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  int done;
  if (tell_plainly(L, S, d, idx))
    return;
  if (!weir_deque_empty(&S->fires) || d->nwaiters > 1 || !nest(S)) {
    weir_deferred_queue(L, S, idx);
    weir_deferred_drain(L, S);
    return;
  }
  done = tell(L, S, d, idx);
  S->fire_depth--;
  if (!done)
    weir_deferred_queue(L, S, idx); /* there was room for that before */
  weir_deferred_drain(L, S);
}

int weir_deferred_take(lua_State *L, weir_State *S, weir_Deferred *d, int idx, int n, int failed) {
  if (d->kind == KIND_TIMED)
    weir_timer_disarm(&((weir_Timed *)(void *)d)->timer);
  if (d->wait == WAIT_LINKS)
    weir_link_drop(L, S, idx);
  weir_deferred_set_outcome(L, S, d, idx, n, failed);
  return !(d->flags & FLAG_HELD);
}

void weir_deferred_fire(lua_State *L, weir_State *S, int idx, int n, int failed) {
  weir_deferred_reserve(L, S);
  if (weir_deferred_take(L, S, lua_touserdata(L, idx), idx, n, failed))
    weir_deferred_queue(L, S, idx);
}

void weir_deferred_fire_now(lua_State *L, weir_State *S, weir_Deferred *d, int idx, int n,
                            int failed) {
  weir_deferred_reserve(L, S);
  if (weir_deferred_take(L, S, d, idx, n, failed))
    weir_deferred_tell(L, S, d, idx);
}

void weir_deferred_add(lua_State *L, weir_State *S, weir_Deferred *d, int idx, weir_Call call,
                       int f) {
  if (d->ncalls == 0 && call != CALL_PAIR) {
    d->first_call = (uint8_t)call;
    d->ncalls = 1;
    lua_pushvalue(L, f);
    lua_setiuservalue(L, idx, UV_CALLBACKS);
  } else {
    if (!(d->flags & FLAG_SPILLED))
      spill_calls(L, d, idx);
    lua_getiuservalue(L, idx, UV_CALLBACKS);
    put_call(L, d, lua_gettop(L), call, f);
    lua_pop(L, 1);
  }
  if (d->phase == PHASE_SETTLED && !(d->flags & FLAG_TELLING))
    d->phase = PHASE_FIRED;
  if (d->phase == PHASE_FIRED && !(d->flags & (FLAG_HELD | FLAG_BUSY)))
    weir_deferred_tell(L, S, d, idx);
}

/* ---- adoption ---- */

/* Argument: the state. */
static int new_deadlock(lua_State *L) {
  lua_pushliteral(L, "a Deferred would wait on itself");
  weir_error_new(L, lua_touserdata(L, 1), ERROR_DEADLOCK);
  return 1;
}

/* Or that there is no memory for it. */
static void push_deadlock(lua_State *L, weir_State *S) {
  lua_pushcfunction(L, new_deadlock);
  lua_pushlightuserdata(L, S);
  lua_pcall(L, 1, 1, 0);
}

void weir_deferred_adopt(lua_State *L, weir_State *S, int idx) {
  weir_Deferred *d = lua_touserdata(L, idx);
  int from = lua_gettop(L);
  weir_Deferred *source = lua_touserdata(L, from);
  if (!weir_wait_try_reserve(L, source, from)) {
    weir_deferred_set_outcome(L, S, d, idx, 1, 1);
  } else if (weir_wait_closes_circle(S, d, source, 0)) {
    push_deadlock(L, S);
    weir_deferred_set_outcome(L, S, d, idx, 1, 1);
  } else if (weir_deferred_ready(source)) {
    if (weir_wait_take(L, S, idx, from))
      weir_failure_handled(L, S, from);
  } else {
    weir_failure_forget(L, S, idx);
    d->phase = PHASE_WAITING;
    weir_wait_begin(L, S, d, idx, source, from, WAIT_ADOPT);
    d->now.since = S->stamp;
  }
  lua_settop(L, from - 1);
}
