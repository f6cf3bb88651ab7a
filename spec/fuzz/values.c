/* Arguments: the objects made before, functions of places.lua, and what is no argument at all. */
#include <math.h>

#include "fuzz.h"

const char fuzz_slots, fuzz_list, fuzz_places;

#define SLOTS 8

/* Behind the end of the input nothing new begins: each byte that is asked for is an error, time
   stands still, and what the host runs is interrupted. */
#define ENOUGH      1000
#define FAR_TOO_FAR 5000

static void interrupt(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted");
}

int fuzz_byte(lua_State *L) {
  if (fuzz.next < fuzz.end)
    return *fuzz.next++;
  if (++fuzz.over % FAR_TOO_FAR == 0)
    lua_sethook(fuzz.host, interrupt, LUA_MASKCALL, 0);
  if (fuzz.over > ENOUGH)
    luaL_error(L, "the input is over");
  return 0;
}

#define AGES 1e9 /* seconds: no clock comes so far */

void fuzz_pass(double seconds) {
  if (fuzz.over <= ENOUGH)
    fuzz.now = fmin(fuzz.now + seconds, AGES);
}

double fuzz_seconds(lua_State *L) {
  static const double seconds[] = {0, 0.25, 1, 1, 2, 7, HUGE_VAL, 0.0625, -1, (double)NAN};
  int i = fuzz_byte(L) % (int)(sizeof seconds / sizeof *seconds);
  fuzz_trace("  %g seconds", seconds[i]);
  return seconds[i];
}

static void push_slot(lua_State *L, int i) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &fuzz_slots);
  lua_rawgeti(L, -1, i + 1);
  lua_remove(L, -2);
}

void fuzz_push_deferred(lua_State *L) {
  int slot = fuzz_byte(L) % SLOTS;
  fuzz_trace("  slot %d", slot);
  push_slot(L, slot);
}

/* One of the list of functions that make a function. */
void fuzz_push_function(lua_State *L) {
  int i = fuzz_byte(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &fuzz_places);
  i = 1 + i % (int)lua_rawlen(L, -1);
  fuzz_trace("  place %d", i);
  lua_rawgeti(L, -1, i);
  lua_remove(L, -2);
  lua_call(L, 0, 1);
}

/* Of the objects that are no Deferreds: clocks, locks, generators and the like. */
static void push_thing(lua_State *L) {
  push_slot(L, SLOTS + fuzz_byte(L) % SLOTS);
}

static void push_number(lua_State *L) {
  int i = fuzz_byte(L);
  if (i < 128)
    lua_pushinteger(L, i % 8);
  else
    lua_pushnumber(L, fuzz_seconds(L));
}

static void push_string(lua_State *L) {
  lua_pushstring(L, fuzz_byte(L) % 2 ? "value" : "");
}

static void push_boolean(lua_State *L) {
  lua_pushboolean(L, fuzz_byte(L) % 2);
}

/* A list of some, or keyed. */
static void push_table(lua_State *L) {
  int n = fuzz_byte(L);
  lua_newtable(L);
  for (int i = 1; i <= n % 4; i++) {
    fuzz_push_value(L);
    lua_rawseti(L, -2, i);
  }
  if (n >= 128) {
    fuzz_push_deferred(L);
    lua_setfield(L, -2, "key");
  }
}

static void push_options(lua_State *L) {
  static const char *const names[] = {"cancel", "pause",        "unpause", "speed",
                                      "parent", "instructions", "seconds", "unknown"};
  lua_newtable(L);
  for (int n = fuzz_byte(L) % 4; n > 0; n--) {
    int i = fuzz_byte(L) % 8;
    if (i < 3)
      fuzz_push_function(L);
    else if (names[i][0] == 'p')
      push_thing(L);
    else
      push_number(L);
    lua_setfield(L, -2, names[i]);
  }
}

static void push_thread(lua_State *L) {
  lua_pushthread(L);
}

void fuzz_push_value(lua_State *L) {
  static void (*const kinds[])(lua_State *) = {
      lua_pushnil,        push_number, fuzz_push_deferred, fuzz_push_deferred,
      fuzz_push_function, push_table,  push_options,       push_thing,
      push_boolean,       push_string, push_thread,        push_number};
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  kinds[fuzz_byte(L) % (int)(sizeof kinds / sizeof *kinds)](L);
  fuzz_trace("  a %s", luaL_typename(L, -1));
}

/* In the order made, so that the same input meets them in the same order; weakly. */
static void list(lua_State *L, int idx) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &fuzz_list);
  lua_pushvalue(L, idx);
  lua_rawseti(L, -2, ++fuzz.made);
  lua_pop(L, 1);
}

int fuzz_keep(lua_State *L) {
  int idx = lua_gettop(L), slot = fuzz_byte(L) % SLOTS;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  if (fuzz.weir->is_deferred(L, idx))
    list(L, idx);
  else
    slot += SLOTS;
  fuzz_trace("  kept in slot %d: %s", slot, luaL_typename(L, idx));
  lua_rawgetp(L, LUA_REGISTRYINDEX, &fuzz_slots);
  lua_pushvalue(L, idx);
  lua_rawseti(L, -2, slot + 1);
  lua_pop(L, 1);
  return 1;
}
