#include "driver.h"

#include <stdio.h>
#include <string.h>

static const Case *const suites[] = {making_cases,  firing_cases,   looking_cases, flow_cases,
                                     waiting_cases, starting_cases, loop_cases,    places_cases,
                                     memory_cases,  handles_cases};

#define SUITES (sizeof suites / sizeof *suites)

void driver_list(void) {
  for (size_t i = 0; i < SUITES; i++)
    for (const Case *c = suites[i]; c->title; c++)
      puts(c->title);
}

static int open_all(lua_State *L) {
  case_open_weir(L, lua_tocfunction(L, 1));
  return 0;
}

static int describe_error(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  luaL_traceback(L, L, lua_tostring(L, -1), 1);
  return 1;
}

/* Returns an error's text, on L, or NULL. */
static const char *call(lua_State *L, lua_CFunction f, lua_CFunction argument) {
  lua_settop(L, 0);
  lua_pushcfunction(L, describe_error);
  lua_pushcfunction(L, f);
  if (argument)
    lua_pushcfunction(L, argument);
  return lua_pcall(L, argument ? 1 : 0, 0, 1) == LUA_OK ? NULL : lua_tostring(L, -1);
}

static int run_case(const Case *c, lua_CFunction prepare) {
  Memory memory;
  lua_State *L = memory_open(&memory);
  const char *error = call(L, open_all, prepare);
  if (!error)
    error = call(L, c->f, NULL);
  if (error)
    printf("%s\n%s\n", c->title, error);
  lua_close(L);
  if (memory.used)
    printf("%s\n%lu bytes are left behind lua_close\n", c->title, (unsigned long)memory.used);
  return error || memory.used;
}

int driver_run(const char *title, lua_CFunction prepare) {
  int failed = 0, ran = 0;
  for (size_t i = 0; i < SUITES; i++)
    for (const Case *c = suites[i]; c->title; c++)
      if (!title || strcmp(c->title, title) == 0) {
        failed += run_case(c, prepare);
        ran++;
      }
  if (ran == 0)
    printf("no such case\n");
  return failed + (ran == 0);
}
