/* Only fetches the table: with other headers than that of the library it is refused. */
#include "weir.h"

WEIR_API int luaopen_fetch(lua_State *L);
int luaopen_fetch(lua_State *L) {
  weir_api(L);
  return 0;
}
