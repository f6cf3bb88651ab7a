/*
** Continuations of C functions: how one of another module suspends its coroutine, and goes on.
*/
#ifndef WEIR_CONTINUE_H
#define WEIR_CONTINUE_H

#include "await.h"

/* Where a C function goes on: in k(L, LUA_YIELD, ctx); or, if that is NULL, it returns what it got.
 */
typedef struct weir_Continuation {
  lua_KFunction k;
  lua_KContext ctx;
} weir_Continuation;

/* Is L in a hook? There is no going on behind one. [-0, +0, e] */
int weir_continue_in_hook(lua_State *L);

/* Tails of a lua_CFunction, which keeps all that it has on its stack. */

/* The values of the Deferred at idx on top, without a switch if they are there: then it returns
   their number. `seconds`: the limit, or HUGE_VAL. */
int weir_continue_await(lua_State *L, weir_State *S, weir_Coroutine *c, int idx, double seconds,
                        weir_Continuation to);
/* The new Coroutine on top runs up to its first wait. */
int weir_continue_spawn(lua_State *L, weir_State *S, weir_Continuation to);
/* To the back of the ready queue. */
int weir_continue_turn(lua_State *L, weir_State *S, weir_Coroutine *c, weir_Continuation to);

#endif
