/*
** The live: a list of the coroutines that are suspended or about to run, for whoever asks what
** there is. It holds none of them, and it is no chain of pointers: where Lua cannot call a
** finalizer, at the end of the C stack, it frees the object without.
*/
#ifndef WEIR_LIVE_H
#define WEIR_LIVE_H

#include "coroutine.h"

/* Puts the Coroutine at idx on the list, on which it is while it is `armed`. Without memory for
   that it is not on it. [-0, +0, -] */
void weir_live_add(lua_State *L, weir_State *S, int idx);
/* The next one behind `place`, which is 0 at first; NULL: there are no more. In no order. No
   collection meanwhile. [-0, +0, -] */
const weir_Coroutine *weir_live_next(const weir_State *S, lua_Integer *place);
/* The oldest `most` of them, in the order in which they were made; returns how many there are. No
   collection until `list` is done with. [-0, +0, -] */
int weir_live_oldest(const weir_State *S, const weir_Coroutine **list, int most);

#endif
