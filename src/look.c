#include "look.h"

#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "coroutine.h"
#include "describe.h"
#include "link.h"
#include "live.h"
#include "pause.h"
#include "platform.h"
#include "sched.h"
#include "side.h"
#include "site.h"
#include "watch.h"
#include "wrap.h"

#define LEVELS_MOST 100 /* of a stack, in search of a function that is not the library's */

static const weir_Coroutine *as_coroutine(const weir_Deferred *d) {
  return (const weir_Coroutine *)(const void *)d;
}

static int has_body(const weir_Deferred *d) {
  return weir_is_coroutine(d) && as_coroutine(d)->life != LIFE_ENDED;
}

/* ---- who lives ---- */

/* Coroutines that are ready or in hand have an anchor; of those that are not armed, nothing else
   tells. */
static const weir_Coroutine *unarmed_at(const weir_State *S, int slot) {
  lua_State *stack = weir_anchor_segment(&S->anchors, slot)->stack;
  const weir_Deferred *d = NULL;
  if (weir_anchor_index(slot) <= lua_gettop(stack))
    d = lua_touserdata(stack, weir_anchor_index(slot));
  return d && has_body(d) && !as_coroutine(d)->armed ? as_coroutine(d) : NULL;
}

typedef struct Gathered {
  const weir_Coroutine **list;
  size_t n, most; /* a finalizer may have made more than there is room for */
} Gathered;

static void gather_one(Gathered *g, const weir_Coroutine *c) {
  if (c && g->n < g->most)
    g->list[g->n] = c;
  g->n += c && (!g->list || g->n < g->most);
}

static void gather(const weir_State *S, Gathered *g) {
  const weir_Coroutine *c;
  lua_Integer place = 0;
  g->n = 0;
  while ((c = weir_live_next(S, &place)))
    gather_one(g, c);
  for (int slot = 1; slot <= S->anchors.n * WEIR_ANCHORS; slot++)
    gather_one(g, unarmed_at(S, slot));
}

static int by_birth(const void *a, const void *b) {
  uint64_t x = (*(const weir_Coroutine *const *)a)->born;
  uint64_t y = (*(const weir_Coroutine *const *)b)->born;
  return (x > y) - (x < y);
}

void weir_look_live(lua_State *L, weir_State *S) {
  Gathered g = {NULL, 0, 0};
  lua_Integer last = 0;
  gather(S, &g);
  g.most = g.n;
  g.list = lua_newuserdatauv(L, g.n * sizeof *g.list, 0);
  lua_newtable(L); /* no object is made behind this: so what is gathered stays */
  gather(S, &g);
  if (g.n > 0)
    qsort(g.list, g.n, sizeof *g.list, by_birth);
  for (size_t i = 0; i < g.n; i++)
    if (weir_coroutine_push(L, S, g.list[i]))
      lua_rawseti(L, -2, ++last);
  lua_remove(L, -2);
}

/* ---- what is known ---- */

/* A time that is left, on a clock. */
typedef struct Left {
  double seconds; /* negative: there is no such limit */
  const char *kind, *clock;
  int still;
} Left;

/* All that can be had without an allocation: what comes after one may find another state. */
typedef struct Look {
  const char *status, *state; /* `state`: NULL without a body */
  int held, cancelled;
  int pauses;
  uint32_t callbacks, resumes;
  double waited, grace; /* seconds; negative: not so */
  Left limit, due;
} Look;

static int stands_still(const weir_Clock *k) {
  for (; k->kind == CLOCK_SCALED; k = k->parent)
    if (k->pauses > 0 || k->speed == 0)
      return 1;
  return 0;
}

/* The loop's own clock has no name. */
static const char *clock_name(const weir_State *S, const weir_Clock *k) {
  static const char *const names[] = {"the real clock", "a clock driven by hand",
                                      "a clock of game time"};
  return k == (const weir_Clock *)lua_touserdata(S->home, HOME_LOOP_CLOCK) ? NULL : names[k->kind];
}

static double at_least_zero(double seconds) {
  return seconds > 0 ? seconds : 0;
}

static Left left_of(const weir_State *S, const weir_Timer *t) {
  static const char *const kinds[] = {"", "", "", "await", "timeout", "grace"};
  Left left = {at_least_zero(t->deadline - weir_clock_now(t->clock)), kinds[t->kind],
               clock_name(S, t->clock), stands_still(t->clock)};
  return left;
}

