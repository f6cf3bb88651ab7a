/*
** What goes into the trace, see trace.h: each function is called where the thing
** happens, while WATCH_TRACE is set, and raises nothing.
*/
#ifndef WEIR_RECORD_H
#define WEIR_RECORD_H

#include "watch.h"

/* Begins a trace: into the file of that name, or the user's, which may be closed meanwhile; one of
   them is NULL. Returns 0, or the errno of what went wrong. [-0, +0, m] */
int weir_record_begin(lua_State *L, weir_State *S, const char *path, const luaL_Stream *stream);
/* Ends the one that is being written. Returns the errno of what went wrong, or 0. */
int weir_record_end(weir_State *S);

/* The Coroutine has been made. */
void weir_record_start(weir_State *S, const weir_Coroutine *c);
/* It is about to be resumed, or closed. */
void weir_record_open(weir_State *S, weir_Open *o, weir_Task *t, double now);
/* That is over. */
void weir_record_slice(weir_State *S, const weir_Open *o, const weir_Task *t, double now);
/* It has yielded n values. */
void weir_record_yield(weir_State *S, const weir_Coroutine *c, int n);
/* It can go on from a wait, where an error is raised perhaps. */
void weir_record_wake(weir_State *S, const weir_Coroutine *c);
void weir_record_hold(weir_State *S, const weir_Coroutine *c, int is_held);
/* The cancel error is at `error`. [-0, +0, -] */
void weir_record_cancel(lua_State *L, weir_State *S, const weir_Coroutine *c, int error);
/* The collector has found it. */
void weir_record_found(weir_State *S, const weir_Coroutine *c);
/* The body of the one at idx has ended. [-0, +0, -] */
void weir_record_finish(lua_State *L, weir_State *S, int idx);

#endif
