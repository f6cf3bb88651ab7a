/*
** Slots that keep values from the collector, for C structs to name by number.
** They are on the stacks of private threads, so that a value comes and goes
** without a table. Not bounded by LUAI_MAXSTACK: threads are added as needed, and
** let go of when no slot is used any more.
**
** Free slots are a list, last in, first out. In it those above `top` of a segment
** are in ascending order, as they come there in descending order: so the one that
** is taken is never beyond the one above `top`.
*/
#ifndef WEIR_ANCHOR_H
#define WEIR_ANCHOR_H

#include "compat.h"

#define WEIR_ANCHORS     128 /* slots per segment */
#define WEIR_ANCHOR_KEPT 8   /* segments that stay when all slots are empty */
#define WEIR_NO_ANCHOR   0

/* See block.h. */
typedef struct weir_AnchorSegment {
  lua_State *stack;       /* nil, then the slots up to `top`; our user value 1 */
  int top;                /* index: those above it are free */
  int next[WEIR_ANCHORS]; /* of a free one, the number of the next that is free */
} weir_AnchorSegment;

typedef struct weir_Anchors {
  weir_AnchorSegment **segments; /* `cap` places, `n` of them in use; owned as they are */
  int n, cap;
  int free; /* the first of those that are; WEIR_NO_ANCHOR: none is left */
  int used; /* how many are not */
} weir_Anchors;

/* Adds segments, where none is free. May run finalizers; so it costs the collector no cycle of its
   own, which is what those below do. [-0, +0, m] */
void weir_anchor_prepare(lua_State *L, weir_Anchors *a);
/* The same, but runs none. [-0, +0, m] */
void weir_anchor_grow(lua_State *L, weir_Anchors *a);
/* The same; returns whether there was memory for it. [-0, +0, -] */
int weir_anchor_grow_safely(lua_State *L, weir_Anchors *a);
/* All slots are empty: lets go of what many have taken at a time. */
void weir_anchor_trim(weir_Anchors *a);
/* All slots are empty: lets go of them. */
void weir_anchor_free(lua_State *L, weir_Anchors *a);

#define WEIR_ANCHOR_NIL 1 /* index of a nil on the stack of each segment */

static inline weir_AnchorSegment *weir_anchor_segment(const weir_Anchors *a, int slot) {
  return a->segments[(unsigned)(slot - 1) / WEIR_ANCHORS];
}
/* Index on the stack of its segment. */
static inline int weir_anchor_index(int slot) {
  return (int)((unsigned)(slot - 1) % WEIR_ANCHORS) + WEIR_ANCHOR_NIL + 1;
}

/* Sees to it that one is free. [-0, +0, m] */
static inline void weir_anchor_reserve(lua_State *L, weir_Anchors *a) {
  if (a->free == WEIR_NO_ANCHOR)
    weir_anchor_grow(L, a);
}

/* The same, but it may be in vain: returns whether one is. [-0, +0, -] */
static inline int weir_anchor_try(lua_State *L, weir_Anchors *a) {
  return a->free != WEIR_NO_ANCHOR || weir_anchor_grow_safely(L, a);
}

/* Moves the value on top of `from` into a slot, of which one is free; returns that. [-1, +0, -] */
static inline int weir_anchor_take(weir_Anchors *a, lua_State *from) {
  int slot = a->free;
  weir_AnchorSegment *seg = weir_anchor_segment(a, slot);
  a->free = seg->next[(unsigned)(slot - 1) % WEIR_ANCHORS];
  a->used++;
  lua_xmove(from, seg->stack, 1);
  if (seg->top < weir_anchor_index(slot))
    seg->top++;
  else
    lua_replace(seg->stack, weir_anchor_index(slot));
  return slot;
}

/* Empties the slot. */
static inline void weir_anchor_drop(weir_Anchors *a, int slot) {
  weir_AnchorSegment *seg = weir_anchor_segment(a, slot);
  if (seg->top == weir_anchor_index(slot))
    lua_settop(seg->stack, --seg->top);
  else
    lua_copy(seg->stack, WEIR_ANCHOR_NIL, weir_anchor_index(slot));
  seg->next[(unsigned)(slot - 1) % WEIR_ANCHORS] = a->free;
  a->free = slot;
  if (--a->used == 0 && a->n > WEIR_ANCHOR_KEPT)
    weir_anchor_trim(a);
}

/* Pushes the value in a slot. [-0, +1, -] */
static inline void weir_anchor_push(lua_State *L, const weir_Anchors *a, int slot) {
  lua_State *stack = weir_anchor_segment(a, slot)->stack;
  lua_pushvalue(stack, weir_anchor_index(slot));
  lua_xmove(stack, L, 1);
}

#endif