static Left first_limit(const weir_State *S, const weir_Deferred *d) {
  Left first = {-1, NULL, NULL, 0};
  for (const weir_Timer *t = d->timers; t; t = t->next) {
    Left left = left_of(S, t);
    if (first.seconds < 0 || left.seconds <= first.seconds)
      first = left;
  }
  return first;
}

/* When a timed one fires; `remaining` while that is not counting down. */
static Left when_due(const weir_State *S, weir_Deferred *d) {
  const weir_Timer *timer = weir_timer_of(d);
  Left due = {-1, NULL, NULL, 0};
  if (!timer)
    return due;
  due = left_of(S, timer);
  if (d->flags & FLAG_HELD)
    due.seconds = timer->remaining;
  return due;
}

static double grace_left(const weir_State *S, const weir_Coroutine *c) {
  if (!(c->deadline < HUGE_VAL))
    return -1;
  return at_least_zero(c->deadline - weir_clock_now(lua_touserdata(S->home, HOME_LOOP_CLOCK)));
}

static int waits_for_one(const weir_Deferred *d) {
  return d->target && d->wait != WAIT_LINKS;
}

static void look_at(lua_State *L, weir_State *S, weir_Deferred *d, int idx, Look *look) {
  *look = (Look){.status = weir_describe_status(weir_describe_look(L, S, idx)),
                 .held = (d->flags & FLAG_HELD) != 0,
                 .pauses = d->pauses - d->voided,
                 .callbacks = d->ncalls,
                 .waited = -1,
                 .grace = -1,
                 .limit = first_limit(S, d),
                 .due = when_due(S, d)};
  look->cancelled = weir_deferred_is_open(d) && (d->flags & (FLAG_MARKED | FLAG_LEAVING));
  if (waits_for_one(d))
    look->waited = (double)(uint32_t)(weir_sched_stamp() - d->now.since) / WEIR_STAMPS;
  if (!has_body(d))
    return;
  look->state = weir_describe_state(as_coroutine(d));
  look->resumes = (uint32_t)d->nvalues;
  look->grace = grace_left(S, as_coroutine(d));
}

/* ---- who and what: pushed without an allocation, or nil ---- */

static void push_waiter(lua_State *L, const weir_Deferred *d, int idx, const weir_Deferred *w) {
  lua_getiuservalue(L, idx, UV_WAITERS);
  if (d->flags & FLAG_MANY) {
    lua_rawgeti(L, -1, w->at.slot);
    lua_remove(L, -2);
  }
  if (w->kind == KIND_LINK) {
    lua_getiuservalue(L, -1, LINK_OTHER);
    lua_remove(L, -2);
  }
}

/* The first that is held, of those because of whom it is. */
static void push_holder(lua_State *L, const weir_Deferred *d, int idx) {
  const weir_Deferred *w = d->first;
  while (w && !(w->flags & FLAG_HELD))
    w = w->later;
  if (w && (d->flags & FLAG_HELD) && d->pauses <= d->voided)
    push_waiter(L, d, idx, w);
  else
    lua_pushnil(L);
}

/* What the library says a Deferred of its own stands for: see join in lib_join.c and claim in
   lib_claim.c. */
static void push_purpose(lua_State *L, const weir_Deferred *d, int idx) {
  lua_getiuservalue(L, idx, UV_VALUE);
  if (d->phase == PHASE_PENDING && !weir_is_coroutine(d) && (d->flags & FLAG_HOOKS)) {
    lua_rawgeti(L, -1, HOOK_PURPOSE);
    lua_remove(L, -2);
  }
  if (d->phase == PHASE_PENDING && lua_type(L, -1) == LUA_TSTRING)
    return;
  lua_pop(L, 1);
  lua_pushnil(L);
}

static void push_target(lua_State *L, const weir_Deferred *d, int idx) {
  if (waits_for_one(d))
    lua_getiuservalue(L, idx, UV_TARGET);
  else
    lua_pushnil(L);
}

static void push_name(lua_State *L, const weir_Deferred *d, int idx) {
  if (!weir_is_coroutine(d)) {
    lua_pushnil(L);
  } else if (as_coroutine(d)->has_side) {
    weir_side_push(L, idx, SIDE_NAME);
  } else {
    lua_getiuservalue(L, idx, UV_SIDE);
  }
}

