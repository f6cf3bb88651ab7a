/*
** Both faces of the module, that to Lua and that to C: each lib_*.c checks arguments and calls the
** core, for the functions of Lua; what api.c needs too is here. There an argument is not where its
** number says, so these functions take its index, or the values on top of the stack, and `of`, the
** name of the function for messages: NULL in a Lua function, which Lua knows the name of.
*/
#ifndef WEIR_LIB_H
#define WEIR_LIB_H

#include "clock.h"
#include "coroutine.h"
#include "deferred.h"

extern const luaL_Reg weir_lib_deferred[], weir_lib_deferred_methods[];
extern const luaL_Reg weir_lib_coroutine[], weir_lib_coroutine_methods[];
extern const luaL_Reg weir_lib_slice[], weir_lib_slice_methods[];
extern const luaL_Reg weir_lib_clock[], weir_lib_clock_methods[];
extern const luaL_Reg weir_lib_loop[];
extern const luaL_Reg weir_lib_join[];
extern const luaL_Reg weir_lib_claim[];
extern const luaL_Reg weir_lib_flow[];
extern const luaL_Reg weir_lib_look[];
extern const luaL_Reg weir_lib_watch[];

/* What weir_api finds. */
extern const weir_Api weir_api_table;

/* __tostring of Deferreds and Coroutines */
int weir_lib_tostring(lua_State *L);

/* ---- checks; they raise unless the argument is what the name says. [-0, +0, v] ---- */

int weir_bad_argument(lua_State *L, int arg, const char *of, const char *message);
/* What messages call the type of the value at idx; valid while what it pushes is there. [-0, +0|1]
 */
const char *weir_type_name(lua_State *L, int idx);
int weir_bad_type(lua_State *L, int idx, int arg, const char *of, const char *expected);

static inline weir_Deferred *weir_check_deferred_at(lua_State *L, const weir_State *S, int idx,
                                                    int arg, const char *of) {
  weir_Deferred *d = weir_deferred_at(L, S, idx);
  if (!d)
    weir_bad_type(L, idx, arg, of, "Deferred");
  return d;
}
#define weir_check_deferred(L, S, arg) weir_check_deferred_at((L), (S), (arg), (arg), NULL)

weir_Coroutine *weir_check_coroutine(lua_State *L, const weir_State *S, int idx, const char *of);
weir_Clock *weir_check_clock(lua_State *L, const weir_State *S, int arg);
/* A time in seconds: neither negative nor NaN. */
double weir_check_seconds(lua_State *L, int arg);
double weir_check_time(lua_State *L, double seconds, int arg, const char *of);
void weir_check_callable(lua_State *L, int idx, int arg, const char *of);
/* A function, or something with a __call. [-0, +0, -] */
int weir_is_callable(lua_State *L, int idx);
/* None of the n values on top, the first of which is that argument, is a Deferred. */
void weir_check_values(lua_State *L, const weir_State *S, int n, int arg, const char *of);
/* Neither a coroutine nor a callback runs: the loop may. `level` as for luaL_where. */
void weir_check_host(lua_State *L, const weir_State *S, const char *what, int level);

/* ---- actions, checks included. [v] ---- */

/* Every call ends so: what it fired is told, and from the host what it woke is run. [-0, +0, m] */
void weir_lib_finish(lua_State *L, weir_State *S);

/* A Deferred that has fired with the n values on top, which have been checked. [-n, +1, m] */
void weir_lib_settled(lua_State *L, weir_State *S, int n, int failed);
/* A Deferred with the hooks on top: cancel, pause, unpause; each may be nil. [-3, +1] */
void weir_lib_hooked(lua_State *L, weir_State *S);
/* A shield of the Deferred at idx. [-0, +1] */
void weir_lib_shield(lua_State *L, weir_State *S, int idx, const char *of);
/* Fires the Deferred at idx with the n values on top. [-n, +0] */
void weir_lib_fire(lua_State *L, weir_State *S, int idx, int n, int failed, const char *of);
/* Adds the function at f, or for CALL_PAIR the two from there, of which one may be nil.
   [-0, +0] */
void weir_lib_add(lua_State *L, weir_State *S, int idx, weir_Call call, int f, const char *of);
void weir_lib_chain(lua_State *L, weir_State *S, int from, int to, const char *of);
/* The values, or the error, of the ready Deferred at idx, handled so; their number. [-0, +n] */
int weir_lib_outcome(lua_State *L, weir_State *S, int idx);
/* The reason is on top. Returns whether there was something to cancel. [-1, +0] */
int weir_lib_cancel(lua_State *L, weir_State *S, int idx, double grace);
/* One pause more or less. [-0, +0] */
void weir_lib_pause(lua_State *L, weir_State *S, int idx, int change, const char *of);
/* Cancels the Deferred at d when `seconds` have gone by on the clock. [-0, +0] */
void weir_lib_timeout(lua_State *L, weir_State *S, int d, int clock, double seconds);
/* Ends the Coroutine at idx by force. Returns 1, or 0 and the error of a handler. [-0, +0|1] */
int weir_lib_close(lua_State *L, weir_State *S, int idx, const char *of);
/* The stacks of the Coroutine at idx and of its waiters; of the thread that asks, from `level`
   on. [-0, +1] */
void weir_lib_traceback(lua_State *L, weir_State *S, int idx, int level, const char *of);
/* Makes the function on top, below its name or nil, one that starts it as a coroutine. [-2, +1] */
void weir_lib_decorate(lua_State *L, const char *of);
/* A Coroutine, not started, whose body is the function below the n arguments on top.
   [-(n+1), +1] */
static inline weir_Coroutine *weir_lib_coroutine_of(lua_State *L, weir_State *S, int n,
                                                    const char *of) {
  weir_check_callable(L, lua_gettop(L) - n, 1, of);
  return weir_coroutine_make(L, S, n);
}
/* What noreturn goes on with is at idx. [-0, +0] */
void weir_check_body(lua_State *L, const weir_State *S, int idx, const char *of);
/* The running Coroutine, or nil. Returns whether there is one. [-0, +1, -] */
int weir_lib_current(lua_State *L, weir_State *S);
/* A Deferred that fires with the n values on top, which have been checked, when `seconds` have gone
   by on the clock. [-n, +1, m] */
void weir_lib_after(lua_State *L, weir_State *S, int clock, double seconds, int n);
/* One pass; returns the seconds until there is more to do, less than 0 if there is nothing. */
double weir_lib_step(lua_State *L, weir_State *S, double budget);
/* Seconds until it has something to do, reports too; less than 0: it has nothing. [-0, +0, -] */
double weir_lib_next(weir_State *S);
/* Runs the loop until the coroutine has ended that the function below n arguments makes: its
   values, whose number is returned, or its error raised. [-(n+1), +r] */
int weir_lib_run(lua_State *L, weir_State *S, int n, const char *of);
/* Until nothing is left to do. [-0, +0] */
void weir_lib_run_all(lua_State *L, weir_State *S);
/* The handler of unhandled failures, on top, or nil, takes the place of the one there was.
   [-1, +1] */
void weir_lib_on_unhandled(lua_State *L, weir_State *S, const char *of);

#endif
