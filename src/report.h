/*
** Reports to whoever watches a program: what is no failure, and hardly meant.
*/
#ifndef WEIR_REPORT_H
#define WEIR_REPORT_H

#include "state.h"

/* Reports: the message, a traceback, and a Coroutine or nil are on top. [-3, +0, -] */
void weir_report(lua_State *L, weir_State *S);
/* Tells of what has come up in this turn. [-0, +0, m] */
void weir_report_due(lua_State *L, weir_State *S);
/* Ends the trace, if there is one, and tells if it is not whole. [-0, +0, m] */
void weir_report_trace(lua_State *L, weir_State *S);

#endif