/* ---- where it is ---- */

static int is_on_a_line(lua_State *thread, lua_Debug *ar, int level) {
  return lua_getstack(thread, level, ar) && lua_getinfo(thread, "Sl", ar) && ar->currentline > 0;
}

/* Pushes "file:line" of the innermost function of a thread that is a user's. */
static int push_line_of(lua_State *L, const weir_State *S, lua_State *thread) {
  lua_Debug ar;
  for (int level = 0; level < LEVELS_MOST && lua_getstack(thread, level, &ar); level++)
    if (is_on_a_line(thread, &ar, level) && !weir_site_is_ours(thread, S, &ar)) {
      lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
      return 1;
    }
  return 0;
}

/* What is further in replaces what was found. */
static int push_place(lua_State *L, const weir_State *S, lua_State *thread) {
  int found = 0;
  while (thread) {
    if (push_line_of(L, S, thread)) {
      if (found)
        lua_remove(L, -2);
      found = 1;
    }
    if (lua_status(thread) != LUA_YIELD || !lua_checkstack(thread, 2))
      return found;
    thread = weir_wrap_inner(thread);
  }
  return found;
}

/* ---- the table, on top ---- */

static void set_place(lua_State *L, const weir_State *S, const weir_Coroutine *c) {
  lua_State *top = c->d.at.top;
  int found = push_place(L, S, c->thread);
  if (weir_coroutine_is_executing(&c->d) && top && top != c->thread && push_place(L, S, top)) {
    if (found)
      lua_remove(L, -2);
    found = 1;
  }
  if (found)
    lua_setfield(L, -2, "at");
}

static void set_definition(lua_State *L, const weir_Coroutine *c) {
  lua_Debug ar;
  if (!weir_coroutine_definition(c, &ar))
    return;
  if (ar.linedefined > 0)
    lua_pushfstring(L, "%s:%d", ar.short_src, ar.linedefined);
  else
    lua_pushstring(L, ar.short_src);
  lua_setfield(L, -2, "started");
}

static void set_string(lua_State *L, const char *name, const char *value) {
  if (!value)
    return;
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static void set_true(lua_State *L, const char *name, int value) {
  if (!value)
    return;
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, name);
}

static void set_seconds(lua_State *L, const char *name, double seconds) {
  if (seconds < 0)
    return;
  lua_pushnumber(L, seconds);
  lua_setfield(L, -2, name);
}

static void set_left(lua_State *L, const char *name, const Left *left) {
  if (left->seconds < 0)
    return;
  lua_createtable(L, 0, 4);
  set_seconds(L, "seconds", left->seconds);
  set_string(L, "kind", left->kind);
  set_string(L, "clock", left->clock);
  set_true(L, "still", left->still);
  lua_setfield(L, -2, name);
}

static void set_look(lua_State *L, const Look *look) {
  set_string(L, "status", look->status);
  set_string(L, "state", look->state);
  set_true(L, "held", look->held);
  set_true(L, "cancelled", look->cancelled);
  set_integer(L, "pauses", look->pauses);
  set_integer(L, "callbacks", look->callbacks);
  set_seconds(L, "waited", look->waited);
  set_seconds(L, "grace", look->grace);
  set_left(L, "limit", &look->limit);
  set_left(L, "due", &look->due);
  if (look->state)
    set_integer(L, "resumes", look->resumes);
}

/* Where it was started tells more than where its body is. */
static void set_start(lua_State *L, weir_State *S, int idx) {
  if (weir_site_push_made(L, S, idx))
    lua_setfield(L, -2, "started");
}

static void set_times(lua_State *L, const weir_State *S, const weir_Coroutine *c) {
  set_seconds(L, "age", weir_births_age(&S->births, c->born, weir_platform_now()));
  set_seconds(L, "ran", weir_watch_ran(S, c));
}

/* A finalizer may have ended it meanwhile. */
static void set_places(lua_State *L, const weir_State *S, const weir_Deferred *d) {
  if (has_body(d))
    set_place(L, S, as_coroutine(d));
  if (has_body(d))
    set_definition(L, as_coroutine(d));
}

