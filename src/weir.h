/*
** weir: Deferreds and coroutines for Lua 5.4. This is all that C code needs of it, be it the
** program that embeds Lua or another C module; from C99 or C++. docs/embedding.md is the
** introduction, docs/reference.md says what each word means.
**
** The library exports one function, luaopen_weir_core. All else is in a table of functions that
** code fetches from the Lua state, so nothing is linked with weir but who compiles it in:
**
**   const weir_Api *weir = weir_api(L);
**   weir->deferred(L);
**
** Rules for all of them
**
** Deferreds are values on the Lua stack, owned by the collector: whoever wants to keep one keeps
** it as any Lua value, in the registry, a table, an upvalue. There is nothing to free.
**
** `idx` is any index that lua_pushvalue takes. Each function makes the room on the stack that it
** needs. A note [-o, +p, x] says, as in the manual of Lua, how many values it pops and pushes,
** and what it may raise: `m` only that memory is short, `v` errors of its own, on purpose. Errors
** are those of the Lua function of the same name, arguments are numbered as there, a Deferred
** that is at idx being the first. What was to be popped may still be there then; nothing else has
** changed, unless it is said. All raise where weir is not open in the state, and on a thread that
** is suspended.
**
** `L` is any thread of the state that could run Lua code now: what a C function was given, or the
** host's own. It is never that of a suspended coroutine, on whose stack nobody may put anything.
** Everything here is for the OS thread that has the Lua state now, as with Lua's own functions, but
** for what is marked at the end of the table as for any thread.
**
** Whatever fires, cancels, spawns or steps can run Lua code: callbacks, hooks, and, when the host
** calls, the coroutines that were woken, until each of them waits again (see inline_runs). Errors
** in these do not come out of the call: they become outcomes.
**
** Times are in seconds. NaN is always refused, less than 0 unless it is said to mean something;
** HUGE_VAL never comes.
**
** Functions that suspend a coroutine (awaitk, spawnk, yieldk, noreturn) leave the C function that
** calls them by a longjmp, as lua_yieldk does, and go on in the continuation `k`. They are called
** on the thread that runs the C function and nowhere else: in a hook they are refused.
*/
#ifndef WEIR_H
#define WEIR_H

#include <stddef.h>

/* From C++ these are those of a Lua compiled as C. Whoever has compiled it as C++ includes them
   before, without extern "C". */
#ifdef __cplusplus
extern "C" {
#endif
#include "lauxlib.h"
#include "lua.h"
#ifdef __cplusplus
}
#endif

#define WEIR_VERSION     "0.1.0"
#define WEIR_VERSION_NUM 100 /* 10000 * major + 100 * minor + patch */

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
** Opens the module: what `require "weir.core"` calls, and what a host that has compiled weir in
** gives to luaL_requiref or package.preload. [-0, +1, v] Pushes the table of the core's
** functions. Opened again in the same state, it pushes a new table over the same scheduler.
** Raises if another copy of the library is open there.
*/
WEIR_API int luaopen_weir_core(lua_State *L);

/* What `add` adds. */
enum {
  WEIR_CALLBACK, /* f(values...), for a success */
  WEIR_ERRBACK,  /* f(error), for a failure */
  WEIR_BOTH,     /* f(true, values...) or f(false, error) */
  WEIR_PAIR      /* two functions: a callback, and an errback for the same outcome */
};

/* What `status` returns. From WEIR_SUCCESS on there is an outcome. */
enum {
  WEIR_PENDING, /* no outcome yet, or fired and held back, or waiting on a returned Deferred */
  WEIR_RUNNING, /* live Coroutines have one of these four */
  WEIR_READY,
  WEIR_WAITING,
  WEIR_PAUSED,
  WEIR_SUCCESS,
  WEIR_FAILURE,
  WEIR_CANCELLED /* a failure whose error is a cancel error */
};

/*
** A handle: any OS thread that has one may fire a Deferred of a Lua state with it, once. They are
** counted: who gets one from `handle` or handle_retain has a reference, and gives it back with
** handle_release. What is fired lies in the mail of the state until `step` or `run` take it: each
** pass begins with the mail, in the order of the fires. If the Deferred has got an outcome until
** then, by a cancel or a callback, that stands. Until it has one the handle holds the Deferred.
*/
typedef struct weir_Handle weir_Handle;

/* Called with the `ud` of the fire, on the state's own thread, in protected mode and outside of any
   coroutine: pushes what the Deferred gets, and returns how many values that are. None may be a
   Deferred; of an error it is one. The stack is empty at first, with room as for any C function. An
   error that it raises is the failure of the Deferred. */
