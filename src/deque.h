/*
** A double-ended queue of Lua values, each with an entry beside it. The values
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

typedef struct weir_Segment weir_Segment;

/* What a queue's owner keeps beside a value: a number, and the value's own address. */
typedef struct weir_Entry {
  uint64_t tag;
  void *item;
} weir_Entry;

typedef struct weir_Deque {
  weir_Segment **ring; /* cap entries; NULL where no segment was needed yet */
  size_t cap;          /* a power of two, or 0 */
  uint64_t floor, base, head, tail;
} weir_Deque;

void weir_deque_init(weir_Deque *q);
/* Lets go of what it holds. */
void weir_deque_free(lua_State *L, weir_Deque *q);

/* Moves the value on top of L to the back, with an entry beside it.
   [-1, +0, m]; nothing is changed on an error */
void weir_deque_push(lua_State *L, weir_Deque *q, uint64_t tag, void *item);
/* The same to the front. */
void weir_deque_push_front(lua_State *L, weir_Deque *q, uint64_t tag, void *item);
/* Moves the value at the front, or at the back, to the top of L. [-0, +1, -] */
void weir_deque_take(lua_State *L, weir_Deque *q);
void weir_deque_take_back(lua_State *L, weir_Deque *q);
/* The entry beside the value at the front. */
weir_Entry weir_deque_front(const weir_Deque *q);
static inline int weir_deque_empty(const weir_Deque *q) {
  return q->head == q->tail;
}

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
