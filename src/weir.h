/*
** weir: Deferreds and coroutines for Lua 5.4, for programs that embed Lua.
*/
#ifndef WEIR_H
#define WEIR_H

#include "lua.h"

#define WEIR_VERSION     "0.1.0"
#define WEIR_VERSION_NUM 100

#if defined(_WIN32)
#define WEIR_API __declspec(dllexport)
#elif defined(__GNUC__)
#define WEIR_API __attribute__((visibility("default")))
#else
#define WEIR_API extern
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
** Opens the module: what `require "weir.core"` calls. [-0, +1, m]
** Pushes the table of the core's functions. Opened again in the same state, it
** pushes a new table over the same scheduler.
*/
WEIR_API int luaopen_weir_core(lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
