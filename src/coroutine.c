#include "coroutine.h"

#include <math.h>
#include <string.h>

#include "cancel.h"
#include "clock.h"
#include "failure.h"
#include "live.h"
#include "ready.h"
#include "record.h"
#include "sched.h"
#include "side.h"
#include "slice.h"
#include "tail.h"
#include "trap.h"
#include "wait.h"

#define POOL_MOST     1024 /* idle threads kept for reuse */
#define NESTED_CLOSES 100  /* resets within <close> handlers of resets, each on the C stack */

/* ---- threads ---- */

static int is_reusable(const weir_State *S, const weir_Coroutine *c) {
  return lua_status(c->thread) == LUA_OK && lua_gettop(c->thread) == 0 && !c->broken && !S->closing;
}

/* A thread that has been used looks like a new one to the host. */
static void renew(const weir_State *S, lua_State *thread) {
  memcpy(lua_getextraspace(thread), lua_getextraspace(S->main), LUA_EXTRASPACE);
}

/* Pushes an idle thread. */
static lua_State *acquire(lua_State *L, weir_State *S) {
  lua_State *thread;
  if (weir_deque_empty(&S->pool)) {
    thread = lua_newthread(L);
  } else {
    weir_deque_take_back(L, &S->pool);
    thread = lua_tothread(L, -1);
    renew(S, thread);
    if (lua_gethook(thread))
      weir_trap_forget(L);
  }
  if (lua_gethook(L)) {
    lua_pushvalue(L, -1);
    weir_trap_inherit(L, S);
  }
  return thread;
}

/* Most that is run as soon as it is made ends without ever being suspended: so it borrows the spare
   thread, which need not be moved then. Who is suspended keeps it, and another one takes its place.
   HOME_SPARE holds it meanwhile. */
static int borrows(const weir_State *S, const weir_Coroutine *c) {
  return c->thread && c->thread == S->spare;
}

static void drop_spare(lua_State *L, weir_State *S) {
  S->spare = NULL;
  S->lent = 0;
  lua_pushnil(L);
  weir_state_set(L, S, HOME_SPARE);
}

static void keep_spare(lua_State *L, weir_State *S, int idx) {
  weir_state_push(L, S, HOME_SPARE);
  lua_setiuservalue(L, idx, UV_THREAD);
  drop_spare(L, S);
}

/* The same for the spare one as for what is acquired. */
static WEIR_COLD void renew_hook(lua_State *L, weir_State *S) {
  weir_state_push(L, S, HOME_SPARE);
  if (lua_gethook(S->spare))
    weir_trap_forget(L);
  if (lua_gethook(L))
    weir_trap_inherit(L, S);
  else
    lua_pop(L, 1);
}

static lua_State *lend(lua_State *L, weir_State *S) {
  S->lent = 1;
  renew(S, S->spare);
  if (lua_gethook(S->spare) || lua_gethook(L))
    renew_hook(L, S);
  return S->spare;
}

/* Gives the Coroutine at idx a thread. */
static lua_State *borrow(lua_State *L, weir_State *S, int idx) {
  lua_State *thread;
  if (weir_likely(S->spare && !S->lent))
    return lend(L, S);
  thread = acquire(L, S);
  if (S->spare) { /* it is lent */
    lua_setiuservalue(L, idx, UV_THREAD);
  } else {
    S->spare = thread;
    S->lent = 1;
    weir_state_set(L, S, HOME_SPARE);
  }
  return thread;
}

void weir_coroutine_push_thread(lua_State *L, weir_State *S, int idx) {
  if (borrows(S, lua_touserdata(L, idx)))
    weir_state_push(L, S, HOME_SPARE);
  else
    lua_getiuservalue(L, idx, UV_THREAD);
}

static void give_back(lua_State *L, weir_State *S, const weir_Coroutine *c) {
  if (is_reusable(S, c))
    S->lent = 0;
  else
    drop_spare(L, S);
}

