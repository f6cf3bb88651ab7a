/*
** Suspended coroutines that nothing can reach: the collector finds them, the
** next turn ends them (3.8).
*/
#ifndef WEIR_LOST_H
#define WEIR_LOST_H

#include "state.h"

/* Finalizer of Coroutines. It may run at any allocation, so it only notes what it found. */
int weir_lost_gc(lua_State *L);
/* Cancels what the collector found since the last turn. [-0, +0, m] */
void weir_lost_cancel(lua_State *L, weir_State *S);
/* At lua_close, when all finalizers of coroutines have run: closes what was suspended. [-0, +0, m]
 */
void weir_lost_close(lua_State *L, weir_State *S);

#endif
