#include "game.h"

#include <stdio.h>

static Game *game_of(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}

static Actor *check_actor(lua_State *L, int arg) {
  Actor *actor = arena_actor(&game_of(L)->arena, (int)luaL_checkinteger(L, arg));
  luaL_argcheck(L, actor, arg, "no such actor");
  return actor;
}

/* add(x, y): the number of a new actor */
static int add(lua_State *L) {
  int x = (int)luaL_checkinteger(L, 1), y = (int)luaL_checkinteger(L, 2);
  int id = arena_add(&game_of(L)->arena, x, y);
  if (id < 0)
    return luaL_error(L, "the arena is full");
  lua_pushinteger(L, id);
  return 1;
}

/* remove(id) */
static int remove_actor(lua_State *L) {
  arena_remove(&game_of(L)->arena, (int)luaL_checkinteger(L, 1));
  return 0;
}

/* move(id, x, y) */
static int move(lua_State *L) {
  Actor *actor = check_actor(L, 1);
  arena_move(actor, (int)luaL_checkinteger(L, 2), (int)luaL_checkinteger(L, 3));
  return 0;
}

/* look(id, glyph, colour) */
static int look(lua_State *L) {
  static const char *const colours[] = {"black",   "red",  "green", "yellow", "blue",
                                        "magenta", "cyan", "white", NULL};
  Actor *actor = check_actor(L, 1);
  char glyph = luaL_checkstring(L, 2)[0];
  luaL_argcheck(L, glyph > ' ' && glyph <= '~', 2, "no printable character");
  actor->glyph = glyph;
  actor->colour = (Colour)luaL_checkoption(L, 3, "white", colours);
  return 0;
}

/* place(id): x, y */
static int place(lua_State *L) {
  const Actor *actor = check_actor(L, 1);
  lua_pushinteger(L, actor->x);
  lua_pushinteger(L, actor->y);
  return 2;
}

/* size(): width, height */
static int size(lua_State *L) {
  lua_pushinteger(L, ARENA_WIDTH);
  lua_pushinteger(L, ARENA_HEIGHT);
  return 2;
}

/* ring(x, y, radius, seconds): a Deferred that fires when it is over */
static int ring(lua_State *L) {
  double seconds = luaL_checknumber(L, 4);
  luaL_argcheck(L, seconds > 0, 4, "must be above 0");
  ring_begin(L, &game_of(L)->rings, luaL_checknumber(L, 1), luaL_checknumber(L, 2),
             luaL_checknumber(L, 3), seconds);
  return 1;
}

/* line(n, text): one of the lines below the arena */
static int line(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  luaL_argcheck(L, n >= 1 && n <= SCREEN_LINES, 1, "no such line");
  snprintf(game_of(L)->line[n - 1], LINE_MOST, "%s", luaL_checkstring(L, 2));
  return 0;
}

/* trace(text): for replays */
static int trace(lua_State *L) {
  const char *text = luaL_checkstring(L, 1);
  if (game_of(L)->is_replay)
    printf("%4ld  %s\n", game_of(L)->frame, text);
  return 0;
}

/* quit([failure]): the game is over, because of that */
static int quit(lua_State *L) {
  Game *game = game_of(L);
  game->is_over = 1;
  snprintf(game->failure, sizeof game->failure, "%s", luaL_optstring(L, 1, ""));
  return 0;
}

static const luaL_Reg functions[] = {
    {"add", add},     {"remove", remove_actor}, {"move", move}, {"look", look},
    {"place", place}, {"size", size},           {"ring", ring}, {"line", line},
    {"trace", trace}, {"quit", quit},           {NULL, NULL}};

int lib_arena_open(lua_State *L) {
  luaL_newlibtable(L, functions);
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
  return 1;
}
