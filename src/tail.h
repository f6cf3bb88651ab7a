/*
** noreturn: one body for another.
*/
#ifndef WEIR_TAIL_H
#define WEIR_TAIL_H

#include "coroutine.h"

/* The tail of a lua_CFunction that never returns: a body, or a Deferred, is below the n arguments
   on top. `level`: 1 if that function is noreturn itself, 0 if it calls it, and so may be a
   handler. */
int weir_tail_noreturn(lua_State *L, weir_State *S, int n, int level);
/* A body has failed: if it was about to return by a hop, drops what comes next. */
void weir_tail_drop(lua_State *L, weir_State *S);
/* A body has returned, by a hop: S->hop is set. Puts the next one and its arguments on its stack,
   where its Coroutine is at idx and no more than these on top of that; returns the number of
   arguments. [-0, +1+n, -] */
int weir_tail_take(lua_State *L, weir_State *S, int idx);
/* The running Coroutine at idx yielded n values for a hop. Returns 1 if its new body is to be
   resumed, 0 if the coroutine ended. [-0, +0, m] */
int weir_tail_hop(lua_State *L, weir_State *S, int idx, int n);

#endif
