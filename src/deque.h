/*
** A queue of Lua values, each with a number beside it, that can be taken from both
** ends. The values
** stand on the stacks of private threads, one per segment, so that the
** collector sees them and a value moves in and out with lua_xmove, without a
** table. Not bounded by LUAI_MAXSTACK: segments are added as needed.
**
** Positions are absolute numbers; [head, tail) holds values. A user of a
** *region* sees none of what was there before, works on what is pushed from there
** on, and then gives the rest back. What becomes empty begins at `base` again, so
** that a long run takes no more slots than it needs at once, and leaves no gap.
** `floor` is the lowest position still in use.
**
** A push runs no finalizer, so nothing changes between a look and a push.
*/
#ifndef WEIR_DEQUE_H
#define WEIR_DEQUE_H

#include <stddef.h>
#include <stdint.h>

#include "compat.h"

#define WEIR_SLOTS 128u /* values per segment */

/* See block.h; until the deque drops it. */
typedef struct weir_Segment {
  lua_State *stack;         /* nil, then the slots up to `top`; our user value 1 */
  int top;                  /* nothing above it is in use */
  uint32_t tag[WEIR_SLOTS]; /* what its user keeps beside each value */
} weir_Segment;

typedef struct weir_Deque {
  weir_Segment **ring; /* cap entries; NULL where no segment was needed yet */
  size_t cap;          /* a power of two, or 0 */
  uint64_t floor, base, head, tail;
} weir_Deque;

void weir_deque_init(weir_Deque *q);
/* Lets go of what it holds. */
void weir_deque_free(lua_State *L, weir_Deque *q);

/* Moves the value at the back to the top of L. [-0, +1, -] */
void weir_deque_take_back(lua_State *L, weir_Deque *q);
static inline weir_Segment **weir_deque_place(const weir_Deque *q, uint64_t pos) {
  return &q->ring[(pos / WEIR_SLOTS) & (q->cap - 1)];
}
/* The number beside the value at the front. */
static inline uint32_t weir_deque_tag(const weir_Deque *q) {
  return (*weir_deque_place(q, q->head))->tag[q->head % WEIR_SLOTS];
}
static inline int weir_deque_empty(const weir_Deque *q) {
  return q->head == q->tail;
}
static inline size_t weir_deque_length(const weir_Deque *q) {
  return (size_t)(q->tail - q->head);
}

/* ---- what every turn of the loop does: in line ---- */

#define WEIR_NIL 1 /* index of a nil on the stack of each segment */

/* Makes room for n at the back. Runs no finalizer. [-0, +0, m] */
void weir_deque_make_room(lua_State *L, weir_Deque *q, uint32_t n);
/* The same for one; returns whether there is room now. [-0, +0, -] */
int weir_deque_make_room_safely(lua_State *L, weir_Deque *q);
/* Brings an empty one to rest. */
void weir_deque_rest(lua_State *L, weir_Deque *q);

/* Index on the stack of its segment. */
static inline int weir_deque_slot(uint64_t pos) {
  return (int)(pos % WEIR_SLOTS) + WEIR_NIL + 1;
}

static inline int weir_deque_has_place(const weir_Deque *q, uint64_t pos) {
  return pos / WEIR_SLOTS - q->floor / WEIR_SLOTS < q->cap && *weir_deque_place(q, pos);
}

/* Sees to it that the next push does not fail, if nothing else is done to the deque before.
   [-0, +0, m] */
static inline void weir_deque_reserve(lua_State *L, weir_Deque *q) {
  if (!weir_deque_has_place(q, q->tail))
    weir_deque_make_room(L, q, 1);
}

/* The same for n pushes. */
static inline void weir_deque_reserve_many(lua_State *L, weir_Deque *q, uint32_t n) {
  uint64_t left = WEIR_SLOTS - q->tail % WEIR_SLOTS;
  if (n > left || !weir_deque_has_place(q, q->tail))
    weir_deque_make_room(L, q, n);
}

/* The same for one, but it may be in vain: returns whether there is room. [-0, +0, -] */
static inline int weir_deque_try(lua_State *L, weir_Deque *q) {
  return weir_deque_has_place(q, q->tail) || weir_deque_make_room_safely(L, q);
}

/* Moves the value on top of L to the back, with a number beside it.
   [-1, +0, m]; nothing is changed on an error */
static inline void weir_deque_push(lua_State *L, weir_Deque *q, uint32_t tag) {
  int at = weir_deque_slot(q->tail);
  weir_Segment *seg;
  weir_deque_reserve(L, q);
  seg = *weir_deque_place(q, q->tail);
  if (seg->top != at - 1) /* what lies above is not in use */
    lua_settop(seg->stack, at - 1);
  lua_xmove(L, seg->stack, 1);
  seg->top = at;
  seg->tag[q->tail++ % WEIR_SLOTS] = tag;
}

static inline void weir_deque_fetch(lua_State *L, weir_Segment *seg, int at) {
  if (seg->top == at) {
    seg->top--;
  } else {
    lua_pushvalue(seg->stack, at);
    lua_copy(seg->stack, WEIR_NIL, at);
  }
  lua_xmove(seg->stack, L, 1);
}

/* The place at the front is empty. */
static inline void weir_deque_step(lua_State *L, weir_Deque *q) {
  if (q->floor == q->head)
    q->floor++;
  if (++q->head == q->tail)
    weir_deque_rest(L, q);
}

/* Moves the value at the front to the top of L. [-0, +1, -] */
static inline void weir_deque_take(lua_State *L, weir_Deque *q) {
  weir_deque_fetch(L, *weir_deque_place(q, q->head), weir_deque_slot(q->head));
  weir_deque_step(L, q);
}

/* Pushes the value at the front. [-0, +1, -] */
static inline void weir_deque_peek(lua_State *L, const weir_Deque *q) {
  lua_State *stack = (*weir_deque_place(q, q->head))->stack;
  lua_pushvalue(stack, weir_deque_slot(q->head));
  lua_xmove(stack, L, 1);
}

/* Drops the value at the front. */
static inline void weir_deque_skip(lua_State *L, weir_Deque *q) {
  weir_Segment *seg = *weir_deque_place(q, q->head);
  int at = weir_deque_slot(q->head);
  if (seg->top == at)
    lua_settop(seg->stack, --seg->top);
  else
    lua_copy(seg->stack, WEIR_NIL, at);
  weir_deque_step(L, q);
}

/* Where it stands. */
typedef struct weir_Place {
  uint64_t head, base, tail;
} weir_Place;
static inline weir_Place weir_deque_mark(const weir_Deque *q) {
  weir_Place p = {q->head, q->base, q->tail};
  return p;
}
/* Ends the regions that an error has left open, and with them what they hold, unless `keep`: then
   it becomes that of the region around them, with nils where something was taken. */
void weir_deque_return(weir_Deque *q, weir_Place then, int keep);

/* A region: what is pushed from here on, until its end, which comes when it is empty again, or was
   left alone. */
typedef struct weir_Region {
  uint64_t head, base;
} weir_Region;
static inline weir_Region weir_deque_begin(weir_Deque *q) {
  weir_Region outer = {q->head, q->base};
  q->head = q->base = q->tail;
  return outer;
}
static inline void weir_deque_end(weir_Deque *q, weir_Region outer) {
  q->head = outer.head;
  q->base = outer.base;
}

#endif