static void put_in_pool(lua_State *L, weir_State *S, const weir_Coroutine *c, int idx) {
  if (is_reusable(S, c) && weir_deque_length(&S->pool) < POOL_MOST && weir_deque_try(L, &S->pool)) {
    lua_getiuservalue(L, idx, UV_THREAD);
    weir_deque_push(L, &S->pool, 0);
  }
  lua_pushnil(L);
  lua_setiuservalue(L, idx, UV_THREAD);
}

/* Takes the thread from the Coroutine at idx; it is empty. */
static void release(lua_State *L, weir_State *S, weir_Coroutine *c, int idx) {
  if (c->has_trap) {
    weir_coroutine_push_thread(L, S, idx);
    weir_trap_release(L, S);
  }
  if (c->has_side)
    weir_side_drop(L, c, idx);
  if (borrows(S, c))
    give_back(L, S, c);
  else
    put_in_pool(L, S, c, idx);
  c->thread = NULL;
}

/* ---- the body ---- */

/* Where the Coroutine stands: on a thread that was not begun, and in the frame of body_main. */
enum { LOADED_SELF = 4, LOADED_BODY, FRAME_HANDLER = 2, FRAME_SELF };

/* What is on the thread when it ends: first true's stand-in, the handler, or false; then the
   Coroutine; then the values, or the error. */
static int body_end(lua_State *L, int status, lua_KContext ctx) {
  weir_State *S = (weir_State *)ctx;
  while (S->hop && (status == LUA_OK || status == LUA_YIELD)) {
    int n = weir_tail_take(L, S, FRAME_SELF);
    status = lua_pcallk(L, n, LUA_MULTRET, FRAME_HANDLER, ctx, body_end);
  }
  if (status != LUA_OK && status != LUA_YIELD) {
    weir_tail_drop(L, S); /* there was no room for the hook that was to end the body */
    lua_pushboolean(L, 0);
    lua_replace(L, FRAME_HANDLER);
  }
  return lua_gettop(L) - 1;
}

/* the state, the handler, the Coroutine, f, arguments */
static int body_main(lua_State *L) {
  lua_KContext ctx = (lua_KContext)lua_touserdata(L, 1);
  int status = lua_pcallk(L, lua_gettop(L) - 4, LUA_MULTRET, FRAME_HANDLER, ctx, body_end);
  return body_end(L, status, ctx);
}

static void prepare(lua_State *L, weir_State *S, lua_State *thread, int n) {
  if (n > LUA_MINSTACK / 2 && !lua_checkstack(thread, n + 6))
    luaL_error(L, "too many arguments");
  lua_pushcfunction(thread, body_main);
  lua_pushlightuserdata(thread, S);
  lua_pushcfunction(thread, weir_failure_handler);
}

/* All is on the thread, the Coroutine too, which is pushed. */
static void loaded(lua_State *L, weir_Coroutine *c, int n) {
  lua_pushvalue(c->thread, LOADED_SELF);
  lua_xmove(c->thread, L, 1);
  c->d.now.nargs = n + 4;
  c->life = LIFE_NEW;
  c->raise = c->gave_way = 0;
  c->raw = 0;
}

void weir_coroutine_load(lua_State *L, weir_State *S, weir_Coroutine *c, int n) {
  prepare(L, S, c->thread, n);
  lua_xmove(L, c->thread, n + 2);
  loaded(L, c, n);
}

/* The same with the Coroutine on top. */
static void load_first(lua_State *L, weir_State *S, weir_Coroutine *c, int n) {
  prepare(L, S, c->thread, n);
  lua_xmove(L, c->thread, 1);
  lua_xmove(L, c->thread, n + 1);
  loaded(L, c, n);
}

/* ---- from a pointer to the value ---- */

/* The outermost level of a thread that is in use; -1: none is. */
static int last_level(lua_State *thread) {
  lua_Debug ar;
  int from = -1, to = 0; /* the first is there, the second perhaps not */
  while (lua_getstack(thread, to, &ar)) {
    from = to;
    to = to * 2 + 1;
  }
  while (from + 1 < to) {
    int middle = from + (to - from) / 2;
    if (lua_getstack(thread, middle, &ar))
      from = middle;
    else
      to = middle;
  }
  return from;
}

