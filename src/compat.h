/*
** Differences between the releases of Lua that weir compiles against, in one
** place. Lua is included here alone.
*/
#ifndef WEIR_COMPAT_H
#define WEIR_COMPAT_H

#include "hidden.h"

/* Its functions are called through their addresses, which is faster than through stubs. */
#if defined(__ELF__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 6
#pragma GCC visibility push(default)
#include "luaconf.h"
#undef LUA_API
#define LUA_API extern __attribute__((noplt))
#include "lauxlib.h"
#include "lua.h"
#pragma GCC visibility pop
#else
#include "lauxlib.h"
#include "lua.h"
#endif

#if LUA_VERSION_NUM < 504
#error "weir needs Lua 5.4 or later"
#endif

/* Analyzers cannot know what never returns. */
#if defined(__clang_analyzer__) || defined(WEIR_ANALYZED)
#define WEIR_NO_RETURN __attribute__((noreturn))
int luaL_error(lua_State *L, const char *fmt, ...) WEIR_NO_RETURN;
int lua_error(lua_State *L) WEIR_NO_RETURN;
#else
#define WEIR_NO_RETURN
#endif

/* A function that is hardly ever called, one that is to be a part of each that calls it, and a
   condition that nearly always holds: the rest is laid out of the way. */
#if defined(__GNUC__)
#define WEIR_COLD      __attribute__((cold, noinline))
#define WEIR_PART      inline __attribute__((always_inline))
#define weir_likely(x) __builtin_expect((x) != 0, 1)
#else
#define WEIR_COLD
#define WEIR_PART      inline
#define weir_likely(x) (x)
#endif

/*
** 5.4.0 to 5.4.4: lua_resetthread(co). 5.4.5 alone gave that a second argument;
** 5.4.6 gave the one with two a new name and the old one back. 5.4.0 to 5.4.3
** all call themselves 50400 here.
*/
#if LUA_VERSION_RELEASE_NUM >= 50406
#define weir_closethread(co, from) lua_closethread((co), (from))
#elif LUA_VERSION_RELEASE_NUM == 50405
#define weir_closethread(co, from) lua_resetthread((co), (from))
#else
#define weir_closethread(co, from) ((void)(from), lua_resetthread(co))
#endif

/*
** Before 5.4.4 a collection that a finalizer asks for while the state is being
** closed may unload modules before the last of their finalizers has been called.
** (All these call themselves 50400.)
*/
#define WEIR_UNLOADED_EARLY (LUA_VERSION_RELEASE_NUM < 50404)

/* Before 5.4.4 a hook in a handler that runs while a suspended thread is closed is taken for one
   that yields, which ends the handler. */
#define WEIR_CLOSES_WITH_HOOKS (LUA_VERSION_RELEASE_NUM >= 50404)

/* Before 5.4.8 a thread that is reset inside of xpcall keeps where that has its handler. */
#define WEIR_HANDLER_STAYS (LUA_VERSION_RELEASE_NUM < 50408)

/* Before 5.4.3 a thread whose handlers raised stays dead until it is reset once more. */
#if LUA_VERSION_RELEASE_NUM < 50404
#define weir_revive(co) ((void)(lua_status(co) == LUA_OK || lua_resetthread(co)))
#else
#define weir_revive(co) ((void)0)
#endif

/*
** 5.5 lets the running coroutine close itself: coroutine.close ends it from any
** depth. lua_resume returns LUA_OK with nothing on the stack, and the C functions
** that were on it never return; see guard.h.
*/
#define WEIR_SELF_CLOSE (LUA_VERSION_NUM >= 505)

/* 5.5 makes this of an error that is nil, behind the message handler. */
#if LUA_VERSION_NUM >= 505
#define WEIR_NIL_ERROR "<no error object>"
#endif

/* 5.5 keeps to itself what 5.4 offered modules for their messages. */
#if !defined(lua_writestringerror)
#define lua_writestringerror(s, p) (fprintf(stderr, (s), (p)), fflush(stderr))
#endif

#endif
