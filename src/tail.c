#include "tail.h"

#include <stdint.h>
#include <string.h>

#include "await.h"
#include "cancel.h"
#include "failure.h"
#include "sched.h"

/* ---- is this inside a <close> handler? ---- */

/* A handler called by the end of a block has a name that says so. Whatever Lua calls has one, but
   for tail calls. */
static int is_named_close(lua_State *L, lua_Debug *ar) {
  lua_getinfo(L, "n", ar);
  return ar->name && strcmp(ar->namewhat, "metamethod") == 0 && strcmp(ar->name, "close") == 0;
}

/* Where pcall and xpcall keep the function that they call, on their own stack. */
static int protected_slot(const weir_State *S, lua_CFunction f) {
  return f == S->pcall ? 2 : f == S->xpcall ? 4 : 0;
}

/* One called by the unwinding of a pcall has no name: but it is not the function that the pcall,
   one level up, was to call. That one's slot is out of sight while it runs. */
static int is_unwound(lua_State *L, lua_Debug *ar, const lua_Debug *caller, int slot) {
  if (!lua_getlocal(L, caller, slot))
    return 0;
  lua_getinfo(L, "f", ar);
  return !lua_rawequal(L, -1, -2);
}

/* Nor has one of another C function's lua_toclose: but it is the __close of its first argument. */
static int is_own_close(lua_State *L, lua_Debug *ar) {
  static const int first[] = {1, -1}; /* parameter, or variable argument */
  int f, is = 0;
  lua_getinfo(L, "f", ar);
  f = lua_gettop(L);
  for (int i = 0; i < 2 && !is; i++) {
    is = lua_getlocal(L, ar, first[i]) && luaL_getmetafield(L, -1, "__close") != LUA_TNIL &&
         lua_rawequal(L, -1, f);
    lua_settop(L, f);
  }
  return is;
}

static int is_nameless_close(lua_State *L, const weir_State *S, lua_Debug *ar, int level) {
  int top = lua_gettop(L), slot, is_handler = 0;
  lua_Debug caller;
  if (!lua_getstack(L, level + 1, &caller))
    return 0;
  lua_getinfo(L, "f", &caller);
  slot = protected_slot(S, lua_tocfunction(L, -1));
  if (slot)
    is_handler = is_unwound(L, ar, &caller, slot);
  else if (lua_iscfunction(L, -1))
    is_handler = is_own_close(L, ar);
  lua_settop(L, top);
  return is_handler;
}

/* Is weir.noreturn itself the handler? The first value is what is closed then, and has a metatable.
 */
static int is_handler(lua_State *L) {
  lua_Debug ar;
  if (luaL_getmetafield(L, 1, "__close") == LUA_TNIL)
    return 0;
  lua_pop(L, 1);
  return lua_getstack(L, 0, &ar) && is_named_close(L, &ar);
}

/* `alone`: but for the body, and what calls bodies, nothing is there. */
static int in_close_handler(lua_State *L, const weir_State *S, const weir_Coroutine *c, int level,
                            int alone) {
  lua_Debug ar;
  if (c->unwinding || (level > 0 && is_handler(L)))
    return 1;
  for (; !alone && lua_getstack(L, level, &ar); level++)
    if (is_named_close(L, &ar) || (!ar.name && is_nameless_close(L, S, &ar, level)))
      return 1;
  return 0;
}

/* ---- in place ---- */

/*
** To end the old body there is no need to leave the coroutine if all that is left of it is a call
** of noreturn in its last act, a tail call: then noreturn returns, and with it the body. Nobody can
** tell whether a call is one; so if any instruction comes behind it, a hook ends the body there.
** The next call of that function is taken for one that has more to do, as hooks cost time. What
** comes next lies on top of `home` meanwhile.
*/
#define ARGUMENTS_MOST                                                                             \
  4 /* `home` has room for so many, and for what finalizers do there meanwhile */

static const void **place_of(weir_State *S, const void *f) {
  return &S->came_back[((uintptr_t)f >> 4) % WEIR_HOPPERS];
}

static void never_returned(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  lua_yield(L, 0);
}

/* The function of Lua that has called noreturn, only to compare; NULL if it is one of C. */
static const void *caller_in_lua(lua_State *L) {
  lua_Debug ar;
  const void *f = NULL;
  if (!lua_getstack(L, 1, &ar) || !lua_getinfo(L, "f", &ar))
    return NULL;
  if (!lua_iscfunction(L, -1))
    f = lua_topointer(L, -1);
  lua_pop(L, 1);
  return f;
}

static int is_called_last(lua_State *L, weir_State *S) {
  S->hopper = caller_in_lua(L);
  return S->hopper && *place_of(S, S->hopper) != S->hopper;
}

static int concatenates(lua_State *L, int idx) {
  if (luaL_getmetafield(L, idx, "__concat") == LUA_TNIL)
    return 0;
  lua_pop(L, 1);
  return 1;
}

