#include "clock.h"

#include <math.h>

#include "cancel.h"
#include "close.h"
#include "coroutine.h"
#include "failure.h"
#include "pause.h"
#include "platform.h"
#include "sched.h"

#define TRIM_TIMERS 4096 /* an empty clock with room for more gives it back */

/* ---- memory ---- */

static void *resize(lua_State *L, void *block, size_t from, size_t to) {
  void *ud;
  lua_Alloc alloc = lua_getallocf(L, &ud);
  void *p = alloc(ud, block, from, to);
  if (to > 0 && !p)
    luaL_error(L, "not enough memory");
  return p;
}

static void heap_reserve(lua_State *L, weir_Heap *h, size_t n) {
  size_t cap = h->cap ? h->cap * 2 : 16;
  if (n <= h->cap)
    return;
  h->v = resize(L, h->v, h->cap * sizeof *h->v, cap * sizeof *h->v);
  h->cap = cap;
}

static void heap_free(lua_State *L, weir_Heap *h) {
  for (size_t i = 0; i < h->n; i++)
    h->v[i].item->pos = 0;
  resize(L, h->v, h->cap * sizeof *h->v, 0);
  *h = (weir_Heap){NULL, 0, 0};
}

/* ---- clocks ---- */

weir_Clock *weir_clock_at(lua_State *L, const weir_State *S, int idx) {
  weir_Clock *k = lua_touserdata(L, idx);
  return k && lua_rawlen(L, idx) == sizeof *k &&
                 weir_state_class(L, idx) == S->classes[HOME_CLOCK] &&
                 k->tag == weir_tag(S, TAG_CLOCK)
             ? k
             : NULL;
}

weir_Clock *weir_clock_new(lua_State *L, weir_State *S, weir_ClockKind kind, int parent) {
  weir_Clock *k = lua_newuserdatauv(L, sizeof *k, CLOCK_SLOTS);
  int idx = lua_gettop(L);
  *k = (weir_Clock){.tag = weir_tag(S, TAG_CLOCK), .kind = (uint8_t)kind, .speed = 1};
  k->shelf = lua_newthread(L);
  lua_setiuservalue(L, idx, CLOCK_SHELF);
  lua_newtable(L);
  lua_pushvalue(L, idx);
  lua_xmove(L, k->shelf, 2);
  if (kind == CLOCK_SCALED) {
    k->parent = lua_touserdata(L, parent);
    k->depth = k->parent->depth + 1;
    k->since = weir_clock_now(k->parent);
    k->proxy.kind = TIMER_CLOCK;
    k->proxy.clock = k->parent;
    lua_pushvalue(L, parent);
    lua_setiuservalue(L, idx, CLOCK_PARENT);
  }
  weir_state_push(L, S, HOME_CLOCK);
  lua_setmetatable(L, idx);
  return k;
}

static double scaled_now(const weir_Clock *k) {
  if (k->pauses > 0 || k->speed == 0)
    return k->now;
  return k->now + (weir_clock_now(k->parent) - k->since) * k->speed;
}

static double real_now(const weir_Clock *k) {
  return k->source ? k->source(k->source_ud) : weir_platform_now();
}

double weir_clock_now(const weir_Clock *k) {
  double scale = 1, offset = 0; /* time here = offset + scale * time of `k` */
  double now;
  for (; k->kind == CLOCK_SCALED; k = k->parent) {
    double speed = k->pauses > 0 ? 0 : k->speed;
    offset += scale * (k->now - speed * k->since);
    scale *= speed;
    if (scale == 0)
      return offset;
  }
  now = k->kind == CLOCK_REAL ? real_now(k) : k->now;
  return offset + scale * now;
}

double weir_clock_next(const weir_Clock *k) {
  return k->due.n ? k->due.v[0].key : HUGE_VAL;
}

/* ---- the shelf ---- */

