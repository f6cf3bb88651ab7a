/*
** The side of a Coroutine: what few of them ever have. Made when it is needed
** first, where that cannot hurt: so each place that may come to need it says so
** before it looks at anything.
*/
#ifndef WEIR_SIDE_H
#define WEIR_SIDE_H

#include "coroutine.h"

typedef struct weir_Side {
  uint32_t tag; /* TAG_SIDE */
} weir_Side;

/* User values. */
enum {
  SIDE_NAME = 1,
  SIDE_ERROR, /* with what to leave a wait whose limit ran out, while FLAG_LEAVING */
  SIDE_NOTE,  /* of an uncaught error, while `unwinding` */
  SIDE_SEEN,  /* note of the last error that came out of a wait or generator, while `seen` */
  SIDE_SLOTS = SIDE_SEEN
};

/* The Coroutine at idx has one from here on. May run finalizers. [-0, +0, m] */
void weir_side_make(lua_State *L, weir_State *S, int idx);
static inline void weir_side_need(lua_State *L, weir_State *S, const weir_Coroutine *c, int idx) {
  if (!c->has_side)
    weir_side_make(L, S, idx);
}

/* The rest is for the Coroutine at idx that has one. */

/* Pushes what is in a slot. [-0, +1, -] */
void weir_side_push(lua_State *L, int idx, int slot);
/* The same, and takes it away. [-0, +1, -] */
void weir_side_take(lua_State *L, int idx, int slot);
/* Moves the value on top there. [-1, +0, -] */
void weir_side_set(lua_State *L, int idx, int slot);
/* Lets go of it; the name stays. [-0, +0, -] */
void weir_side_drop(lua_State *L, weir_Coroutine *c, int idx);

#endif