/* Pushes it on its thread. */
static int push_on_thread(lua_State *thread) {
  lua_Debug ar;
  int level = last_level(thread);
  if (level >= 0)
    return lua_getstack(thread, level, &ar) && lua_getlocal(thread, &ar, FRAME_SELF) != NULL;
  if (lua_gettop(thread) < LOADED_SELF)
    return 0;
  lua_pushvalue(thread, LOADED_SELF);
  return 1;
}

int weir_coroutine_push(lua_State *L, const weir_State *S, const weir_Coroutine *c) {
  if (c->d.anchor != WEIR_NO_ANCHOR) {
    weir_anchor_push(L, &S->anchors, c->d.anchor);
    return 1;
  }
  if (!c->thread || !lua_checkstack(c->thread, 1) || !push_on_thread(c->thread))
    return 0;
  lua_xmove(c->thread, L, 1);
  if (lua_touserdata(L, -1) == (const void *)c)
    return 1;
  lua_pop(L, 1);
  return 0;
}

/* The outermost function but body_main is what it has called, unless that has made a tail call. */
int weir_coroutine_definition(const weir_Coroutine *c, lua_Debug *ar) {
  int level = last_level(c->thread);
  if (!lua_checkstack(c->thread, 1))
    return 0;
  if (level > 0)
    return lua_getstack(c->thread, level - 1, ar) && lua_getinfo(c->thread, "S", ar);
  if (level == 0 || lua_gettop(c->thread) < LOADED_BODY)
    return 0;
  lua_pushvalue(c->thread, LOADED_BODY);
  if (lua_isfunction(c->thread, -1))
    return lua_getinfo(c->thread, ">S", ar);
  lua_pop(c->thread, 1);
  return 0;
}

void weir_coroutine_set_armed(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  c->armed = 1;
  if (borrows(S, c))
    keep_spare(L, S, idx);
  weir_state_push(L, S, HOME_COROUTINE);
  lua_setmetatable(L, idx);
  weir_live_add(L, S, idx);
}

static void disarm(lua_State *L, weir_State *S, weir_Coroutine *c, int idx) {
  c->armed = 0;
  weir_state_push(L, S, HOME_UNARMED);
  lua_setmetatable(L, idx);
}

