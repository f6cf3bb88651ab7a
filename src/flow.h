/*
** Cancel, pause and close: the walks along what waits on what.
*/
#ifndef WEIR_FLOW_H
#define WEIR_FLOW_H

#include "deferred.h"

/* Cancels the Deferred at idx with a new cancel error whose reason is on top. Returns whether there
   was something to cancel. [-1, +0, m] */
int weir_flow_cancel(lua_State *L, weir_State *S, int idx, double grace);
/* The coroutine at idx leaves its wait, as the last or one of several waiters, with the error on
   top. [-1, +0, m] */
void weir_flow_leave(lua_State *L, weir_State *S, int idx);
/* Forces the coroutine at idx to its end, inner ones first. Returns 1, or 0 and pushes the error of
   a handler. [-0, +0|1, m] */
int weir_flow_close(lua_State *L, weir_State *S, int idx);

/* Brings the hold of the Deferred at idx, and of what it waits on, up to date. [-0, +0, m] */
void weir_flow_rehold(lua_State *L, weir_State *S, int idx);
/* Runs the hooks that became due; pushes the first error and returns 1 if there was one. */
int weir_flow_run_hooks(lua_State *L, weir_State *S);
/* Like it, where nobody can be told: errors go to the handler of unhandled failures. */
void weir_flow_settle_hooks(lua_State *L, weir_State *S);

/* Gives grace timers to what was cancelled in this turn and has not ended. */
void weir_flow_end_turn(lua_State *L, weir_State *S);

#endif
