/*
** What the programs here share. A case is a C function that gets a fresh Lua state with everything
** open and `weir` a global; it raises an error if something is not as it should be. The files with
** cases know nothing of weir but weir.h: they are linked into a host together with weir, and into a
** module that is not.
*/
#ifndef CASE_H
#define CASE_H

#include <math.h>

#include "../memory.h"
#include "weir.h"

typedef struct Case {
  const char *title;
  lua_CFunction f;
} Case;

/* Each ends with a case without a title. */
extern const Case making_cases[], firing_cases[], looking_cases[], flow_cases[], waiting_cases[],
    starting_cases[], loop_cases[], places_cases[], memory_cases[], handles_cases[];

/* Opens the libraries of Lua and weir in it. `prepare` is called first: behind it `require
   "weir.core"` works. case_prepare finds the one that L was opened with. */
void case_open_weir(lua_State *L, lua_CFunction prepare);
lua_CFunction case_prepare(lua_State *L);

#define check(L, condition) ((condition) ? (void)0 : case_fail((L), __FILE__, __LINE__, #condition))
void case_fail(lua_State *L, const char *file, int line, const char *what);

/* The whole stack: `nil true 1 2.5 'text'`, and of others a letter: D, C (Deferred, Coroutine), F,
   T, U, L (function, table, userdata, thread), or E:Name for an error object of weir. */
#define check_stack(L, expected) case_check_stack((L), __FILE__, __LINE__, (expected))
void case_check_stack(lua_State *L, const char *file, int line, const char *expected);

/* f(L), with the values on top of the stack as arguments, raises an error whose text is that. The
   arguments stay. */
#define check_raises(L, n, f, text) case_check_raises((L), __FILE__, __LINE__, (n), (f), (text))
void case_check_raises(lua_State *L, const char *file, int line, int n, lua_CFunction f,
                       const char *text);

/* Runs a chunk of Lua with the n values on top as its arguments; one result for each `want`. */
void case_lua(lua_State *L, int n, int want, const char *chunk);

/* A list of words, in order. */
void case_log(lua_State *L, const char *word);
#define check_log(L, expected) case_check_log((L), __FILE__, __LINE__, (expected))
void case_check_log(lua_State *L, const char *file, int line, const char *expected);

/* Starts f with the n values on top as a coroutine, that must end with success at once. Pops them.
 */
void case_inside(lua_State *L, int n, lua_CFunction f);
/* The same until the loop has run it. */
void case_run(lua_State *L, int n, lua_CFunction f);

/* n, or less under WEIR_SCALE=small. */
int case_scale(int n);

#endif
