/*
** Reports to whoever watches a program: what is no failure, and hardly meant.
*/
#ifndef WEIR_REPORT_H
#define WEIR_REPORT_H

#include "state.h"

/* Reports: the message, a traceback, and a Coroutine or nil are on top. [-3, +0, -] */
void weir_report(lua_State *L, weir_State *S);
/* The running one has been resumed for so long: this is reported when it can be. [-0, +0, -] */
void weir_report_slow(lua_State *L, weir_State *S, double seconds);
/* That is not wanted any more. [-0, +0, -] */
void weir_report_forget(lua_State *L, weir_State *S);
/* The collector has found the Coroutine at idx. [-0, +0, m] */
void weir_report_lost(lua_State *L, weir_State *S, int idx);
/* A run has ended: reports what was started since the coroutine of this number was, and is alive.
   [-0, +0, m] */
void weir_report_left(lua_State *L, weir_State *S, uint64_t since);
/* Tells of what has come up; without memory nobody hears of it. [-0, +0, -] */
void weir_report_due(lua_State *L, weir_State *S);
/* Ends the trace, if there is one, and tells if it is not whole. [-0, +0, m] */
void weir_report_trace(lua_State *L, weir_State *S);

#endif