/* The Coroutine is on top. */
static void track(lua_State *L, weir_State *S, const weir_Coroutine *c) {
  weir_state_push(L, S, HOME_TRACK);
  lua_pushvalue(L, -2);
  lua_pushinteger(L, (lua_Integer)c->born);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* The same, for all who want to know of it. */
static void tell_of_start(lua_State *L, weir_State *S, const weir_Coroutine *c) {
  if (S->tracks & TRACK_TRACE)
    weir_record_start(S, c);
  if (S->tracks & TRACK_TABLE)
    track(L, S, c);
}

/* Without a look at what is there, Lua before 5.4.3 might make room for it. */
static void untrack(lua_State *L, weir_State *S, int idx) {
  weir_state_push(L, S, HOME_TRACK);
  lua_pushvalue(L, idx);
  if (lua_rawget(L, -2) != LUA_TNIL) {
    lua_pushvalue(L, idx);
    lua_pushnil(L);
    lua_rawset(L, -4);
  }
  lua_pop(L, 2);
}

weir_Coroutine *weir_coroutine_new(lua_State *L, weir_State *S, int n) {
  weir_Coroutine *c;
  int idx;
  if (S->anchors.free == WEIR_NO_ANCHOR)
    weir_anchor_prepare(L, &S->anchors);
  c = (weir_Coroutine *)(void *)weir_deferred_new(L, S, KIND_COROUTINE, sizeof *c);
  idx = lua_gettop(L);
  c->life = LIFE_ENDED; /* until it has a thread */
  c->born = ++S->born;
  c->deadline = HUGE_VAL;
  c->thread = borrow(L, S, idx);
  if (S->slice > 0)
    weir_slice_start(L, S, idx);
  load_first(L, S, c, n);
  S->live++;
  if (S->tracks)
    tell_of_start(L, S, c);
  return c;
}

void weir_coroutine_set_name(lua_State *L, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  if (lua_type(L, -1) != LUA_TSTRING) {
    lua_pop(L, 1);
    return;
  }
  c->name = lua_tostring(L, -1);
  if (c->has_side)
    weir_side_set(L, idx, SIDE_NAME);
  else
    lua_setiuservalue(L, idx, UV_SIDE);
}

weir_Coroutine *weir_coroutine_make(lua_State *L, weir_State *S, int n) {
  int f = lua_gettop(L) - n;
  weir_Coroutine *c;
  if (!weir_coroutine_undecorate(L, f))
    return weir_coroutine_new(L, S, n);
  lua_insert(L, f); /* the name */
  c = weir_coroutine_new(L, S, n);
  lua_insert(L, f);
  weir_coroutine_set_name(L, f);
  return c;
}

/* A weir.coroutine function: upvalues are the state, the body and the name. */
static int decorated(lua_State *L) {
  weir_State *S = weir_upstate(L);
  int n = lua_gettop(L);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_insert(L, 1);
  weir_coroutine_new(L, S, n);
  lua_pushvalue(L, lua_upvalueindex(3));
  weir_coroutine_set_name(L, 1);
  return weir_sched_spawn(L, S);
}

lua_CFunction weir_coroutine_decorator(void) {
  return decorated;
}

int weir_coroutine_undecorate(lua_State *L, int idx) {
  if (lua_tocfunction(L, idx) != decorated)
    return 0;
  lua_getupvalue(L, idx, 3);
  lua_getupvalue(L, idx, 2);
  lua_replace(L, idx);
  return 1;
}

/* ---- waking ---- */

/* Whoever awaits it runs when it has ended, and each of a chain of them finds the next one. What
   they touch is asked for in three steps, as each is found by what the one before has brought: so
   with each that is woken comes the whole of one further up. */
static void fetch_above(const weir_Coroutine *c) {
  const weir_Deferred *next = c->d.first, *second;
  weir_fetch_thread(c->thread);
  if (!next || !weir_is_coroutine(next))
    return;
  weir_fetch_calls(weir_coroutine_thread_of(next));
  second = next->first;
  if (!second || !weir_is_coroutine(second))
    return;
  weir_fetch_thread(weir_coroutine_thread_of(second));
  if (second->first)
    weir_coroutine_fetch_all(second->first);
}

static void set_ready(lua_State *L, weir_State *S, weir_Coroutine *c, int idx, int nargs,
                      weir_Raise raise) {
  fetch_above(c);
  if (c->life == LIFE_ASLEEP)
    weir_timer_end_sleep(L, S, c, idx);
  c->life = LIFE_READY;
  c->d.now.nargs = nargs;
  c->raise = (uint8_t)raise;
  c->gave_way = 0;
  c->d.flags &= ~(uint32_t)FLAG_LEAVING;
  if (c->limited)
    weir_timer_unlimit(S, &c->d, TIMER_AWAIT);
  c->limited = 0;
  S->wakes++;
  if (!(c->d.flags & FLAG_HELD))
    weir_ready_add(L, S, c, idx);
}

void weir_coroutine_hand(lua_State *L, weir_State *S, weir_Coroutine *c, int idx, int n) {
  if (n)
    lua_xmove(L, c->thread, 1); /* its thread has LUA_MINSTACK free slots */
  set_ready(L, S, c, idx, n, RAISE_NOT);
}

void weir_coroutine_raise(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  lua_xmove(L, c->thread, 1); /* its thread has LUA_MINSTACK free slots */
  set_ready(L, S, c, idx, 1, RAISE_ERROR);
}

void weir_coroutine_rouse(lua_State *L, weir_State *S, int idx) {
  set_ready(L, S, lua_touserdata(L, idx), idx, 0, RAISE_NOT);
}

void weir_coroutine_strike(lua_State *L, weir_Coroutine *c, int idx) {
  c->struck = 1;
  lua_getiuservalue(L, idx, UV_VALUE);
}

/* The error with which it leaves what it waited on: of a cancel, else of a limit. */
static void push_parting_error(lua_State *L, weir_Coroutine *c, int idx) {
  if (weir_coroutine_is_due(c))
    weir_coroutine_strike(L, c, idx);
  else
    weir_side_take(L, idx, SIDE_ERROR);
}

void weir_coroutine_wake(lua_State *L, weir_State *S, weir_Coroutine *c, int idx,
                         const weir_Deferred *d, int didx) {
  weir_Raise failed = d->flags & FLAG_FAILED ? RAISE_FAILURE : RAISE_NOT;
  int n = d->nvalues;
  if ((c->d.flags & FLAG_LEAVING) && (failed || (d->flags & FLAG_STRUCK))) {
    push_parting_error(L, c, idx);
    weir_coroutine_raise(L, S, idx);
    return;
  }
  if (n > 1 && !(lua_checkstack(L, n + 4) && lua_checkstack(c->thread, n + 4))) {
    lua_pushliteral(L, "stack overflow");
    weir_coroutine_raise(L, S, idx);
    return;
  }
  if (failed && (d->flags & FLAG_NOTED)) {
    lua_getiuservalue(L, didx, UV_TARGET);
    lua_xmove(L, c->thread, 1);
    failed = RAISE_NOTED;
  }
  n = weir_deferred_push_outcome(L, d, didx);
  if (n)
    lua_xmove(L, c->thread, n);
  set_ready(L, S, c, idx, failed == RAISE_NOTED ? 2 : n, failed);
}

/* ---- the end ---- */

int weir_coroutine_is_used(const weir_Coroutine *c) {
  lua_Debug ar;
  return lua_status(c->thread) == LUA_OK && lua_getstack(c->thread, 0, &ar);
}

int weir_coroutine_is_intact(const weir_Coroutine *c) {
  if (c->life == LIFE_ENDED)
    return 0;
  if (c->d.now.nargs && lua_gettop(c->thread) < c->d.now.nargs + (c->life == LIFE_NEW))
    return 0;
  if (c->life == LIFE_NEW)
    return lua_status(c->thread) == LUA_OK && !weir_coroutine_is_used(c);
  return lua_status(c->thread) == LUA_YIELD;
}

/* Its handlers run as the coroutine, which has `running` already at a noreturn. What they fire is
   told inside of them; what has been fired before, behind them all. */
static int close_thread(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx), *before = S->running;
  weir_Meter *meter = S->meter;
  int in_hand = c->in_hand;
  weir_Region fires, hooks;
  int status;
  if (S->watch)
    weir_watch_begin_close(S, c);
  weir_ready_take(L, S, c, idx);
  weir_ready_remove(S, c);
  fires = weir_deque_begin(&S->fires);
  hooks = weir_deque_begin(&S->hooks);
  S->running = c;
  S->close_depth++;
  S->busy++;
  c->life = LIFE_RUNNING;
  c->d.at.top = NULL;
  S->meter = NULL;
  if (c->trapped)
    weir_slice_begin(L, S);
  status = weir_trap_close(L, c->thread);
  weir_slice_end(S, meter);
  if (S->depth)
    weir_watch_end_close(S, c);
  c->d.at.top = c->thread;
  S->busy--;
  S->close_depth--;
  S->running = before;
  if (!in_hand)
    weir_ready_put_down(S, c);
  weir_deque_end(&S->hooks, hooks);
  weir_deque_end(&S->fires, fires);
  return status;
}

