#include "clock.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "block.h"
#include "cancel.h"
#include "close.h"
#include "coroutine.h"
#include "failure.h"
#include "fetch.h"
#include "pause.h"
#include "platform.h"
#include "sched.h"
#include "wait.h"

#define TRIM_TIMERS 4096 /* an empty clock with room for more gives it back */

/* ---- memory ---- */

static weir_Timer *timer_of(const weir_HeapEntry *e) {
  return e->item;
}

static weir_HeapEntry *aside_at(const weir_Clock *k, size_t i) {
  return &k->due.v[k->due.cap - 1 - i];
}

/* For twice as many, unless a finalizer has seen to that. */
static void heap_grow(lua_State *L, weir_Clock *k, weir_BlockNew *new_block) {
  weir_Heap *h = &k->due;
  size_t old = h->cap, cap = old ? old * 2 : 16, n;
  weir_HeapEntry *v = new_block(L, cap * sizeof *v);
  const weir_HeapEntry *was = h->v;
  if (h->cap != old) {
    weir_block_drop(L, v);
    return;
  }
  n = k->naside;
  if (was) {
    memcpy(v, was, h->n * sizeof *v);
    memcpy(v + cap - n, was + old - n, n * sizeof *v);
  }
  h->v = v;
  h->cap = cap;
  weir_block_drop(L, was);
}

/* The same. */
static void slots_grow(lua_State *L, weir_Clock *k, weir_BlockNew *new_block) {
  uint32_t old = k->room, room = old ? old * 2 : 16;
  uint32_t *slots = new_block(L, room * sizeof *slots), *was = k->slots;
  if (k->room != old) {
    weir_block_drop(L, slots);
    return;
  }
  if (was)
    memcpy(slots, was, k->used * sizeof *slots);
  k->slots = k->due.places = slots;
  k->room = room;
  weir_block_drop(L, was);
}

/* Room for one more, which may have to stand among those that are due or among those set aside. */
static int heap_has_room(const weir_Clock *k) {
  return weir_clock_armed(k) < k->due.cap;
}

static int slots_have_room(const weir_Clock *k) {
  return k->free || k->used < k->room;
}

static void heap_reserve(lua_State *L, weir_Clock *k) {
  if (!heap_has_room(k))
    heap_grow(L, k, weir_block_new_quietly);
}

