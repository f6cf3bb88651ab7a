/*
** A collection at every allocation that may have one, for `make gc-stress`. The module gives a
** function: stress(true) begins it, stress(false) ends it. In incremental mode that is a whole
** cycle, in generational mode a young collection.
**
** Lua collects when its debt is above zero, and asks that behind each allocation that may collect:
** so the allocator makes it so. Where the debt is no public function tells. These are the first
** members of Lua 5.4's own structs.
*/
#include <stdlib.h>

#include <lauxlib.h>

typedef struct Global {
  lua_Alloc allocate;
  void *ud;
  ptrdiff_t total; /* all there is, less the debt */
  ptrdiff_t debt;
} Global;

typedef struct State {
  void *next;
  unsigned char header[8]; /* tt, marked, status and others */
  void *top;
  Global *global;
} State;

#define DEBT ((ptrdiff_t)1 << 30) /* more than the work of a cycle */

static lua_Alloc usual;
static Global *global;

static void *allocate(void *ud, void *p, size_t before, size_t size) {
  void *result = usual(ud, p, before, size);
  if (size > (p ? before : 0) && global->debt < DEBT) {
    global->total -= DEBT - global->debt;
    global->debt = DEBT;
  }
  return result;
}

static int stress(lua_State *L) {
  void *ud;
  luaL_checkany(L, 1);
  if (!usual)
    usual = lua_getallocf(L, &ud);
  else
    (void)lua_getallocf(L, &ud);
  global = ((const State *)(const void *)L)->global;
  if (global->ud != ud)
    return luaL_error(L, "a Lua whose state looks otherwise");
  lua_setallocf(L, lua_toboolean(L, 1) ? allocate : usual, ud);
  return 0;
}

__attribute__((visibility("default"))) int luaopen_stress(lua_State *L);
int luaopen_stress(lua_State *L) {
  lua_pushcfunction(L, stress);
  return 1;
}
