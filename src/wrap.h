/*
** Generators through which await passes.
*/
#ifndef WEIR_WRAP_H
#define WEIR_WRAP_H

#include "state.h"

/* weir.wrap */
int weir_wrap(lua_State *L);
/* __close of a generator: it dies with a coroutine that is closed while inside of it. */
int weir_wrap_close(lua_State *L);

/* The thread of the generator in which the suspended `thread` waits; NULL if it waits in none. The
   thread needs two free slots. [-0, +0, -] */
lua_State *weir_wrap_inner(lua_State *thread);

#endif