/* What it has seen goes with its stack. */
static void forget_seen(lua_State *L, weir_Coroutine *c, int idx) {
  if (!c->seen)
    return;
  lua_pushnil(L);
  weir_side_set(L, idx, SIDE_SEEN);
  c->seen = 0;
}

int weir_coroutine_reset(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  int status;
  int used = weir_coroutine_is_used(c);
  if (S->close_depth >= NESTED_CLOSES || used) {
    c->broken |= (unsigned)used;
    lua_pushstring(L, used ? "cannot close a running coroutine" : "C stack overflow");
    return LUA_ERRRUN;
  }
  if (WEIR_HANDLER_STAYS && lua_status(c->thread) == LUA_YIELD)
    c->broken = 1;
  status = close_thread(L, S, idx);
  if (status != LUA_OK) {
    lua_xmove(c->thread, L, 1);
    weir_revive(c->thread);
    lua_settop(c->thread, 0);
  }
  forget_seen(L, c, idx);
  return status;
}

/* 5.6: a coroutine that was cancelled never ends with success. */
static int apply_cancel(lua_State *L, const weir_Coroutine *c, int idx, int n, int *failed) {
  if (*failed || !(c->d.flags & FLAG_MARKED))
    return n;
  lua_pop(L, 1); /* they are packed */
  lua_getiuservalue(L, idx, UV_VALUE);
  *failed = 1;
  return 1;
}

