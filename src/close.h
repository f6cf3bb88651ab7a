/*
** Close: the end by force (5.7).
*/
#ifndef WEIR_CLOSE_H
#define WEIR_CLOSE_H

#include "deferred.h"

/* Forces the coroutine at idx to its end, those inside first. Returns 1, or 0 and pushes the error
   of a handler. [-0, +0|1, m] */
int weir_close(lua_State *L, weir_State *S, int idx);

#endif
