// The header from C++: a host whose callbacks are lambdas, and a coroutine with a continuation.
#include <cstdlib>
#include <iostream>
#include <string>

#include "weir.h"

namespace {

int await_twice(lua_State *L, int status, lua_KContext n) {
  const weir_Api *weir = weir_api(L);
  std::cout << "resumed " << (status == LUA_YIELD) << "\n";
  while (n > 0) {
    weir->awaitk(L, 1, -1, --n, await_twice);
  }
  return lua_gettop(L) - 1;
}

int body(lua_State *L) {
  return await_twice(L, LUA_OK, 2);
}

int test(lua_State *L) {
  luaL_requiref(L, "weir.core", luaopen_weir_core, 0);
  const weir_Api *weir = weir_api(L);
  lua_settop(L, 0);
  weir->deferred(L);
  lua_pushcfunction(L, [](lua_State *state) -> int {
    std::cout << "callback " << lua_tostring(state, 1) << "\n";
    return 1;
  });
  weir->add(L, 1, WEIR_CALLBACK);
  lua_pushcfunction(L, body);
  lua_pushvalue(L, 1);
  weir->spawn(L, 1);
  const std::string value("value");
  lua_pushlstring(L, value.data(), value.size());
  weir->callback(L, 1, 1);
  int n = 0;
  const bool succeeded = weir->outcome(L, 2, &n) == WEIR_SUCCESS;
  std::cout << "succeeded " << succeeded << " with " << n << " values\n";
  return 0;
}

} // namespace

int main() {
  lua_State *L = luaL_newstate();
  lua_pushcfunction(L, test);
  const int status = lua_pcall(L, 0, 0, 0);
  if (status != LUA_OK)
    std::cerr << lua_tostring(L, -1) << "\n";
  lua_close(L);
  return status == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