static void slots_reserve(lua_State *L, weir_Clock *k) {
  if (!slots_have_room(k))
    slots_grow(L, k, weir_block_new_quietly);
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

/* The slot that comes next, which is there. */
static uint32_t next_slot(lua_State *L, weir_Clock *k) {
  slots_reserve(L, k);
  return k->free ? k->free : k->used + 1;
}

static uint32_t shelve(lua_State *L, weir_Clock *k, int idx) {
  uint32_t slot = next_slot(L, k);
  lua_pushvalue(k->shelf, 1); /* not there: what is raised on that thread empties it */
  lua_xmove(k->shelf, L, 1);
  lua_pushvalue(L, idx);
  lua_rawseti(L, -2, slot);
  lua_pop(L, 1);
  if (k->free)
    k->free = k->slots[slot - 1];
  else
    k->used++;
  return slot;
}

static void unshelve(weir_Clock *k, uint32_t slot) {
  lua_pushnil(k->shelf);
  lua_rawseti(k->shelf, 1, slot);
  k->slots[slot - 1] = k->free;
  k->free = slot;
}

/* ---- arming ---- */

/* A timer that counts among those that a loop waits for: none of grace; the proxy of a scaled clock
   while one on it does. */
static void count(weir_Timer *t, int keeps) {
  while (t->keeps != keeps) {
    weir_Clock *k = t->clock;
    t->keeps = (uint8_t)keeps;
    k->keeping += keeps ? (size_t)1 : ~(size_t)0;
    if (k->kind != CLOCK_SCALED || !weir_timer_is_armed(&k->proxy))
      return;
    t = &k->proxy;
    keeps = k->keeping > 0;
  }
}

static int stands_still(const weir_Clock *k) {
  return k->pauses > 0 || k->speed == 0;
}

static double on_parent(const weir_Clock *k, double deadline) {
  return k->since + (deadline - k->now) / k->speed;
}

/* Is that no later than now? By rounding it may be so on a parent alone. */
static int is_present(const weir_Clock *k, double deadline) {
  while (deadline > weir_clock_now(k)) {
    if (k->kind != CLOCK_SCALED || stands_still(k))
      return 0;
    deadline = on_parent(k, deadline);
    k = k->parent;
  }
  return 1;
}

/* The next put_in there does not fail. */
static void reserve(lua_State *L, weir_Clock *k) {
  uint32_t slot;
  if (k->is_dead)
    return;
  slot = next_slot(L, k);
  heap_reserve(L, k);
  lua_pushvalue(k->shelf, 1);
  lua_xmove(k->shelf, L, 1);
  lua_pushboolean(L, 0); /* the place is taken */
  lua_rawseti(L, -2, slot);
  lua_pop(L, 1);
}

/* Where finalizers may run, room costs the collector no cycle of its own: so arm is to find it
   there, unless they take it. */
static void prepare(lua_State *L, weir_Clock *k) {
  for (int more = 1; more && !k->is_dead; k = k->parent) {
    if (!heap_has_room(k))
      heap_grow(L, k, weir_block_new);
    if (!slots_have_room(k))
      slots_grow(L, k, weir_block_new);
    more = k->kind == CLOCK_SCALED && !weir_timer_is_armed(&k->proxy);
  }
}

/* Before anything changes: nor does what arm_proxies does for `k` then. */
static void reserve_proxies(lua_State *L, weir_Clock *k) {
  for (; k->kind == CLOCK_SCALED && !weir_timer_is_armed(&k->proxy); k = k->parent)
    reserve(L, k->parent);
}

static weir_HeapEntry entry_of(weir_Timer *t) {
  return (weir_HeapEntry){t->deadline, t->seq, t, t->slot};
}

/* The value that the timer is part of is on top. */
static void put_in(lua_State *L, weir_Clock *k, weir_Timer *t, double deadline, uint64_t seq,
                   int keeps) {
  t->clock = k;
  t->deadline = deadline;
  if (!(deadline < HUGE_VAL) || k->is_dead)
    return; /* infinity never comes */
  heap_reserve(L, k);
  t->slot = shelve(L, k, lua_gettop(L));
  t->seq = seq;
  t->keeps = 0;
  t->instant = (uint8_t)is_present(k, deadline);
  t->set_aside = 0;
  weir_heap_insert(&k->due, entry_of(t));
  count(t, keeps);
}

static int is_limit(const weir_Timer *t) {
  return t->kind >= TIMER_AWAIT;
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

/* The last of those set aside takes its place. */
static void take_from_aside(weir_Clock *k, uint32_t slot) {
  uint32_t i = k->slots[slot - 1];
  weir_HeapEntry last = *aside_at(k, --k->naside);
  if (i == k->naside)
    return;
  *aside_at(k, i) = last;
  k->slots[last.slot - 1] = i;
}

static void take_out(weir_Timer *t) {
  weir_Clock *k = t->clock;
  if (t->set_aside)
    take_from_aside(k, t->slot);
  else
    weir_heap_remove(&k->due, t->slot);
  unshelve(k, t->slot);
  t->slot = 0;
  count(t, 0);
  if (is_limit(t))
    unlink_limit(t);
}

void weir_timer_disarm(weir_Timer *t) {
  while (weir_timer_is_armed(t)) {
    weir_Clock *k = t->clock;
    take_out(t);
    if (k->kind != CLOCK_SCALED || weir_clock_armed(k) || k->in_aside)
      return; /* a proxy that comes too early for the rest is moved then */
    t = &k->proxy;
  }
}

/* ---- proxies ---- */

/*
** What is armed on a scaled clock is fired by the one that its parents lead to, in one order with
** all that is armed there: so the proxy has the deadline and the place among equals of the first.
*/

/* There is one. */
static weir_Timer *first_of(const weir_Clock *k) {
  return timer_of(&k->due.v[0]);
}

static weir_Clock *clock_of_proxy(const weir_Timer *t) {
  return (weir_Clock *)(void *)((char *)t - offsetof(weir_Clock, proxy));
}

/* When the first deadline comes, on the parent. */
static double aim(weir_Clock *k) {
  k->awaited = weir_clock_next(k);
  return k->awaited < HUGE_VAL ? on_parent(k, k->awaited) : HUGE_VAL;
}

static int is_stale(const weir_Clock *k) {
  return !k->due.n || k->due.v[0].key != k->awaited || k->due.v[0].seq != k->proxy.seq;
}

/* Nothing is allocated: it stays the same number of timers. */
static void move_proxy(weir_Clock *k) {
  weir_Timer *t = &k->proxy;
  weir_heap_remove(&k->parent->due, t->slot);
  t->deadline = aim(k);
  t->seq = k->due.n ? k->due.v[0].seq : 0;
  weir_heap_insert(&k->parent->due, entry_of(t));
}

static void follow(weir_Clock *k) {
  if (weir_clock_armed(k) || k->in_aside)
    move_proxy(k);
  else
    weir_timer_disarm(&k->proxy);
}

/* Clocks are nested as deep as NESTED_CLOCKS says. */
// NOLINTBEGIN(misc-no-recursion)
static void bring_back(weir_Clock *k) {
  weir_Clock *below;
  while ((below = k->first_aside) != NULL) {
    k->first_aside = below->next_aside;
    below->in_aside = 0;
    bring_back(below);
    follow(below);
  }
  while (k->naside) {
    weir_Timer *t = timer_of(aside_at(k, k->naside - 1));
    take_from_aside(k, t->slot);
    weir_heap_insert(&k->due, entry_of(t));
    t->set_aside = 0;
  }
}
// NOLINTEND(misc-no-recursion)

static void set_aside(weir_Clock *k, weir_Timer *t) {
  weir_heap_remove(&k->due, t->slot);
  *aside_at(k, k->naside) = entry_of(t);
  k->slots[t->slot - 1] = (uint32_t)k->naside++;
  t->set_aside = 1;
  for (; k->kind == CLOCK_SCALED && !k->in_aside; k = k->parent) {
    k->in_aside = 1;
    k->next_aside = k->parent->first_aside;
    k->parent->first_aside = k;
  }
}

/* It stands still: nothing of it is in the parent. */
static void leave_parent(weir_Clock *k) {
  weir_Clock **p = &k->parent->first_aside;
  if (k->in_aside) {
    while (*p != k)
      p = &(*p)->next_aside;
    *p = k->next_aside;
    k->in_aside = 0;
    bring_back(k);
  }
  weir_timer_disarm(&k->proxy);
}

/* Wakes the scaled clocks from `k` up at their first deadlines, each through its parent. */
static void arm_proxies(lua_State *L, weir_Clock *k) {
  for (; k->kind == CLOCK_SCALED; k = k->parent) {
    if (stands_still(k)) {
      leave_parent(k);
    } else if (weir_timer_is_armed(&k->proxy)) {
      follow(k);
    } else if (k->due.n) {
      lua_pushvalue(k->shelf, 2);
      lua_xmove(k->shelf, L, 1);
      put_in(L, k->parent, &k->proxy, aim(k), k->due.v[0].seq, k->keeping > 0);
      lua_pop(L, 1);
    }
  }
}

/* Arms a timer that is part of the value at idx. */
static void arm(lua_State *L, weir_State *S, weir_Clock *k, weir_Timer *t, double deadline,
                int idx) {
  reserve_proxies(L, k);
  lua_pushvalue(L, idx);
  put_in(L, k, t, deadline, ++S->armed, t->kind != TIMER_GRACE);
  lua_pop(L, 1);
  arm_proxies(L, k);
}

void weir_clock_retime(lua_State *L, int idx, double speed, int pauses) {
  weir_Clock *k = lua_touserdata(L, idx);
  reserve_proxies(L, k);
  k->now = scaled_now(k);
  k->since = weir_clock_now(k->parent);
  k->speed = speed;
  k->pauses = pauses;
  arm_proxies(L, k);
}

static void forget(weir_State *S, const weir_HeapEntry *e) {
  weir_Timer *t = timer_of(e);
  t->slot = 0;
  if (!is_limit(t))
    return;
  unlink_limit(t);
  weir_timers_give(&S->timers, t);
}

static void free_memory(lua_State *L, weir_Clock *k) {
  weir_block_drop(L, k->due.v);
  weir_block_drop(L, k->slots);
  k->due = (weir_Heap){NULL, 0, 0, NULL};
  k->slots = NULL;
  k->naside = 0;
  k->room = k->used = k->free = 0;
}

int weir_clock_gc(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_Clock *k = weir_clock_at(L, S, 1);
  if (!k)
    return 0;
  for (size_t i = 0; i < k->due.n; i++)
    forget(S, &k->due.v[i]);
  for (size_t i = 0; i < k->naside; i++)
    forget(S, aside_at(k, i));
  for (; k->first_aside; k->first_aside = k->first_aside->next_aside)
    k->first_aside->in_aside = 0;
  k->is_dead = 1;
  free_memory(L, k);
  return 0;
}

/* ---- timers ---- */

/* The new one is on top. */
static void begin(lua_State *L, weir_State *S, int clock, double deadline) {
  weir_Timed *d = lua_touserdata(L, -1);
  d->timer.kind = TIMER_AFTER;
  lua_pushvalue(L, clock);
  lua_setiuservalue(L, -2, UV_VALUE);
  arm(L, S, lua_touserdata(L, clock), &d->timer, deadline, lua_gettop(L));
}

void weir_timer_at(lua_State *L, weir_State *S, int clock, double deadline, int n) {
  weir_Timed *d;
  prepare(L, lua_touserdata(L, clock));
  weir_deferred_pack(L, n);
  d = (weir_Timed *)(void *)weir_deferred_new(L, S, KIND_TIMED, sizeof *d);
  d->narguments = n;
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, UV_ARGUMENTS);
  begin(L, S, clock, deadline);
}

/* ---- what is part of no value ---- */

void weir_timer_prepare(lua_State *L, weir_State *S, int clock) {
  prepare(L, lua_touserdata(L, clock));
  weir_timers_prepare(L, &S->timers);
}

/* Arms one for what is at idx. Nobody has it until there can be no error any more. */
static weir_Timer *arm_new(lua_State *L, weir_State *S, int clock, int idx, double deadline,
                           weir_TimerKind kind) {
  weir_Timer *t = weir_timers_first(&S->timers);
  t->kind = (uint8_t)kind;
  t->node = NULL;
  t->slot = 0;
  arm(L, S, lua_touserdata(L, clock), t, deadline, idx);
  weir_timers_take(&S->timers);
  return t;
}

void weir_timer_sleep(lua_State *L, weir_State *S, int clock, int idx, double deadline) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  weir_Timer *t = arm_new(L, S, clock, idx, deadline, TIMER_SLEEP);
  t->node = &c->d;
  lua_pushvalue(L, clock);
  lua_setiuservalue(L, idx, UV_TARGET);
  c->d.at.timer = t;
  c->life = LIFE_ASLEEP;
  if (c->d.flags & FLAG_HELD)
    weir_timer_freeze(t);
}