/* One instruction may call that metamethod, which may be noreturn, more than once. */
static int is_concat(lua_State *L) {
  return concatenates(L, 1) || concatenates(L, 2);
}

/* There is nothing but a new body for us to see to, or for anybody to see. */
static int is_plain(lua_State *L, const weir_State *S, const weir_Coroutine *c, int n) {
  return S->resume == lua_resume && !S->has_budget && !(c->d.flags & FLAG_HELD) && !c->seen &&
         !lua_gethook(L) && lua_isfunction(L, 1) && n <= ARGUMENTS_MOST;
}

/* Leaves the new body and its n arguments, all that is on L, for whoever called the old one. */
static int return_to(lua_State *L, weir_State *S, int n) {
  lua_xmove(L, S->home, n + 1);
  S->hop = n + 1;
  S->signal = SIGNAL_HOP;
  lua_sethook(L, never_returned, LUA_MASKCOUNT, 1);
  return 0;
}

static int take_left(lua_State *L, weir_State *S) {
  int n = S->hop;
  lua_xmove(S->home, L, n);
  S->hop = 0;
  return n;
}

void weir_tail_drop(lua_State *L, weir_State *S) {
  if (!S->hop)
    return;
  lua_pop(S->home, S->hop);
  S->hop = 0;
  lua_sethook(L, NULL, 0, 0);
}

int weir_tail_take(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  int n = take_left(L, S);
  lua_sethook(L, NULL, 0, 0);
  if (weir_coroutine_undecorate(L, idx + 1))
    weir_coroutine_set_name(L, idx);
  weir_coroutine_note_resume(S, c);
  return n - 1;
}

/* ---- noreturn ---- */

int weir_tail_noreturn(lua_State *L, weir_State *S, int n, int level) {
  weir_Coroutine *c = weir_await_check(L, S, "noreturn", 1);
  lua_Debug ar;
  int alone = !lua_getstack(L, level + 2, &ar);
  if (L != c->thread)
    return luaL_error(L, "attempt to noreturn inside a generator");
  if (lua_touserdata(L, -n - 1) == (void *)c)
    return weir_error_raise(L, S, ERROR_DEADLOCK, "attempt to noreturn to the running coroutine");
  if (in_close_handler(L, S, c, level, alone))
    return luaL_error(L, "attempt to noreturn inside a <close> handler");
  weir_await_strike(L, S, c);
  if (alone && !is_concat(L) && is_plain(L, S, c, n) && is_called_last(L, S))
    return return_to(L, S, n); /* a finalizer that is_concat has let run comes before the rest */
  S->signal = SIGNAL_HOP;
  return lua_yield(L, n + 1);
}

/* The body and its arguments lie on L from `f` on, right behind the Coroutine. */
static int begin_body(lua_State *L, weir_State *S, weir_Coroutine *c, int idx, int f) {
  if (weir_coroutine_undecorate(L, f))
    weir_coroutine_set_name(L, idx);
  weir_coroutine_load(L, S, c, lua_gettop(L) - f);
  c->untouched = !(c->d.flags & FLAG_HELD);
  return c->untouched;
}

/* n values, or those that were left when it was not the last act of a body. */
static void take_yielded(lua_State *L, weir_State *S, const weir_Coroutine *c, int n) {
  if (!S->hop) {
    lua_xmove(c->thread, L, n);
    return;
  }
  take_left(L, S);
  *place_of(S, S->hopper) = S->hopper;
}

static int end_with_top(lua_State *L, weir_State *S, int idx, int failed) {
  weir_coroutine_end(L, S, idx, 1, failed);
  return 0;
}

int weir_tail_hop(lua_State *L, weir_State *S, int idx, int n) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  int f = idx + 1;
  if (n > 4 && !lua_checkstack(L, n + 8)) { /* the loop has reserved enough for less */
    lua_pushliteral(L, "stack overflow");
    return end_with_top(L, S, idx, 1);
  }
  take_yielded(L, S, c, n);
  c->raw = 0;
  if (weir_coroutine_reset(L, S, idx) != LUA_OK)
    return end_with_top(L, S, idx, 1);
  if (weir_coroutine_is_due(c)) {
    if (weir_deferred_at(L, S, f))
      weir_cancel_claim(L, S, f, idx);
    lua_getiuservalue(L, idx, UV_VALUE);
    return end_with_top(L, S, idx, 1);
  }
  if (weir_deferred_at(L, S, f)) {
    lua_settop(L, f);
    return end_with_top(L, S, idx, 0);
  }
  if (!lua_checkstack(c->thread, lua_gettop(L) - f + 8)) {
    lua_pushliteral(L, "stack overflow");
    return end_with_top(L, S, idx, 1);
  }
  return begin_body(L, S, c, idx, f);
}
