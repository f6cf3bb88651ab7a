#include "continue.h"

#include <math.h>
#include <string.h>

#include "clock.h"

/* ---- hooks ---- */

static int is_called_by_hook(lua_State *L) {
  lua_Debug ar;
  lua_getstack(L, 0, &ar);
  lua_getinfo(L, "n", &ar);
  lua_pushboolean(L, strcmp(ar.namewhat, "hook") == 0);
  return 1;
}

/* C code runs while the innermost function is one of Lua: that is a hook of the count or of lines.
   In one of calls it may be a C function, about to be called: from 5.4.4 on Lua tells whoever is
   called then that it was by a hook. */
int weir_continue_in_hook(lua_State *L) {
  lua_Debug ar;
  int inside;
  if (lua_getstack(L, 0, &ar)) {
    lua_getinfo(L, "f", &ar);
    inside = !lua_iscfunction(L, -1);
    lua_pop(L, 1);
    if (inside)
      return 1;
  }
  if (!lua_gethook(L))
    return 0;
  lua_pushcfunction(L, is_called_by_hook);
  lua_call(L, 0, 1);
  inside = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return inside;
}

/* ---- going on ---- */

/*
** The context that Lua keeps for a continuation is one word, and ours is needed
** before the caller's: so the caller's two words lie on its stack meanwhile.
*/
enum { SAVED_K, SAVED_CTX, SAVED };
typedef char fits_into_a_word[sizeof(lua_KFunction) <= sizeof(void *) ? 1 : -1];

static void push_saved(lua_State *L, weir_Continuation to) {
  void *k = NULL;
  memcpy(&k, &to.k, sizeof to.k); /* no cast leads from a function to an object */
  lua_pushlightuserdata(L, k);
  lua_pushlightuserdata(L, (void *)to.ctx);
}

static weir_Continuation take_saved(lua_State *L, int at) {
  weir_Continuation to;
  void *k = lua_touserdata(L, at + SAVED_K);
  memcpy(&to.k, &k, sizeof to.k);
  to.ctx = (lua_KContext)lua_touserdata(L, at + SAVED_CTX);
  lua_rotate(L, at, -SAVED);
  lua_pop(L, SAVED);
  return to;
}

static int go_on(lua_State *L, int status, lua_KContext at) {
  weir_Continuation to;
  weir_await_check_resumed(L, weir_state_get(L));
  to = take_saved(L, (int)at);
  return to.k ? to.k(L, status, to.ctx) : lua_gettop(L) - (int)at + 1;
}

int weir_continue_await(lua_State *L, weir_State *S, weir_Coroutine *c, int idx, double seconds,
                        weir_Continuation to) {
  int top = lua_gettop(L), n;
  weir_state_push(L, S, HOME_LOOP_CLOCK);
  if (seconds < HUGE_VAL)
    seconds += weir_clock_now(lua_touserdata(L, -1));
  n = weir_await_begin(L, S, c, lua_touserdata(L, idx), idx, top + 1, seconds);
  if (n >= 0) {
    lua_rotate(L, top + 1, n);
    lua_settop(L, top + n);
    return n;
  }
  lua_settop(L, top);
  push_saved(L, to);
  return lua_yieldk(L, 0, top + 1, go_on);
}

int weir_continue_spawn(lua_State *L, weir_State *S, weir_Continuation to) {
  int at = lua_gettop(L);
  weir_anchor_reserve(L, &S->anchors);
  push_saved(L, to);
  lua_rotate(L, at, -1);
  lua_pushvalue(L, -1);
  S->signal = SIGNAL_SPAWN;
  return lua_yieldk(L, 1, at, go_on);
}

int weir_continue_turn(lua_State *L, weir_State *S, weir_Coroutine *c, weir_Continuation to) {
  int top = lua_gettop(L);
  weir_await_give_way(L, S, c);
  push_saved(L, to);
  return lua_yieldk(L, 0, top + 1, go_on);
}