static int shelve(lua_State *L, weir_Clock *k, int idx) {
  int slot;
  if (k->nfree == 0 && k->used_slots == k->nslots) {
    int more = k->nslots ? k->nslots * 2 : 16;
    k->free_slots =
        resize(L, k->free_slots, (size_t)k->nslots * sizeof(int), (size_t)more * sizeof(int));
    k->nslots = more;
  }
  slot = k->nfree ? k->free_slots[k->nfree - 1] : k->used_slots + 1;
  lua_pushvalue(k->shelf, 1); /* not there: what is raised on that thread empties it */
  lua_xmove(k->shelf, L, 1);
  lua_pushvalue(L, idx);
  lua_rawseti(L, -2, slot);
  lua_pop(L, 1);
  if (k->nfree)
    k->nfree--;
  else
    k->used_slots++;
  return slot;
}

static void unshelve(weir_Clock *k, int slot) {
  lua_pushnil(k->shelf);
  lua_rawseti(k->shelf, 1, slot);
  k->free_slots[k->nfree++] = slot;
}

/* ---- arming ---- */

/* A timer that counts among those that a loop waits for: none of grace; the proxy of a scaled clock
   while one on it does. */
static void count(weir_Timer *t, int keeps) {
  while (t->keeps != keeps) {
    weir_Clock *k = t->clock;
    t->keeps = (uint8_t)keeps;
    k->keeping += keeps ? (size_t)1 : ~(size_t)0;
    if (k->kind != CLOCK_SCALED || !k->proxy.item.pos)
      return;
    t = &k->proxy;
    keeps = k->keeping > 0;
  }
}

/* The value that the timer is part of is on top. */
static void put_in(lua_State *L, weir_State *S, weir_Clock *k, weir_Timer *t, double deadline,
                   int keeps) {
  t->clock = k;
  t->deadline = deadline;
  if (!(deadline < HUGE_VAL) || k->is_dead)
    return;                                            /* infinity never comes */
  heap_reserve(L, &k->due, k->due.n + k->aside.n + 1); /* each may have to take all */
  heap_reserve(L, &k->aside, k->due.n + k->aside.n + 1);
  t->slot = shelve(L, k, lua_gettop(L));
  t->seq = ++S->armed;
  t->keeps = 0;
  t->instant = deadline <= weir_clock_now(k);
  t->set_aside = 0;
  weir_heap_insert(&k->due, &t->item, deadline, t->seq);
  count(t, keeps);
}

static void link_limit(weir_Timer *t, weir_Deferred *d) {
  t->node = d;
  t->prev = NULL;
  t->next = d->timers;
  if (t->next)
    t->next->prev = t;
  d->timers = t;
}

static void unlink_limit(weir_Timer *t) {
  if (t->prev)
    t->prev->next = t->next;
  else
    t->node->timers = t->next;
  if (t->next)
    t->next->prev = t->prev;
  t->node = NULL;
}

static void take_out(weir_Timer *t) {
  weir_Clock *k = t->clock;
  weir_heap_remove(t->set_aside ? &k->aside : &k->due, &t->item);
  unshelve(k, t->slot);
  count(t, 0);
  if (t->node)
    unlink_limit(t);
}

void weir_timer_disarm(weir_Timer *t) {
  while (t->item.pos) {
    weir_Clock *k = t->clock;
    take_out(t);
    if (k->kind != CLOCK_SCALED || k->due.n || k->aside.n)
      return; /* a proxy that comes too early for the rest does no harm */
    t = &k->proxy;
  }
}

/* Wakes the scaled clocks from `k` up at their first deadlines, each through its parent. */
static void arm_proxies(lua_State *L, weir_State *S, weir_Clock *k) {
  for (; k->kind == CLOCK_SCALED; k = k->parent) {
    double next = weir_clock_next(k);
    weir_timer_disarm(&k->proxy);
    if (next == HUGE_VAL || k->pauses > 0 || k->speed == 0)
      continue;
    lua_pushvalue(k->shelf, 2);
    lua_xmove(k->shelf, L, 1);
    k->awaited = next;
    put_in(L, S, k->parent, &k->proxy, k->since + (next - k->now) / k->speed, k->keeping > 0);
    lua_pop(L, 1);
  }
}

