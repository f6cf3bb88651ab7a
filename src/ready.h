/*
** The ready queue, and what keeps coroutines from the collector while they are in
** it or being run: one slot of the anchors each. What waits has none.
**
** It is three lists, linked through `earlier` and `later`, which only waiters
** use otherwise; each in the order of tickets, the least of their heads comes
** first.
*/
#ifndef WEIR_READY_H
#define WEIR_READY_H

#include "coroutine.h"
#include "list.h"

/* To the back, if it is there from where it is; not while held. [-0, +0, m] */
void weir_ready_add(lua_State *L, weir_State *S, weir_Coroutine *c, int idx);
/* The same for one in hand, which is not there. [-0, +0, -] */
static inline void weir_ready_append(weir_State *S, weir_Coroutine *c) {
  weir_ReadyList list = c->gave_way == GAVE_A_PASS     ? READY_YIELDED
                        : S->looping || S->inline_runs ? READY_WOKEN
                                                       : READY_LATE;
  c->d.at.ticket = ++S->ticket;
  c->list = (uint8_t)list;
  weir_list_append(S->ready[list], &c->d, earlier, later);
}
/* One in hand that has ended, for its turn to tell that: there is no room to queue it elsewhere. */
void weir_ready_append_ended(weir_State *S, weir_Coroutine *c);
/* Before all others, one in hand. */
void weir_ready_add_first(weir_State *S, weir_Coroutine *c);
/* Takes it out, if it is in there. */
void weir_ready_remove(weir_State *S, weir_Coroutine *c);
/* What is woken waits for the next pass, not for a host's call. */
void weir_ready_set_late(weir_State *S);
/* What was woken since the ticket waits for the next pass, as if it had given way. */
void weir_ready_set_back(weir_State *S, uint64_t ticket);

static inline weir_Coroutine *weir_ready_head(const weir_State *S, weir_ReadyList list) {
  return weir_coroutine(S->ready[list]);
}

/* The head of a list has been taken: what is behind it runs next. */
static inline void weir_ready_fetch(const weir_Coroutine *c) {
  if (!c)
    return;
  weir_fetch_thread(c->thread);
  if (c->d.later)
    weir_coroutine_fetch(weir_coroutine(c->d.later));
}

/* Takes the head of a list, which has one, in hand. */
static inline weir_Coroutine *weir_ready_take_head(weir_State *S, weir_ReadyList list) {
  weir_Coroutine *c = weir_ready_head(S, list);
  weir_list_pop(S->ready[list], earlier, later);
  c->list = READY_NONE;
  c->in_hand = 1;
  return c;
}
/* The same; NULL if there is none. */
weir_Coroutine *weir_ready_pop(weir_State *S, weir_ReadyList list);

/* The list of which a pass runs the head next, if not only that of those that gave way has one. */
weir_ReadyList weir_ready_least(const weir_State *S, uint64_t limit);
/* The same in hand: of those that gave way, only tickets below `limit`; NULL if there is none. */
static inline weir_Coroutine *weir_ready_pop_next(weir_State *S, uint64_t limit) {
  weir_Coroutine *c = weir_ready_head(S, READY_YIELDED);
  if (!weir_likely(!S->ready[READY_WOKEN]) || !weir_likely(!S->ready[READY_LATE]))
    return weir_ready_pop(S, weir_ready_least(S, limit));
  if (!c || !weir_likely(c->d.at.ticket < limit))
    return NULL;
  c = weir_ready_take_head(S, READY_YIELDED);
  weir_ready_fetch(weir_ready_head(S, READY_YIELDED));
  return c;
}

static inline int weir_ready_is_empty(const weir_State *S) {
  return !S->ready[READY_WOKEN] && !S->ready[READY_LATE] && !S->ready[READY_YIELDED];
}

/* Takes the Coroutine at idx in hand: it is kept. [-0, +0, m] */
void weir_ready_take(lua_State *L, weir_State *S, weir_Coroutine *c, int idx);
/* Done with it: it is kept only while it is in the queue. */
static inline void weir_ready_put_down(weir_State *S, weir_Coroutine *c) {
  c->in_hand = 0;
  if (c->list == READY_NONE) {
    weir_anchor_drop(&S->anchors, c->d.anchor);
    c->d.anchor = WEIR_NO_ANCHOR;
  }
}

#endif