typedef int (*weir_Push)(lua_State *L, void *ud);

/* Called with the `ud` of the fire, exactly once, when that is not needed any more: behind `push`;
   or, if that is not called, when the Deferred has got another outcome or the state is closed, all
   on the state's own thread. If the fire is refused, it is called before handle_fire returns. It
   must not call Lua. */
typedef void (*weir_Release)(void *ud);

/*
** The table. It is constant and lives as long as the library is loaded: the pointer holds until
** lua_close. Later versions append members and change nothing before them; otherwise the key
** under which the table is found changes.
*/
typedef struct weir_Api {
  int version; /* WEIR_VERSION_NUM of the library */
  size_t size; /* of this table there */

  /* ---- making Deferreds ---- */

  /* Pushes a pending Deferred. [-0, +1, m] */
  void (*deferred)(lua_State *L);

  /* Pops three hooks, each a function or nil: cancel, pause, unpause, the last on top; pushes a
     pending Deferred with them. They are called with the Deferred. [-3, +1, v] */
  void (*deferred_with)(lua_State *L);

  /* Pops n values; pushes a Deferred that has them as its outcome. [-n, +1, v] */
  void (*succeed)(lua_State *L, int n);

  /* Pops an error, any value; pushes a Deferred that has failed with it. [-1, +1, m] */
  void (*fail)(lua_State *L);

  /* Pushes a Deferred that takes the outcome of the one at idx, but passes neither cancel nor
     pause on to it. [-0, +1, v] */
  void (*shield)(lua_State *L, int idx);

  /* 1 if the value at idx is a Deferred, a Coroutine being one too, else 0. [-0, +0, m] */
  int (*is_deferred)(lua_State *L, int idx);

  /* ---- firing, and going on behind ---- */

  /* Pops n values and fires the Deferred at idx with them. Raises an AlreadyCalledError if it
     has been fired, and where it is a Coroutine. [-n, +0, v] */
  void (*callback)(lua_State *L, int idx, int n);

  /* Pops an error and fires the Deferred at idx with it; else as callback. [-1, +0, v] */
  void (*errback)(lua_State *L, int idx);

  /* Pops a function, or for WEIR_PAIR two of which one may be nil, and adds them to the
     Deferred at idx. A lua_CFunction gets the arguments on its stack; what it returns, or
     raises, is the next outcome, and if it returns one Deferred, the outcome of that. It may
     not suspend. Called at once if there is an outcome. [-(1|2), +0, v] */
  void (*add)(lua_State *L, int idx, int which);

  /* The Deferred at `from` fires the one at `to` with its outcome. [-0, +0, v] */
  void (*chain)(lua_State *L, int from, int to);

  /* ---- looking ---- */

  /* WEIR_PENDING to WEIR_CANCELLED, of the Deferred at idx. [-0, +0, v] */
  int (*status)(lua_State *L, int idx);

  /* The same, and from WEIR_SUCCESS on pushes the values, or the error, which counts as handled
     so. `n`, unless NULL, gets their number. [-0, +n, v] */
  int (*outcome)(lua_State *L, int idx, int *n);

  /* 1 if the value at idx is a cancel error, else 0. [-0, +0, m] */
  int (*is_cancelled)(lua_State *L, int idx);

  /* Pushes a string: the stack of the Coroutine at idx and of those that wait for it, or where
     it failed. [-0, +1, v] */
  void (*traceback)(lua_State *L, int idx);

  /* ---- cancel and pause ---- */

  /* Pops the reason, which may be nil, and cancels the Deferred at idx and what it waits for. A
     coroutine that has not ended `grace` seconds later is closed; less than 0: as weir.grace
     says. Returns 1 if there was something to cancel, else 0. [-1, +0, v] */
  int (*cancel)(lua_State *L, int idx, double grace);

  /* Holds the Deferred at idx and what it waits for; counted. An error of a hook is raised when
     all is held. [-0, +0, v] */
  void (*pause)(lua_State *L, int idx);

  /* Takes one pause back; raises if there is none. An error of a hook as above. [-0, +0, v] */
  void (*unpause)(lua_State *L, int idx);

  /* Cancels the Deferred at idx in so many seconds, on the loop's clock, unless it has an
     outcome by then: a TimeoutError. [-0, +0, v] */
  void (*timeout)(lua_State *L, int idx, double seconds);

  /* Ends the Coroutine at idx by force, now: its <close> variables are closed, it cannot
     prevent it. Returns 1, or 0 and pushes the error of a handler. Raises if it is running.
     [-0, +0|1, v] */
  int (*close)(lua_State *L, int idx);

  /* ---- coroutines ---- */

  /* Pops a function; pushes one that starts it as a coroutine and returns the Coroutine: what
     weir.coroutine returns, for modules that export C functions so. `name` shows in messages
     and may be NULL; it is copied. [-1, +1, v] */
  void (*coroutine)(lua_State *L, const char *name);

  /* Pops n arguments and the function below them; pushes the Coroutine whose body they are.
     From the host it runs at once, up to its first wait. Else, and with inline_runs off, it
     starts in its turn. [-(n+1), +1, v] */
  void (*spawn)(lua_State *L, int n);

  /* The same, but in a coroutine the new one runs at once too: then the call does not return,
     and k(L, LUA_YIELD, ctx) goes on when the new one waits or has ended. Where nothing can be
     suspended it is spawn, and returns. Either way the Coroutine is on top of what was on the
     stack, so:
       weir->spawnk(L, n, ctx, k);
       return k(L, LUA_OK, ctx);
     k may be NULL: then the function that called returns the Coroutine. So:
       weir->spawnk(L, n, 0, NULL);
       return 1;
     [-(n+1), +1, v] */
  void (*spawnk)(lua_State *L, int n, lua_KContext ctx, lua_KFunction k);

  /* In a coroutine: the outcome of the Deferred at idx. If it is there, pushes the values and
     returns their number, without a switch; a failure is raised. Else it does not return: the
     coroutine waits, and k(L, LUA_YIELD, ctx) goes on, with the same stack and the values on
     top; a failure, or the cancel error of the coroutine, is raised at this place, and k is not
     called. So, as with lua_callk:
       weir->awaitk(L, idx, -1, ctx, k);
       return k(L, LUA_OK, ctx);
     k may be NULL: then the function that called returns the values. So:
       return weir->awaitk(L, idx, -1, 0, NULL);
     After so many seconds of the loop's clock it leaves with a TimeoutError; less than 0:
     never. Raises where nothing can be suspended: outside of coroutines, and below a C function
     that called Lua without a continuation. [-0, +n, v] */
  int (*awaitk)(lua_State *L, int idx, double seconds, lua_KContext ctx, lua_KFunction k);

  /* In a coroutine: lets others run, to the back of the ready queue. Never returns; k(L,
     LUA_YIELD, ctx) goes on, with the same stack. k may be NULL: then the function that called
     returns nothing. Raises as awaitk. [-0, +0, v] */
  int (*yieldk)(lua_State *L, lua_KContext ctx, lua_KFunction k);

  /* In a coroutine: n arguments, and the new body below them, a function or a Deferred, take
     the place of all that the coroutine has on its stack. Never returns. Raises as awaitk,
     inside a <close> handler and inside a generator. [-(n+1), +0, v] */
  int (*noreturn)(lua_State *L, int n);

  /* Pushes the running Coroutine and returns 1; nil and 0 if there is none: in the host, in
     callbacks and hooks. [-0, +1, m] */
  int (*current)(lua_State *L);

  /* ---- time and the loop ---- */

  /* The time of the loop's clock. [-0, +0, m] */
  double (*now)(lua_State *L);

  /* Pops n values; pushes a Deferred that fires with them in so many seconds of the loop's
     clock. [-n, +1, v] */
  void (*after)(lua_State *L, double seconds, int n);

  /* One pass over what is ready and due, from the host: what it does each frame. Stops at the
     first wait behind `budget` seconds of real time; less than 0: no budget. What is left comes
     first the next time. Returns what next_deadline does. [-0, +0, v] */
  double (*step)(lua_State *L, double budget);

  /* Seconds until step has something to do: 0 now, less than 0 nothing ever, unless somebody
     fires or spawns. The end of a grace time counts while there is a handle, or a timer.
     [-0, +0, m] */
  double (*next_deadline)(lua_State *L);

  /* Pops n arguments and the function below them, and runs the loop until the coroutine that
     they make has ended: pushes its values and returns their number, or raises its error, and a
     DeadlockError if it can never end. With n < 0 it pops nothing and runs until nothing is
     left to do, and returns 0. From the host. [-(n+1), +r, v] */
  int (*run)(lua_State *L, int n);

  /* Time comes from now(ud) instead of the system's monotonic clock; NULL: from that again. It
     must not go back, raise, or call Lua. `ud` is the caller's, and must live until it is
     replaced or the state is closed. Budgets go on in real time, and so does the sleep of run.
     To be set before anything is timed: raises while a timer of the real clock, or of one that
     follows it, is armed. [-0, +0, v] */
  void (*set_time)(lua_State *L, double (*now)(void *ud), void *ud);

  /* ---- settings ---- */

  /* Whether calls from the host run what they have woken, which they do at first; if not, only
     step and run do. Returns what it was. [-0, +0, m] */
  int (*inline_runs)(lua_State *L, int on);

  /* Seconds between a cancel and the close of what has not ended, 5 at first. Returns what it
     was. [-0, +0, v] */
  double (*grace)(lua_State *L, double seconds);

  /* Pops the function that hears of failures that nobody handled, f(error, traceback, d), or
     nil for the default, standard error; pushes the one there was. [-1, +1, v] */
  void (*on_unhandled)(lua_State *L);

  /* ---- other threads: for the state's own ---- */

  /* The handle of the pending Deferred at idx, which is no Coroutine, with a reference for the
     caller. Every call for one Deferred returns the same. [-0, +0, v] */
  weir_Handle *(*handle)(lua_State *L, int idx);

  /* f(h, ud) is called when the handle is cancelled, in the sense of handle_is_cancelled, but not
     if it has been fired: to tell whoever works for it at once. Called on the state's own thread;
     it must not call Lua. NULL: nothing is called. The caller has a reference. */
  void (*handle_on_cancel)(weir_Handle *h, void (*f)(weir_Handle *h, void *ud), void *ud);

  /* How many handles there are that something may come of: `run` waits for them, step and
     next_deadline do not tell of them. [-0, +0, v] */
  size_t (*handles)(lua_State *L);

  /* How the loop of `run` sleeps, and how the state is woken; each may be NULL, for nothing but
     what is usual: a sleep that a fire ends.
     wait(L, seconds, ud): there is nothing to do for so long; HUGE_VAL: until mail comes. It may
     return earlier, for whatever reason, may call Lua, and may raise: `run` raises that then. It
     has LUA_MINSTACK slots; what it leaves in them goes.
     wake(ud): there is mail where there was none, a pass is due. Called by the thread that fires,
     with a lock held so that it never runs behind lua_close; so it must not call weir, and should
     do no more than set a flag, write to a pipe, post an event. Called at once if there is mail
     already. [-0, +0, v] */
  void (*set_wait)(lua_State *L, void (*wait)(lua_State *L, double seconds, void *ud),
                   void (*wake)(void *ud), void *ud);

  /* ---- other threads: for any, the state's own too; at any time, behind lua_close too ---- */

  /* The caller has a reference to `h`. None of these waits for Lua, or raises. */

  /* Fires with the values of `push`; NULL: with none. Returns 1 if this was the first fire, and
     wakes the state; 0 if the handle was fired or cancelled before. `release` may be NULL. */
  int (*handle_fire)(weir_Handle *h, weir_Push push, weir_Release release, void *ud);

  /* The same with the error that `push` pushes; NULL, or nothing pushed: with nil. */
  int (*handle_fail)(weir_Handle *h, weir_Push push, weir_Release release, void *ud);

  /* 1 if nothing comes of the handle any more: its Deferred was cancelled or fired otherwise, or
     the state is closed. Else 0, as it is when what was fired has reached the Deferred. */
  int (*handle_is_cancelled)(weir_Handle *h);

  /* One more reference. Returns the handle. */
  weir_Handle *(*handle_retain)(weir_Handle *h);

  /* One less. With the last one of a handle that nobody has fired its Deferred fails, so that
     nobody waits for ever. */
  void (*handle_release)(weir_Handle *h);

  /* Keeps the library in which `address` is, a function or anything static, in memory until the
     process ends; lua_close unloads what `require` has loaded. weir does that with itself. For
     modules whose threads may go on behind lua_close. */
  void (*pin)(const void *address);
} weir_Api;

/* Where the table is in the registry. The number changes when members do that were there. */
#define WEIR_API_KEY "weir.api.1"

/*
** The table of the library that is open in this state. [-0, +0, v] Raises if there is none, or if
** it lacks members that this header has.
*/
static inline const weir_Api *weir_api(lua_State *L) {
  const weir_Api *api;
  lua_getfield(L, LUA_REGISTRYINDEX, WEIR_API_KEY);
  api = (const weir_Api *)lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (!api)
    luaL_error(L, "weir is not open in this state (C interface %s)", WEIR_API_KEY);
  else if (api->size < sizeof *api)
    luaL_error(L, "weir is too old: %d.%d.%d is open, the header is of %s", api->version / 10000,
               api->version / 100 % 100, api->version % 100, WEIR_VERSION);
  return api;
}

#ifdef __cplusplus
}
#endif

#endif