/* Arms a timer that is part of the value at idx. */
static void arm(lua_State *L, weir_State *S, weir_Clock *k, weir_Timer *t, double deadline,
                int idx) {
  lua_pushvalue(L, idx);
  put_in(L, S, k, t, deadline, t->kind != TIMER_GRACE);
  lua_pop(L, 1);
  arm_proxies(L, S, k);
}

void weir_clock_retime(lua_State *L, weir_State *S, int idx, double speed, int pauses) {
  weir_Clock *k = lua_touserdata(L, idx);
  k->now = scaled_now(k);
  k->since = weir_clock_now(k->parent);
  k->speed = speed;
  k->pauses = pauses;
  arm_proxies(L, S, k);
}

int weir_clock_gc(lua_State *L) {
  weir_Clock *k = weir_clock_at(L, weir_upstate(L), 1);
  if (!k)
    return 0;
  for (size_t i = 0; i < k->due.n; i++) {
    weir_Timer *t = (weir_Timer *)(void *)k->due.v[i].item;
    if (t->node)
      unlink_limit(t);
  }
  k->is_dead = 1;
  heap_free(L, &k->due);
  heap_free(L, &k->aside);
  resize(L, k->free_slots, (size_t)k->nslots * sizeof(int), 0);
  k->free_slots = NULL;
  k->nfree = k->nslots = k->used_slots = 0;
  return 0;
}

/* ---- timers ---- */

void weir_timer_at(lua_State *L, weir_State *S, int clock, double deadline, int n) {
  weir_Clock *k = lua_touserdata(L, clock);
  weir_Timed *d;
  weir_deferred_pack(L, n);
  d = (weir_Timed *)(void *)weir_deferred_new(L, S, KIND_TIMED, sizeof *d);
  d->narguments = n;
  d->timer.kind = TIMER_AFTER;
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, UV_ARGUMENTS);
  lua_pushvalue(L, clock);
  lua_setiuservalue(L, -2, UV_VALUE);
  d->timer.remaining = HUGE_VAL;
  arm(L, S, k, &d->timer, deadline, lua_gettop(L));
}

void weir_timer_freeze(weir_Timed *d) {
  double left = d->timer.deadline - weir_clock_now(d->timer.clock);
  d->timer.remaining = left > 0 ? left : 0;
  weir_timer_disarm(&d->timer);
}

void weir_timer_thaw(lua_State *L, weir_State *S, int idx) {
  weir_Timed *d = lua_touserdata(L, idx);
  weir_Clock *k = d->timer.clock;
  arm(L, S, k, &d->timer, weir_clock_now(k) + d->timer.remaining, idx);
}

void weir_timer_limit(lua_State *L, weir_State *S, int idx, int clock, double deadline,
                      weir_TimerKind kind) {
  weir_Deferred *d = lua_touserdata(L, idx);
  weir_Timer *t;
  if (!(deadline < HUGE_VAL))
    return;
  t = lua_newuserdatauv(L, sizeof *t, LIMIT_SLOTS);
  if (d->phase == PHASE_SETTLED) { /* by a finalizer */
    lua_pop(L, 1);
    return;
  }
  *t = (weir_Timer){.kind = (uint8_t)kind};
  lua_pushvalue(L, idx);
  lua_setiuservalue(L, -2, LIMIT_NODE);
  lua_pushvalue(L, clock);
  lua_setiuservalue(L, -2, LIMIT_CLOCK);
  arm(L, S, lua_touserdata(L, clock), t, deadline, lua_gettop(L));
  if (t->item.pos) /* not on a clock that is gone */
    link_limit(t, d);
  lua_pop(L, 1);
}

void weir_timer_unlimit(weir_Deferred *d, weir_TimerKind kind) {
  weir_Timer *t = d->timers, *next;
  for (; t; t = next) {
    next = t->next;
    if (kind == TIMER_AFTER || t->kind == kind)
      weir_timer_disarm(t);
  }
}