void weir_timer_end_sleep(lua_State *L, weir_State *S, weir_Coroutine *c, int idx) {
  weir_timer_disarm(c->d.at.timer);
  weir_timers_give(&S->timers, c->d.at.timer);
  lua_pushnil(L);
  lua_setiuservalue(L, idx, UV_TARGET);
  c->life = LIFE_WAITING;
}

/* The value on top has the timer from here on: it stands where the other one did. */
static void replace(lua_State *L, weir_Timer *t, const weir_Timer *by) {
  weir_Clock *k = by->clock;
  *t = *by;
  if (!weir_timer_is_armed(t))
    return;
  (t->set_aside ? aside_at(k, k->slots[t->slot - 1]) : &k->due.v[k->slots[t->slot - 1]])->item = t;
  lua_pushvalue(k->shelf, 1);
  lua_xmove(k->shelf, L, 1);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, t->slot);
  lua_pop(L, 1);
}

void weir_timer_show(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  weir_Timed *d;
  int didx;
  if (!weir_coroutine_is_asleep(&c->d))
    return;
  d = (weir_Timed *)(void *)weir_deferred_make(L, S, KIND_TIMED, sizeof *d);
  didx = lua_gettop(L);
  if (weir_coroutine_is_asleep(&c->d)) { /* else a finalizer has ended that */
    replace(L, &d->timer, c->d.at.timer);
    d->timer.kind = TIMER_AFTER;
    d->timer.node = NULL;
    d->d.flags |= c->d.flags & FLAG_HELD;
    lua_getiuservalue(L, idx, UV_TARGET);
    lua_setiuservalue(L, didx, UV_VALUE);
    weir_timers_give(&S->timers, c->d.at.timer);
    weir_wait_attach(L, &c->d, idx, &d->d, didx, WAIT_AWAIT);
    c->life = LIFE_WAITING;
  }
  lua_pop(L, 1);
}

