/*
** How things of weir look as text.
*/
#ifndef WEIR_DESCRIBE_H
#define WEIR_DESCRIBE_H

#include "deferred.h"

/* Pushes "Kind 'name': address (status, what it waits on)" of the Deferred at idx. [-0, +1, m] */
void weir_describe(lua_State *L, weir_State *S, int idx);
/* "pending", "success", "failure", "cancelled", "running", "ready", "waiting" or "paused"; the
   Deferred is at idx. */
const char *weir_describe_status(lua_State *L, weir_State *S, int idx);
/* Pushes a line for each live coroutine: who waits on what. [-0, +1, m] */
void weir_describe_live(lua_State *L, weir_State *S);

#endif