/* ---- firing ---- */

static void push_timeout_error(lua_State *L, weir_State *S) {
  lua_pushliteral(L, "timed out");
  weir_error_new(L, S, ERROR_TIMEOUT);
}

static void fire_after(lua_State *L, weir_State *S, int idx) {
  const weir_Timed *d = lua_touserdata(L, idx);
  lua_getiuservalue(L, idx, UV_ARGUMENTS);
  weir_deferred_fire_now(L, S, idx, d->narguments, 0);
}

static void fire_timeout(lua_State *L, weir_State *S, int idx) {
  weir_Deferred *d = lua_touserdata(L, idx);
  uint32_t before = d->flags & FLAG_TIMED_OUT; /* by another that came first */
  d->flags |= FLAG_TIMED_OUT;
  if (!weir_cancel(L, S, idx, S->grace))
    d->flags = (d->flags & ~(uint32_t)FLAG_TIMED_OUT) | before;
}

static void fire_grace(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  if (weir_coroutine_is_executing(&c->d))
    c->force = 1;
  else if (!weir_close(L, S, idx))
    lua_pop(L, 1);
}

/* The limit is on top; below it the TimeoutError, where it takes one. */
static void fire_limit(lua_State *L, weir_State *S, weir_TimerKind kind) {
  int node;
  lua_getiuservalue(L, -1, LIMIT_NODE);
  node = lua_gettop(L);
  lua_pushvalue(L, node - 2);
  if (kind == TIMER_TIMEOUT) {
    fire_timeout(L, S, node);
  } else if (kind == TIMER_GRACE) {
    fire_grace(L, S, node);
  } else {
    weir_cancel_leave(L, S, node);
  }
}

/* A scaled clock is advanced in turn: as deep as clocks are nested, which NESTED_CLOCKS bounds. */
// NOLINTBEGIN(misc-no-recursion)
static void act(lua_State *L, weir_State *S, const weir_Timer *t) {
  int idx = lua_gettop(L);
  if (t->kind == TIMER_AFTER) {
    fire_after(L, S, idx);
  } else if (t->kind == TIMER_CLOCK) {
    weir_Clock *k = lua_touserdata(L, idx);
    double now = weir_clock_now(k); /* by rounding it may fall short of what the proxy stood for */
    weir_clock_advance(L, S, k, now > k->awaited ? now : k->awaited, S->armed);
    arm_proxies(L, S, k);
  } else {
    fire_limit(L, S, (weir_TimerKind)t->kind);
  }
}

/* Arguments: the state, the timer, perhaps an error, the value that it is part of. */
static int act_task(lua_State *L) {
  act(L, lua_touserdata(L, 1), lua_touserdata(L, 2));
  return 0;
}

/* An error, of memory, came through: it comes again in the next advance. The value is on top. */
static void put_back(lua_State *L, weir_State *S, weir_Timer *t, weir_Deferred *node, int keeps) {
  if (t->item.pos || (node && node->phase == PHASE_SETTLED))
    return;
  put_in(L, S, t->clock, t, t->deadline, keeps);
  if (node && t->item.pos)
    link_limit(t, node);
}

/* The value is on top. */
static void take_out_and_act(lua_State *L, weir_State *S, weir_Timer *t) {
  int idx = lua_gettop(L), keeps = t->keeps;
  weir_Deferred *node = t->node;
  take_out(t);
  if (t->kind == TIMER_AFTER) {
    act(L, S, t);
    return;
  }
  lua_pushcfunction(L, act_task);
  lua_pushlightuserdata(L, S);
  lua_pushlightuserdata(L, t);
  lua_pushvalue(L, idx - 1);
  lua_pushvalue(L, idx);
  if (lua_pcall(L, 4, 0, 0) != LUA_OK) {
    lua_insert(L, idx);
    put_back(L, S, t, node, keeps);
    lua_settop(L, idx);
    lua_error(L);
  }
}

