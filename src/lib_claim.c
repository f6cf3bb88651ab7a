/*
** For the Lua side of the library, not for users: a claim is a Deferred that stands for what comes
** next from somewhere, for one who waits. Whoever asks for weir.core has these too: wrong arguments
** are errors here as everywhere (8.4).
*/
#include "claim.h"
#include "lib.h"

/* claim(hooks [, spent]): a Deferred with the hooks of the list: cancel, pause, unpause, and
   perhaps a string that says what it is for; many may share it. A coroutine that is cancelled where
   it is about to wait for it leaves it as a waiter would: nobody else is to have what it stands
   for. `spent` is a claim of before that nobody but the caller has: it is that again, if its time
   is over. */
static int claim(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_Deferred *d = weir_deferred_at(L, S, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  if (weir_claim_is_spent(d)) {
    weir_claim_renew(d);
  } else {
    lua_settop(L, 1);
    d = weir_deferred_new(L, S, KIND_DEFERRED, sizeof *d);
    d->flags |= FLAG_HOOKS | FLAG_CLAIM;
  }
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 2, UV_VALUE);
  return 1;
}

const luaL_Reg weir_lib_claim[] = {{"claim", claim}, {NULL, NULL}};
