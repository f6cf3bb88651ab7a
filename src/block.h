/*
** Memory that belongs to the registry, under its own address: nothing is left behind
** however the state ends, and Lua makes room for it where there is garbage.
*/
#ifndef WEIR_BLOCK_H
#define WEIR_BLOCK_H

#include <stddef.h>

#include "compat.h"

/* Keeps the userdata on top, whose memory that is. [-1, +0, m] */
void weir_block_keep(lua_State *L, const void *block);
/* Lets go of it; NULL is none. [-0, +0, -] */
void weir_block_drop(lua_State *L, const void *block);
/* One of that size, which begins with the first `used` bytes of the old one, perhaps NULL; that one
   is gone. Runs no finalizer. [-0, +0, m]; nothing is changed on an error */
void *weir_block_grow_quietly(lua_State *L, void *old, size_t used, size_t size);

#endif