static int needs_error(const weir_Timer *t) {
  return t->kind == TIMER_TIMEOUT || t->kind == TIMER_AWAIT;
}

static void fire(lua_State *L, weir_State *S, weir_Timer *t) {
  int top = lua_gettop(L);
  lua_rawgeti(t->clock->shelf, 1, t->slot);
  lua_xmove(t->clock->shelf, L, 1);
  if (needs_error(t)) {
    push_timeout_error(L, S);
    lua_insert(L, -2);
  }
  if (t->item.pos) { /* else a finalizer disarmed it */
    weir_deferred_reserve(L, S);
    take_out_and_act(L, S, t);
    weir_deferred_drain(L, S);
    weir_pause_settle_hooks(L, S);
  }
  lua_settop(L, top);
}

/* A timer armed for the present instant waits for the next advance. */
static int is_too_new(const weir_Timer *t, uint64_t limit) {
  return t->instant && t->seq > limit;
}

static void set_aside(weir_Clock *k, weir_Timer *t) {
  weir_heap_remove(&k->due, &t->item);
  weir_heap_insert(&k->aside, &t->item, t->deadline, t->seq);
  t->set_aside = 1;
}

/* An empty clock gives the memory of a burst back. */
static void trim(lua_State *L, weir_Clock *k) {
  if (k->due.n || k->nslots < TRIM_TIMERS)
    return;
  lua_newtable(L);
  if (k->due.n) { /* a finalizer has armed one */
    lua_pop(L, 1);
    return;
  }
  heap_free(L, &k->due);
  heap_free(L, &k->aside);
  resize(L, k->free_slots, (size_t)k->nslots * sizeof(int), 0);
  k->free_slots = NULL;
  k->nfree = k->nslots = k->used_slots = 0;
  lua_xmove(L, k->shelf, 1);
  lua_replace(k->shelf, 1);
}

static void bring_back(weir_Clock *k) {
  while (k->aside.n) {
    weir_Timer *t = (weir_Timer *)(void *)k->aside.v[0].item;
    weir_heap_remove(&k->aside, &t->item);
    weir_heap_insert(&k->due, &t->item, t->deadline, t->seq);
    t->set_aside = 0;
  }
}

static weir_Timer *first_due(const weir_Clock *k, double now) {
  return k->due.n && k->due.v[0].key <= now ? (weir_Timer *)(void *)k->due.v[0].item : NULL;
}

static weir_Timer *next_due(weir_Clock *k, double now, uint64_t limit) {
  weir_Timer *t;
  while ((t = first_due(k, now)) != NULL && is_too_new(t, limit))
    set_aside(k, t);
  return t;
}

static void move_to(weir_Clock *k, double now) {
  if (k->kind == CLOCK_MANUAL && now > k->now)
    k->now = now;
}

/* Fires all of the first deadline up to `target`; 0 if there is none. */
static int fire_batch(lua_State *L, weir_State *S, weir_Clock *k, double target, uint64_t limit) {
  weir_Timer *t = next_due(k, target, limit);
  double deadline;
  if (!t)
    return 0;
  deadline = t->deadline;
  move_to(k, deadline);
  for (; t; t = next_due(k, deadline, limit))
    fire(L, S, t);
  return 1;
}

int weir_clock_advance_once(lua_State *L, weir_State *S, weir_Clock *k, double target,
                            uint64_t limit) {
  int fired = fire_batch(L, S, k, target, limit);
  bring_back(k);
  if (!fired)
    move_to(k, target);
  return fired;
}

void weir_clock_advance(lua_State *L, weir_State *S, weir_Clock *k, double target, uint64_t limit) {
  luaL_checkstack(L, 16, "too many nested clocks");
  while (!S->over && fire_batch(L, S, k, target, limit)) {
    if (weir_sched_may_run(S))
      weir_sched_run(L, S);
    weir_sched_is_spent(S); /* by callbacks too */
  }
  if (!S->over)
    move_to(k, target);
  bring_back(k);
  trim(L, k);
}
// NOLINTEND(misc-no-recursion)