static void retire(lua_State *L, weir_State *S, weir_Coroutine *c, int idx) {
  if (c->armed)
    disarm(L, S, c, idx);
  c->life = LIFE_ENDED;
  S->live--;
  if (S->tracks & TRACK_TABLE)
    untrack(L, S, idx);
  weir_ready_remove(S, c);
  if (c->d.timers)
    weir_timer_unlimit(S, &c->d, TIMER_AWAIT);
  release(L, S, c, idx);
}

/* The note of the uncaught error, if it is that of the failure. */
static void take_note(lua_State *L, weir_State *S, const weir_Coroutine *c, int idx) {
  if (!c->has_side) {
    weir_failure_forget_last(L, S);
    return;
  }
  weir_side_take(L, idx, SIDE_NOTE);
  weir_failure_set_last(L, S);
}

/* Before anything is looked at: a finalizer may cancel or close the Coroutine. Without memory the
   error replaces the Deferred. */
static int reserve_adoption(lua_State *L) {
  int d = lua_gettop(L);
  if (weir_wait_try_reserve(L, lua_touserdata(L, d), d))
    return 1;
  lua_replace(L, d);
  return 0;
}

/* Is the Deferred that was returned to be adopted? Not if a cancel is due: adopting is a wait
 * (5.8). */
static int adopts(lua_State *L, weir_State *S, int idx) {
  int d = lua_gettop(L);
  if (!weir_coroutine_is_due(lua_touserdata(L, idx)))
    return 1;
  weir_cancel_claim(L, S, d, idx);
  return 0;
}

void weir_coroutine_finish(lua_State *L, weir_State *S, int idx, int n, int failed) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  if (n == 1 && !failed && weir_deferred_at(L, S, -1) && !reserve_adoption(L))
    failed = 1;
  if (n == 1 && !failed && weir_deferred_at(L, S, -1) && adopts(L, S, idx)) {
    retire(L, S, c, idx);
    c->d.nvalues = 0;
    c->d.phase = PHASE_FIRED;
    weir_deferred_adopt(L, S, idx);
  } else {
    n = weir_deferred_pack_safely(L, n, &failed);
    n = apply_cancel(L, c, idx, n, &failed);
    if (c->unwinding)
      take_note(L, S, c, idx);
    retire(L, S, c, idx);
    weir_deferred_set_outcome(L, S, &c->d, idx, n, failed);
    if (c->unwinding)
      weir_failure_take(L, S, idx);
  }
  if (S->watch)
    weir_watch_finish(L, S, idx);
}

void weir_coroutine_end(lua_State *L, weir_State *S, int idx, int n, int failed) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  weir_coroutine_finish(L, S, idx, n, failed);
  if (!weir_deferred_is_to_tell(&c->d))
    return;
  if (c->in_hand && !weir_deque_try(L, &S->fires))
    weir_ready_append_ended(S, c);
  else
    weir_deferred_queue(L, S, idx);
}

void weir_coroutine_settle(lua_State *L, weir_State *S, weir_Coroutine *c, int n) {
  int idx = lua_gettop(L) - n;
  if (n)
    lua_setiuservalue(L, idx, UV_VALUE);
  retire(L, S, c, idx);
  c->d.nvalues = n;
  c->d.phase = PHASE_SETTLED;
}