/* ---- holding ---- */

void weir_timer_freeze(weir_Timer *t) {
  double left = t->deadline - weir_clock_now(t->clock);
  t->remaining = left > 0 ? left : 0;
  weir_timer_disarm(t);
}

void weir_timer_thaw(lua_State *L, weir_State *S, weir_Timer *t, int idx) {
  arm(L, S, t->clock, t, weir_clock_now(t->clock) + t->remaining, idx);
}

/* ---- limits ---- */

void weir_timer_limit(lua_State *L, weir_State *S, int idx, int clock, double deadline,
                      weir_TimerKind kind) {
  weir_Deferred *d = lua_touserdata(L, idx);
  weir_Timer *t;
  if (!(deadline < HUGE_VAL))
    return;
  weir_timer_prepare(L, S, clock);
  if (d->phase == PHASE_SETTLED) /* by a finalizer */
    return;
  t = arm_new(L, S, clock, idx, deadline, kind);
  if (weir_timer_is_armed(t))
    link_limit(t, d);
  else /* on a clock that is gone */
    weir_timers_give(&S->timers, t);
}

void weir_timer_unlimit(weir_State *S, weir_Deferred *d, weir_TimerKind kind) {
  weir_Timer *t = d->timers, *next;
  for (; t; t = next) {
    next = t->next;
    if (kind != TIMER_AFTER && t->kind != kind)
      continue;
    weir_timer_disarm(t);
    weir_timers_give(&S->timers, t);
  }
}

