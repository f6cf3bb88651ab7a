/*
** The trap: weir's own debug hook on a thread.
**
** Lua gives a thread one hook. Where weir has a use for it, to raise an error
** behind a plain coroutine.yield or for what slice.h is about, the trap takes the
** place of the user's own, and calls that for every event that it has asked for.
** A thread that a Lua program makes while the trap is on has it from the start.
*/
#ifndef WEIR_TRAP_H
#define WEIR_TRAP_H

#include <stddef.h>

#include "slice.h"

typedef struct weir_UserHook {
  lua_Hook hook;
  int mask, count;
} weir_UserHook;

/* What belongs to the trap of one thread; HOME_TRAPS has it under that. Untyped pointers are only
   to compare. */
typedef struct weir_Trap {
  lua_State *thread;
  weir_UserHook user;    /* the user's own; valid while the trap is set */
  int left;              /* of its count: instructions until it is called next */
  int line;              /* of the yield behind which the trap raises */
  const void *raised;    /* what it has raised there */
  const void *echo;      /* the call that was suspended last, until the next event */
  const void *suspended; /* the function of that call; valid while that is set */
  const void *entered;   /* the call that was the last event */
  uint8_t is_first;      /* so it was at this instruction: it is the first of a function */
  uint8_t is_plain;      /* the thread is that of a coroutine that weir does not know */
  weir_Meter meter;      /* of the coroutine whose thread it is */
} weir_Trap;

/* User values. */
enum {
  TRAP_ERROR = 1, /* what it is to raise, while `raising` */
  TRAP_LIMIT,     /* the LimitError, once it has been raised */
  TRAP_SLOTS = TRAP_LIMIT
};

static inline weir_Trap *weir_trap_around(weir_Meter *m) {
  return (weir_Trap *)(void *)((char *)m - offsetof(weir_Trap, meter));
}

/* What belongs to the trap of the thread on top; NULL if it has had none yet. [-1, +0, -] */
weir_Trap *weir_trap_of(lua_State *L, weir_State *S);
/* The same, made if need be. [-1, +0, m] */
weir_Trap *weir_trap_need(lua_State *L, weir_State *S);
/* The same of the running coroutine, which has one. [-0, +0, -] */
weir_Trap *weir_trap_of_running(lua_State *L, weir_State *S);
/* Replaces the thread on top by what belongs to its trap, which has user values TRAP_*: nil, if
   there is none. [-1, +1, -] */
weir_Trap *weir_trap_push(lua_State *L, weir_State *S);
/* Is the trap the hook of `thread`? */
int weir_trap_is_set(lua_State *thread);
/* Sets it, to count in so many instructions from now. */
void weir_trap_set(lua_State *thread, weir_Trap *t, int count);
/* lua_closethread; where hooks and that do not go together, without them. Returns Lua's status. */
int weir_trap_close(lua_State *L, lua_State *thread);
/* The user's own hook comes back. */
void weir_trap_clear(lua_State *thread, weir_Trap *t);
/* The same, for good: the thread on top goes to another coroutine. [-1, +0, -] */
void weir_trap_release(lua_State *L, weir_State *S);
/* The thread on top, which has a hook of the user's, is used again: that goes. [-0, +0, m] */
void weir_trap_forget(lua_State *L);
/* The thread on top, made or used again on behalf of L, gets the user's hook that L has.
   [-1, +0, -] */
void weir_trap_inherit(lua_State *L, weir_State *S);
/* The thread on top, that of a generator, runs for the one that is metered. [-1, +0, m] */
void weir_trap_follow(lua_State *L, weir_State *S);

/* The running Coroutine at idx yields by coroutine.yield: makes sure that an error can be raised
   there. May run finalizers. [-0, +0, m] */
void weir_trap_prepare(lua_State *L, weir_State *S, weir_Coroutine *c, int idx);
/* Raises the error on top at the next instruction of the running one, which is suspended so.
   [-1, +0, -] */
void weir_trap_raise(lua_State *L, weir_State *S);
/* While the running one is `raising`: takes that away again and pushes the error. [-0, +1, -] */
void weir_trap_take_raise(lua_State *L, weir_State *S);
/* The line of the yield at which the error at err has just been raised in the running coroutine,
   the instruction behind it being another's; 0 if it was not raised so. */
int weir_trap_raised_at(lua_State *L, weir_State *S, int err);

/* Is this the last event that may come at an instruction: may a thread be suspended at it? */
int weir_trap_is_last(const weir_Trap *t, const lua_Debug *ar);
/* Suspends L at it; the trap counts in so many instructions when L goes on. */
void weir_trap_suspend(lua_State *L, weir_Trap *t, lua_Debug *ar, int count);

#endif
