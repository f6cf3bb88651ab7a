/*
** Calls during which no finalizer runs: what a user's __gc does to the very
** things that a change is in the middle of is seen before it or after it.
*/
#ifndef WEIR_QUIET_H
#define WEIR_QUIET_H

#include "compat.h"

/* As lua_call, without a collection. Restarting the collector costs it a step: for what is rare.
   [-(n+1), +nresults, e] */
void weir_call_quietly(lua_State *L, int n, int nresults);
/* As lua_pcall. [-(n+1), +nresults|error, -] */
int weir_pcall_quietly(lua_State *L, int n, int nresults);

#endif