/* ---- firing ---- */

static void push_timeout_error(lua_State *L, weir_State *S) {
  lua_pushliteral(L, "timed out");
  weir_error_new(L, S, ERROR_TIMEOUT);
}

static void fire_after(lua_State *L, weir_State *S, int idx) {
  weir_Timed *t = lua_touserdata(L, idx);
  lua_getiuservalue(L, idx, UV_ARGUMENTS);
  weir_deferred_fire_now(L, S, &t->d, idx, t->narguments, 0);
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

/* What it limits is on top; below it the TimeoutError, where it takes one. */
static void fire_limit(lua_State *L, weir_State *S, weir_TimerKind kind) {
  int node = lua_gettop(L);
  lua_pushvalue(L, node - 1);
  if (kind == TIMER_TIMEOUT) {
    fire_timeout(L, S, node);
  } else if (kind == TIMER_GRACE) {
    fire_grace(L, S, node);
  } else {
    weir_cancel_leave(L, S, node);
  }
}

/* Arguments: the state, the limit's timer, perhaps an error, what it limits. */
static int fire_limit_task(lua_State *L) {
  const weir_Timer *t = lua_touserdata(L, 2);
  fire_limit(L, lua_touserdata(L, 1), (weir_TimerKind)t->kind);
  return 0;
}

/* An error, of memory, came through: it comes again in the next advance. What it limits is on top.
 */
static void put_back(lua_State *L, weir_State *S, weir_Timer *t, int keeps) {
  weir_Deferred *node = lua_touserdata(L, -1);
  if (node->phase != PHASE_SETTLED)
    put_in(L, t->clock, t, t->deadline, ++S->armed, keeps);
  if (!weir_timer_is_armed(t)) {
    weir_timers_give(&S->timers, t);
    return;
  }
  link_limit(t, node);
  arm_proxies(L, t->clock);
}

/* What it limits is on top. */
static void act_on_limit(lua_State *L, weir_State *S, weir_Timer *t, int keeps) {
  int idx = lua_gettop(L);
  lua_pushcfunction(L, fire_limit_task);
  lua_pushlightuserdata(L, S);
  lua_pushlightuserdata(L, t);
  lua_pushvalue(L, idx - 1);
  lua_pushvalue(L, idx);
  if (lua_pcall(L, 4, 0, 0) != LUA_OK) {
    lua_insert(L, idx);
    put_back(L, S, t, keeps);
    lua_settop(L, idx);
    lua_error(L);
  }
  weir_timers_give(&S->timers, t);
}

/* The value is on top. */
static void take_out_and_act(lua_State *L, weir_State *S, weir_Timer *t) {
  int idx = lua_gettop(L), keeps = t->keeps;
  take_out(t);
  switch (t->kind) {
  case TIMER_AFTER: fire_after(L, S, idx); break;
  case TIMER_SLEEP: weir_coroutine_hand(L, S, lua_touserdata(L, idx), idx, 0); break;
  default: act_on_limit(L, S, t, keeps);
  }
}

static int needs_error(const weir_Timer *t) {
  return t->kind == TIMER_TIMEOUT || t->kind == TIMER_AWAIT;
}

/* An empty clock gives the memory of a burst back. */
static void trim(lua_State *L, weir_State *S, weir_Clock *k) {
  weir_timers_trim(L, &S->timers);
  if (weir_clock_armed(k) || k->room < TRIM_TIMERS)
    return;
  lua_newtable(L);
  if (weir_clock_armed(k)) { /* a finalizer has armed one */
    lua_pop(L, 1);
    return;
  }
  free_memory(L, k);
  lua_xmove(L, k->shelf, 1);
  lua_replace(k->shelf, 1);
}

/* ---- what comes next ---- */

#define FETCH_LEAST 1536 /* of fewer most is in the caches anyway */

/* If it is part of one. */
static const weir_Timed *timed(const weir_Timer *t) {
  return (const weir_Timed *)((uintptr_t)t - offsetof(weir_Timed, timer));
}

/* The first that waits for it, or what it limits. */
static const weir_Deferred *woken_by(const weir_Timer *t) {
  return t->kind == TIMER_AFTER ? timed(t)->d.first : t->node;
}

/* Brings what can be found of a timer once the step before has been done; nothing of the timer
   itself is known at the first. */
static void fetch_step(const weir_Timer *t, int steps_left) {
  switch (steps_left) {
  case 3: weir_fetch_userdata(timed(t), UV_TIMED, sizeof(weir_Timed)); return;
  case 2: weir_coroutine_fetch_all(woken_by(t)); return;
  case 1: weir_fetch_thread(weir_coroutine_thread_of(woken_by(t))); return;
  default: weir_fetch_calls(weir_coroutine_thread_of(woken_by(t)));
  }
}

/* Those that move up when the first is taken out come soon, the higher the sooner: a step of each
   is done at each level, so that all is there when it is the first. */
static void fetch_next(const weir_Heap *h) {
  size_t i = 0;
  if (h->n < FETCH_LEAST)
    return;
  for (int level = 0; level < 4; level++) {
    i = weir_heap_least_child(h, i);
    fetch_step(timer_of(&h->v[i]), level);
  }
}

// NOLINTBEGIN(misc-no-recursion)
static void fire(lua_State *L, weir_State *S, weir_Timer *t) {
  int top = lua_gettop(L);
  weir_Clock *k = t->clock;
  uint64_t seq = t->seq;
  luaL_checkstack(L, 16, "too many nested clocks");
  fetch_next(&k->due);
  lua_rawgeti(k->shelf, 1, t->slot);
  lua_xmove(k->shelf, L, 1);
  if (t->kind == TIMER_CLOCK) {
    fire(L, S, first_of(clock_of_proxy(t)));
    trim(L, S, clock_of_proxy(t));
    lua_settop(L, top);
    return;
  }
  if (needs_error(t)) {
    push_timeout_error(L, S);
    lua_insert(L, -2);
  }
  if (k->due.n && k->due.v[0].seq == seq) { /* else a finalizer disarmed it, or armed a first one */
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

static int stands_for_one(weir_Clock *k, uint64_t limit);

/* May the first of `k` be fired? If not, it is another one now. */
static int may_fire(weir_Clock *k, uint64_t limit) {
  weir_Timer *t = first_of(k);
  if (t->kind == TIMER_CLOCK)
    return stands_for_one(clock_of_proxy(t), limit);
  if (is_too_new(t, limit))
    set_aside(k, t);
  return !t->set_aside;
}

/* Has the proxy of `k` come for one that may be fired? Else it has been moved. */
static int stands_for_one(weir_Clock *k, uint64_t limit) {
  while (!is_stale(k))
    if (may_fire(k, limit))
      return 1;
  follow(k);
  return 0;
}
// NOLINTEND(misc-no-recursion)

static weir_Timer *next_due(weir_Clock *k, double now, uint64_t limit) {
  while (k->due.n && k->due.v[0].key <= now)
    if (may_fire(k, limit))
      return first_of(k);
  return NULL;
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
  bring_back(k); /* what an advance around this one has set aside waits for this one as well */
  while (!S->over && fire_batch(L, S, k, target, limit)) {
    if (weir_sched_may_run(S))
      weir_sched_run(L, S);
    weir_sched_is_spent(S); /* by callbacks too */
  }
  if (!S->over)
    move_to(k, target);
  bring_back(k);
  trim(L, S, k);
}
