/*
** Differences between the releases of Lua that weir compiles against, in one
** place.
*/
#ifndef WEIR_COMPAT_H
#define WEIR_COMPAT_H

#include "lauxlib.h"
#include "lua.h"

#if LUA_VERSION_NUM < 504
#error "weir needs Lua 5.4 or later"
#endif

#ifdef __clang_analyzer__ /* it cannot know that this never returns */
int luaL_error(lua_State *L, const char *fmt, ...) __attribute__((noreturn));
#endif

/* 5.4.6 gave lua_resetthread a second argument, and with it a new name. */
#if LUA_VERSION_NUM > 504 || LUA_VERSION_RELEASE_NUM >= 50406
#define weir_closethread(co, from) lua_closethread((co), (from))
#else
#define weir_closethread(co, from) ((void)(from), lua_resetthread(co))
#endif

#endif
