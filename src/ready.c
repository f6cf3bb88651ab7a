#include "ready.h"

#include "watch.h"

static void cut(weir_State *S, weir_Coroutine *c) {
  weir_list_remove(S->ready[c->list], &c->d, earlier, later);
}

static void keep(lua_State *L, weir_State *S, weir_Coroutine *c, int idx) {
  if (c->d.anchor != WEIR_NO_ANCHOR)
    return;
  weir_anchor_reserve(L, &S->anchors);
  lua_pushvalue(L, idx);
  c->d.anchor = weir_anchor_take(&S->anchors, L);
}

void weir_ready_add(lua_State *L, weir_State *S, weir_Coroutine *c, int idx) {
  keep(L, S, c, idx);
  weir_coroutine_arm(L, S, c, idx);
  if (c->list != READY_NONE)
    cut(S, c);
  weir_ready_append(S, c);
  if (S->watch)
    weir_watch_queued(S, c);
}

void weir_ready_append_ended(weir_State *S, weir_Coroutine *c) {
  c->d.now.nargs = 1; /* so that it cannot be resumed */
  weir_ready_append(S, c);
}

void weir_ready_add_first(weir_State *S, weir_Coroutine *c) {
  weir_ready_remove(S, c);
  c->d.at.ticket = --S->front;
  c->list = READY_LATE;
  weir_list_prepend(S->ready[READY_LATE], &c->d, earlier, later);
}

void weir_ready_remove(weir_State *S, weir_Coroutine *c) {
  if (c->list == READY_NONE)
    return;
  cut(S, c);
  c->list = READY_NONE;
  if (!c->in_hand)
    weir_ready_put_down(S, c);
}

static void move(weir_State *S, weir_Coroutine *c, weir_ReadyList list) {
  cut(S, c);
  c->list = (uint8_t)list;
  weir_list_append(S->ready[list], &c->d, earlier, later);
}

void weir_ready_set_late(weir_State *S) {
  weir_Coroutine *c;
  while ((c = weir_ready_head(S, READY_WOKEN)) != NULL)
    move(S, c, READY_LATE);
}

/* Behind the ticket, the first of those in a list. */
static weir_Deferred *first_since(weir_Deferred *first, uint64_t ticket) {
  weir_Deferred *since = NULL, *d = weir_list_last(first, earlier);
  for (; d && d->at.ticket > ticket; d = d == first ? NULL : d->earlier)
    since = d;
  return since;
}

void weir_ready_set_back(weir_State *S, uint64_t ticket) {
  weir_Deferred *d, *next = first_since(S->ready[READY_WOKEN], ticket);
  while ((d = next) != NULL) {
    next = d->later;
    move(S, weir_coroutine(d), READY_YIELDED);
  }
}

/* There is time for the calls of the next one too: where many have been woken that gains a fifth,
   by measurement, and nothing where many take turns. */
static void fetch_woken(const weir_Coroutine *c) {
  if (!c)
    return;
  weir_fetch_calls(c->thread);
  weir_ready_fetch(weir_coroutine(c->d.later));
}

weir_Coroutine *weir_ready_pop(weir_State *S, weir_ReadyList list) {
  weir_Coroutine *c;
  if (!S->ready[list])
    return NULL;
  c = weir_ready_take_head(S, list);
  fetch_woken(weir_ready_head(S, list));
  return c;
}

static uint64_t head_ticket(const weir_State *S, weir_ReadyList list) {
  return S->ready[list] ? S->ready[list]->at.ticket : UINT64_MAX;
}

weir_ReadyList weir_ready_least(const weir_State *S, uint64_t limit) {
  uint64_t woken = head_ticket(S, READY_WOKEN), late = head_ticket(S, READY_LATE);
  uint64_t yielded = head_ticket(S, READY_YIELDED);
  weir_ReadyList first = woken < late ? READY_WOKEN : READY_LATE;
  if (yielded < limit && yielded < woken && yielded < late)
    first = READY_YIELDED;
  return first;
}

void weir_ready_take(lua_State *L, weir_State *S, weir_Coroutine *c, int idx) {
  keep(L, S, c, idx);
  c->in_hand = 1;
}
