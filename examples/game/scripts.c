#include "scripts.h"

#include <stdio.h>

#include "lualib.h"

static const char on_key; /* its address is where the function of that name is in the registry */

static double game_time(void *game) {
  return ((const Game *)game)->time;
}

/* The game's own, weir's as they lie in its repository, those that are installed. */
static void set_path(lua_State *L, const char *directory) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/?.lua;lua/?.lua;lua/?/init.lua;%s", directory, lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_pop(L, 2);
}

static void open_modules(lua_State *L, Game *game) {
  luaL_requiref(L, "weir.core", luaopen_weir_core, 0);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushlightuserdata(L, game);
  lua_pushcclosure(L, lib_arena_open, 1);
  lua_setfield(L, -2, "arena");
  lua_pop(L, 2);
}

/* Scripts run in step and nowhere else, and all of a frame see the same time. */
static void set_up_weir(lua_State *L, Game *game) {
  const weir_Api *weir = weir_api(L);
  weir->set_time(L, game_time, game);
  weir->inline_runs(L, 0);
}

/* Arguments: the game, the directory, how many NPCs. */
static int open_scripts(lua_State *L) {
  Game *game = lua_touserdata(L, 1);
  const char *directory = lua_tostring(L, 2);
  luaL_openlibs(L);
  set_path(L, directory);
  open_modules(L, game);
  set_up_weir(L, game);
  lua_pushfstring(L, "%s/main.lua", directory);
  if (luaL_loadfile(L, lua_tostring(L, -1)) != LUA_OK)
    return lua_error(L);
  lua_pushvalue(L, 3);
  lua_call(L, 1, 1);
  luaL_checktype(L, -1, LUA_TFUNCTION);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &on_key);
  return 0;
}

static int key_pressed(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &on_key);
  lua_insert(L, 1);
  lua_call(L, 1, 0);
  return 0;
}

/* Arguments: the game, the seconds. */
static int run_frame(lua_State *L) {
  Game *game = lua_touserdata(L, 1);
  ring_update(L, &game->rings, lua_tonumber(L, 2));
  weir_api(L)->step(L, game->budget);
  return 0;
}

static int traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

/* Calls the function below the n arguments on top. */
static void call(lua_State *L, Game *game, int n) {
  int handler = lua_gettop(L) - n;
  double begun = timing_now();
  lua_pushcfunction(L, traceback);
  lua_insert(L, handler);
  if (lua_pcall(L, n, 0, handler) != LUA_OK) {
    game->is_over = 1;
    snprintf(game->failure, sizeof game->failure, "%s", lua_tostring(L, -1));
  }
  lua_settop(L, handler - 1);
  game->spent += timing_now() - begun;
}

lua_State *scripts_open(Game *game, const char *directory, int npcs) {
  lua_State *L = luaL_newstate();
  if (!L)
    return NULL;
  lua_pushcfunction(L, open_scripts);
  lua_pushlightuserdata(L, game);
  lua_pushstring(L, directory);
  lua_pushinteger(L, npcs);
  call(L, game, 3);
  return L;
}

void scripts_key(lua_State *L, Game *game, const char *key) {
  lua_pushcfunction(L, key_pressed);
  lua_pushstring(L, key);
  call(L, game, 1);
}

void scripts_frame(lua_State *L, Game *game, double seconds) {
  lua_pushcfunction(L, run_frame);
  lua_pushlightuserdata(L, game);
  lua_pushnumber(L, seconds);
  call(L, game, 2);
}
