#include "lost.h"

#include <stdlib.h>

#include "cancel.h"
#include "close.h"
#include "coroutine.h"
#include "failure.h"
#include "live.h"
#include "record.h"
#include "report.h"

/* A collector that is in a hurry may find the same ones over and over, while nothing can be done
   about them: what is found in so many rounds is left to the next turn. */
#define ROUNDS 4

int weir_lost_gc(lua_State *L) {
  weir_State *S = weir_upstate(L);
  const weir_Deferred *d = weir_deferred_at(L, S, 1);
  if (!d || !weir_is_coroutine(d) || S->closing)
    return 0;
  if (((const weir_Coroutine *)(const void *)d)->life == LIFE_ENDED)
    return 0;
  lua_getmetatable(L, 1);
  lua_setmetatable(L, 1); /* has a finalizer again, for lua_close */
  weir_live_add(L, S, 1); /* the collector has taken it off the list */
  lua_settop(L, 1);
  weir_deque_push(L, &S->found, 0);
  return 0;
}

static void close_lost(lua_State *L, weir_State *S, int idx) {
  const weir_Coroutine *c = lua_touserdata(L, idx);
  if (c->life == LIFE_ENDED || weir_coroutine_is_executing(&c->d) || weir_coroutine_is_used(c))
    return;
  if (!weir_close(L, S, idx))
    lua_pop(L, 1);
}

static void cancel_lost(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  if (c->life == LIFE_ENDED || c->list != READY_NONE || weir_coroutine_is_executing(&c->d))
    return; /* something else found it too, and has a use for it */
  if (c->found) {
    close_lost(L, S, idx);
    return;
  }
  c->found = 1;
  S->collected++;
  if (S->watch & WATCH_TRACE)
    weir_record_found(S, c);
  if (S->debug)
    weir_report_lost(L, S, idx);
  lua_pushliteral(L, "collected");
  weir_cancel(L, S, idx, S->grace);
}

typedef struct Lost {
  uint64_t born;
  lua_Integer at; /* in the table */
} Lost;

static int by_birth(const void *a, const void *b) {
  uint64_t x = ((const Lost *)a)->born, y = ((const Lost *)b)->born;
  return (x > y) - (x < y);
}

/* The order of finalizers depends on which threads were used before. That of birth is the same for
   the same program, whatever the collector does. */
static void end_each(lua_State *L, weir_State *S, void (*end)(lua_State *, weir_State *, int)) {
  size_t n = weir_deque_length(&S->found);
  int top = lua_gettop(L);
  Lost *lost = lua_newuserdatauv(L, n * sizeof *lost, 0);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    weir_deque_take(L, &S->found);
    lost[i].born = ((const weir_Coroutine *)lua_touserdata(L, -1))->born;
    lost[i].at = (lua_Integer)i + 1;
    lua_rawseti(L, top + 2, lost[i].at);
  }
  qsort(lost, n, sizeof *lost, by_birth);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, top + 2, lost[i].at);
    end(L, S, top + 3);
    weir_deferred_drain(L, S);
    lua_settop(L, top + 2);
  }
  lua_settop(L, top);
}

void weir_lost_cancel(lua_State *L, weir_State *S) {
  for (int i = 0; i < ROUNDS && !weir_deque_empty(&S->found); i++)
    end_each(L, S, cancel_lost);
}

/* Lua gives no finalizer to what is made while it closes the state. Returns whether any has ended:
   handlers may start others, for which the list is made anew. */
static int close_late(lua_State *L, weir_State *S) {
  const weir_Coroutine *c;
  lua_Integer place = 0;
  int ended = 0;
  while ((c = weir_live_next(S, &place)))
    if (weir_coroutine_push(L, S, c)) {
      close_lost(L, S, lua_gettop(L));
      ended |= c->life == LIFE_ENDED;
      weir_deferred_drain(L, S);
      lua_pop(L, 1);
    }
  return ended;
}

void weir_lost_close(lua_State *L, weir_State *S) {
  while (!weir_deque_empty(&S->found))
    end_each(L, S, close_lost);
  while (close_late(L, S))
    ;
}
