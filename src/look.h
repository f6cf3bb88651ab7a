/*
** A look at what is there: who lives, who waits on whom, why. Nothing is changed
** by it. Each of these is to be called quietly, see quiet.h: no finalizer may come
** between one look and the next.
*/
#ifndef WEIR_LOOK_H
#define WEIR_LOOK_H

#include "deferred.h"

/* Pushes the list of the coroutines that have a body, in the order of their birth. [-0, +1, m] */
void weir_look_live(lua_State *L, weir_State *S);
/* Pushes a table of what is known of the Deferred at idx, see look.c. [-0, +1, m] */
void weir_look(lua_State *L, weir_State *S, int idx);
/* Puts those that wait on the Deferred at idx into the table at `t`, from 1 on; returns how many.
   [-0, +0, m] */
lua_Integer weir_look_above(lua_State *L, int idx, int t);
/* The same with what it waits on, each followed by a word that says how, and by the key that a
   part has, or nil. Returns how many values. [-0, +0, m] */
lua_Integer weir_look_below(lua_State *L, weir_State *S, int idx, int t);
/* How many of those that are ready run before the one that is ready; counts up to `most`. */
int weir_look_ahead(const weir_State *S, const weir_Coroutine *c, int most);

#endif
