/*
** The Lua side of the module: each lib_*.c checks arguments and calls the core.
*/
#ifndef WEIR_LIB_H
#define WEIR_LIB_H

#include "clock.h"
#include "coroutine.h"
#include "deferred.h"

extern const luaL_Reg weir_lib_deferred[], weir_lib_deferred_methods[];
extern const luaL_Reg weir_lib_coroutine[], weir_lib_coroutine_methods[];
extern const luaL_Reg weir_lib_clock[], weir_lib_clock_methods[];
extern const luaL_Reg weir_lib_loop[];
extern const luaL_Reg weir_lib_join[];

/* __tostring of Deferreds and Coroutines */
int weir_lib_tostring(lua_State *L);

/* These raise unless the argument is what the name says. [-0, +0, v] */
weir_Deferred *weir_check_deferred(lua_State *L, const weir_State *S, int arg);
weir_Clock *weir_check_clock(lua_State *L, const weir_State *S, int arg);
/* A time in seconds: neither negative nor NaN. */
double weir_check_seconds(lua_State *L, int arg);
void weir_check_callable(lua_State *L, int arg);
/* A function, or something with a __call. [-0, +0, -] */
int weir_is_callable(lua_State *L, int idx);
/* Raises if one of the arguments from `arg` on is a Deferred. */
void weir_check_values(lua_State *L, const weir_State *S, int arg);
/* Every call ends so: what it fired is told, and from the host what it woke is run. */
void weir_lib_finish(lua_State *L, weir_State *S);
/* Cancels the Deferred at d when `seconds` have gone by on the clock; returns it. */
int weir_lib_timeout(lua_State *L, weir_State *S, int d, int clock, double seconds);

#endif
