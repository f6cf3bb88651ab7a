/*
** The scripts: a Lua state with weir in it, which gets keys and a share of each frame.
*/
#ifndef GAME_SCRIPTS_H
#define GAME_SCRIPTS_H

#include "game.h"

/* An error in what these call ends the game: it is its `failure` then. */

/* Runs DIRECTORY/main.lua with `npcs` as its argument; what it returns gets the keys. `game` must
   outlive the state. NULL if there is no memory. */
lua_State *scripts_open(Game *game, const char *directory, int npcs);
/* A key was pressed. */
void scripts_key(lua_State *L, Game *game, const char *key);
/* Their part of a frame; `seconds` have passed since the one before. */
void scripts_frame(lua_State *L, Game *game, double seconds);

#endif
