/*
** From Lua 5.5 on a coroutine may close itself: the C functions on its stack do
** not return then, but what they have marked to be closed is closed. A guard is
** such a mark around a call: if the call never returns, it puts the state back to
** where it was before. What runs on the main thread needs none, as that cannot be
** closed; and before 5.5 there is nothing to guard against.
*/
#ifndef WEIR_GUARD_H
#define WEIR_GUARD_H

#include "state.h"

#if WEIR_SELF_CLOSE

/* Around lua_pcall of the n arguments on top and their function, which it moves up by one if it
   is needed. `mark` is of this moment and lives until the end. [-0, +(0|1), m] */
void weir_guard_begin(lua_State *L, weir_State *S, weir_Mark *mark, int n);
/* The values on top are left, the guard below them goes. [-(0|1), +0, m] */
void weir_guard_end(lua_State *L, weir_State *S, weir_Mark *mark);
/* The metamethod of weir_State that does it. */
int weir_guard_close(lua_State *L);

#else
#define weir_guard_begin(L, S, mark, n) ((void)0)
#define weir_guard_end(L, S, mark)      ((void)0)
#endif

#endif