static void set_label(lua_State *L, const weir_Deferred *d) {
  weir_describe_name(L, d);
  lua_setfield(L, -2, "label");
}

/* `label` as in tostring; `name`; `number` in the order of birth; `status`; `state` and `resumes`
   of a coroutine with a body; `on`, what it waits on, `waited`, for how many seconds; `held`,
   `pauses` of its own, `holder`, because of which it is held else; `cancelled`, `grace`; `limit`,
   the first of those set on it, and `due`, when it fires, with the fields of Left; `purpose` of a
   Deferred of the library's; `started`, `at`; `age`, `ran`; `callbacks`. What does not apply is
   nil. */
void weir_look(lua_State *L, weir_State *S, int idx) {
  static const char *const values[] = {"on", "holder", "purpose", "name"};
  weir_Deferred *d = lua_touserdata(L, idx);
  int first = lua_gettop(L) + 1;
  Look look;
  weir_timer_show(L, S, idx);
  look_at(L, S, d, idx, &look);
  push_target(L, d, idx);
  push_holder(L, d, idx);
  push_purpose(L, d, idx);
  push_name(L, d, idx);
  lua_createtable(L, 0, 16);
  for (int i = 0; i < 4; i++) {
    lua_pushvalue(L, first + i);
    lua_setfield(L, -2, values[i]);
  }
  set_look(L, &look);
  set_label(L, d);
  set_places(L, S, d);
  if (has_body(d))
    set_times(L, S, as_coroutine(d));
  set_start(L, S, idx);
  if (weir_is_coroutine(d))
    set_integer(L, "number", (lua_Integer)as_coroutine(d)->born);
  lua_replace(L, first);
  lua_settop(L, first);
}

/* ---- who waits on whom ---- */

lua_Integer weir_look_above(lua_State *L, int idx, int t) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  lua_Integer n = 0;
  for (const weir_Deferred *w = d->first; w; w = w->later) {
    push_waiter(L, d, idx, w);
    lua_rawseti(L, t, ++n);
  }
  return n;
}

static const char *word_for(const weir_Deferred *w) {
  static const char *const words[] = {"",        "awaits", "adopts", "chained",
                                      "shields", "part",   "owns",   ""};
  return words[w->wait];
}

/* The key of a part on top, if it is one that can be shown. */
static void push_key(lua_State *L, const weir_Deferred *link, int idx) {
  if (link->wait == WAIT_PART || link->wait == WAIT_OWN)
    lua_getiuservalue(L, idx, LINK_KEY);
  else
    lua_pushnil(L);
  if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
}

static void put(lua_State *L, int t, lua_Integer *n) {
  lua_rawseti(L, t, ++*n);
}

static lua_Integer sources(lua_State *L, int idx, int t) {
  int link = lua_gettop(L) + 1;
  lua_Integer n = 0;
  lua_getiuservalue(L, idx, UV_TARGET);
  while (!lua_isnil(L, link)) {
    const weir_Deferred *l = lua_touserdata(L, link);
    lua_getiuservalue(L, link, LINK_SOURCE);
    put(L, t, &n);
    lua_pushstring(L, word_for(l));
    put(L, t, &n);
    push_key(L, l, link);
    put(L, t, &n);
    lua_getiuservalue(L, link, LINK_NEXT);
    lua_replace(L, link);
  }
  lua_pop(L, 1);
  return n;
}

lua_Integer weir_look_below(lua_State *L, weir_State *S, int idx, int t) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  lua_Integer n = 0;
  weir_timer_show(L, S, idx);
  if (d->wait == WAIT_LINKS)
    return sources(L, idx, t);
  if (!d->target)
    return 0;
  lua_getiuservalue(L, idx, UV_TARGET);
  put(L, t, &n);
  lua_pushstring(L, word_for(d));
  put(L, t, &n);
  lua_pushnil(L);
  put(L, t, &n);
  return n;
}

int weir_look_ahead(const weir_State *S, const weir_Coroutine *c, int most) {
  int n = 0;
  if (c->list == READY_NONE)
    return 0;
  for (int list = READY_NONE; list < READY_LISTS; list++)
    for (const weir_Deferred *d = S->ready[list]; d && n < most; d = d->later) {
      if (d->at.ticket >= c->d.at.ticket)
        break;
      n++;
    }
  return n;
}
