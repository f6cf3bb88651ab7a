/*
** noreturn: one body for another.
*/
#ifndef WEIR_TAIL_H
#define WEIR_TAIL_H

#include "coroutine.h"

/* The tail of weir.noreturn: a body, or a Deferred, and arguments are all that L has. */
int weir_tail_noreturn(lua_State *L, weir_State *S);
/* The running Coroutine at idx yielded n values for a hop. Returns 1 if its new body is to be
   resumed, 0 if the coroutine ended. [-0, +0, m] */
int weir_tail_hop(lua_State *L, weir_State *S, int idx, int n);

#endif
