/*
** How things of weir look as text.
*/
#ifndef WEIR_DESCRIBE_H
#define WEIR_DESCRIBE_H

#include "deferred.h"

/* Pushes "Kind 'name': address (status, what it waits on)" of the Deferred at idx. [-0, +1, m] */
void weir_describe(lua_State *L, weir_State *S, int idx);
/* WEIR_PENDING to WEIR_CANCELLED, of the Deferred at idx. [-0, +0, -] */
int weir_describe_look(lua_State *L, weir_State *S, int idx);
/* Pushes "Kind 'name': address". [-0, +1, m] */
void weir_describe_name(lua_State *L, const weir_Deferred *d);
/* A closer word than the status, of one with a body. */
const char *weir_describe_state(const weir_Coroutine *c);
/* The same without a look at the error: for WEIR_CANCELLED it is WEIR_FAILURE. */
int weir_describe_plain(const weir_Deferred *d);
/* What it waits on, behind links, which are hidden; perhaps NULL. */
const weir_Deferred *weir_describe_target(const weir_Deferred *d);
/* The word for it. */
const char *weir_describe_status(int status);
/* Pushes a line for each live coroutine: who waits on what. [-0, +1, m] */
void weir_describe_live(lua_State *L, weir_State *S);

#endif
