/*
** Where things were done, kept while weir.debug is on.
*/
#ifndef WEIR_SITE_H
#define WEIR_SITE_H

#include "deferred.h"

/* The function that was called by Lua has fired the Deferred at idx: remembers who called it.
   [-0, +0, m] */
void weir_site_note(lua_State *L, weir_State *S, int idx);
/* The Deferred on top has just been made: remembers for whom, whatever is the library's own left
   out.
   [-0, +0, m] */
void weir_site_note_made(lua_State *L, weir_State *S);
/* Pushes where the Deferred at idx was made, "file:line"; 0 if that is not known. [-0, +0|1, -] */
int weir_site_push_made(lua_State *L, weir_State *S, int idx);
/* Pushes where the Deferred at idx was fired, "file:line", and the traceback; 0 if that is not
   known. [-0, +0|2, m] */
int weir_site_push(lua_State *L, weir_State *S, int idx);

/* Is the function of the level that `ar` stands for one of the library's, written in Lua?
   [-0, +0, -] */
int weir_site_is_ours(lua_State *L, const weir_State *S, lua_Debug *ar);

#endif
