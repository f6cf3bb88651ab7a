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
/* A new one of that size, that is kept. May run finalizers. [-0, +0, m] */
void *weir_block_new(lua_State *L, size_t size);
/* The same, but runs none; see quiet.h for what that costs. [-0, +0, m] */
void *weir_block_new_quietly(lua_State *L, size_t size);
/* Either. */
typedef void *weir_BlockNew(lua_State *L, size_t size);

#endif
