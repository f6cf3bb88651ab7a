/*
** A clock that only the spec beside it moves. It is linked into a build of weir of its own, where
** the linker puts it in the place of the system's (--wrap), so that it is what budgets and the
** timers of the real clock see.
*/
#include "lauxlib.h"
#include "weir.h"

static double now = 1024; /* so that sums of binary fractions are exact */

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker wants that name */
double __wrap_weir_platform_now(void);
double __wrap_weir_platform_now(void) {
  return now;
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* spend(seconds): so long did it take. */
static int spend(lua_State *L) {
  now += luaL_checknumber(L, 1);
  return 0;
}

WEIR_API int luaopen_spend(lua_State *L);
int luaopen_spend(lua_State *L) {
  lua_pushcfunction(L, spend);
  return 1;
}
