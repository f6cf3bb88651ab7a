/* The cases in a host that has compiled weir in. Arguments: --list, or the title of a case, or
 * none. */
#include <stdlib.h>
#include <string.h>

#include "driver.h"

/* What such a host does so that scripts can require "weir". */
static int preload(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_weir_core);
  lua_setfield(L, -2, "weir.core");
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--list") == 0) {
    driver_list();
    return EXIT_SUCCESS;
  }
  return driver_run(argc > 1 ? argv[1] : NULL, preload) ? EXIT_FAILURE : EXIT_SUCCESS;
}
