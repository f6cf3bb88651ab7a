/*
** Cancel: the walk down what waits on what (section 5 of the contract).
*/
#ifndef WEIR_CANCEL_H
#define WEIR_CANCEL_H

#include "deferred.h"

/* Cancels the Deferred at idx with a new cancel error whose reason is on top. Returns whether there
   was something to cancel. [-1, +0, m] */
int weir_cancel(lua_State *L, weir_State *S, int idx, double grace);
/* The same with the cancel error on top, and the time at which grace runs out. [-1, +0, m] */
int weir_cancel_from(lua_State *L, weir_State *S, int idx, double deadline);
/* Cancels the parts of the join at idx, with a new cancel error whose reason is on top. They answer
   to it as before; but if `taken` is the index of one, its outcome is that of the join before any
   canceller is called. [-1, +0, m] */
void weir_cancel_parts(lua_State *L, weir_State *S, int idx, int taken);
/* The coroutine at idx leaves its wait, as the last or one of several waiters, with the error on
   top. [-1, +0, m] */
void weir_cancel_leave(lua_State *L, weir_State *S, int idx);

/* The Coroutine at c is cancelled where it was about to wait for the Deferred at d: a claim that
   nobody else waits for goes with it. [-0, +0, m] */
void weir_cancel_claim(lua_State *L, weir_State *S, int d, int c);

/* Marks the Deferred at idx as cancelled with the error at `error`: no pause holds it now.
   [-0, +0, m] */
void weir_cancel_mark(lua_State *L, weir_State *S, int idx, int error);
/* Marks the pending Deferred at idx and asks its canceller. Returns whether that has left it
   pending.
   [-0, +0, m] */
int weir_cancel_ask(lua_State *L, weir_State *S, int idx, int error);
/* Fires it with the error at `error`, a join with the one that it was marked with. [-0, +0, m] */
void weir_cancel_finish(lua_State *L, weir_State *S, int idx, int error);
/* Pushes the error with which the waiter at idx goes: its own, else the one at `error`.
   [-0, +1, -] */
void weir_cancel_push_parting(lua_State *L, int idx, int error);

/* The time, on the loop's clock, at which a grace that begins now runs out. */
double weir_cancel_deadline(weir_State *S, double grace);
/* The cancelled coroutine at idx gets a grace timer at the end of the turn, unless it has ended.
   [-0, +0, m] */
void weir_cancel_watch(lua_State *L, weir_State *S, int idx);
/* Gives grace timers to what was cancelled in this turn and has not ended. [-0, +0, m] */
void weir_cancel_end_turn(lua_State *L, weir_State *S);

#endif
