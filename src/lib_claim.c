/*
** For the Lua side of the library, not for users: a claim is a Deferred that stands for what comes
** next from somewhere, for one who waits. Whoever asks for weir.core has these too: wrong arguments
** are errors here as everywhere (8.4).
*/
#include <math.h>
#include <stdint.h>

#include "await.h"
#include "lib.h"
#include "sched.h"
#include "wait.h"

/* Has told its one waiter, and nothing else has been done to it. */
static int is_spent(const weir_Deferred *d) {
  return d && d->phase == PHASE_SETTLED && d->flags == (FLAG_HOOKS | FLAG_CLAIM) &&
         d->nwaiters == 0 && d->ncalls == 0 && d->pauses == 0 && !d->target && !d->timers;
}

static int is_awaited(const weir_Deferred *d) {
  return d && (d->flags & FLAG_CLAIM) && d->phase == PHASE_PENDING && !(d->flags & FLAG_MARKED);
}

static void renew(weir_Deferred *d) {
  d->phase = PHASE_PENDING;
  d->nvalues = 0;
}

/* claim(hooks [, spent]): a Deferred with the hooks of the list: cancel, pause, unpause, and
   perhaps a string that says what it is for; many may share it. A coroutine that is cancelled where
   it is about to wait for it leaves it as a waiter would: nobody else is to have what it stands
   for. `spent` is a claim of before that nobody but the caller has: it is that again, if its time
   is over. */
static int claim(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_Deferred *d = weir_deferred_at(L, S, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  if (is_spent(d)) {
    renew(d);
  } else {
    lua_settop(L, 1);
    d = weir_deferred_new(L, S, KIND_DEFERRED, sizeof *d);
    d->flags |= FLAG_HOOKS | FLAG_CLAIM;
  }
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 2, UV_VALUE);
  return 1;
}

/* ---- flows ---- */

/*
** Pieces come, one by one, to one who waits for each: as long as that is all, they flow through one
** claim, which two functions have, and no function or table of Lua is between. Whatever else is to
** be done, what they were given does.
*/
enum { FLOW_CLAIM = 3, FLOW_SLOW, FLOW_HOOKS };

/* Only `flows` sets it. */
static weir_Deferred *flowing(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(FLOW_CLAIM));
}

/* The upvalues of both. */
static void push_shared(lua_State *L, int slow) {
  luaL_checktype(L, slow, LUA_TFUNCTION);
  lua_pushvalue(L, lua_upvalueindex(1));
  weir_push_upstate(L);
  lua_pushnil(L);
  lua_pushvalue(L, slow);
}

static int have_results(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  (void)ctx;
  return lua_gettop(L);
}

static int take_slowly(lua_State *L) {
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(FLOW_SLOW));
  lua_callk(L, 0, LUA_MULTRET, 0, have_results);
  return lua_gettop(L);
}

/* The piece lies above the claim. */
static int have_piece(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  weir_await_check_resumed(L, (weir_State *)ctx);
  return lua_gettop(L) > 1 && !lua_isnil(L, -1) ? 1 : take_slowly(L);
}

static int take_piece(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_Coroutine *c = weir_await_check(L, S, "await", 1);
  weir_Deferred *d = flowing(L);
  int n;
  if (!is_spent(d))
    return take_slowly(L);
  renew(d);
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(FLOW_CLAIM));
  lua_pushvalue(L, lua_upvalueindex(FLOW_HOOKS));
  lua_setiuservalue(L, 1, UV_VALUE);
  n = weir_await_begin(L, S, c, d, 1, 2, HUGE_VAL);
  if (n >= 0)
    return n;
  lua_settop(L, 1);
  return lua_yieldk(L, 0, (lua_KContext)S, have_piece);
}

/* taker(hooks, slow) returns a function that returns the next piece; or what slow() does, if there
   is none in the flow. */
static int taker(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  push_shared(L, 2);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, take_piece, FLOW_HOOKS);
  return 1;
}

#define LINE 64 /* bytes that a processor fetches at a time, on most */

/* `from` is where nothing may be: what is fetched in vain does no harm. */
static void fetch_lines(uintptr_t from, int n) {
  for (int i = 0; i < n; i++)
    weir_fetch((const void *)(from + (uintptr_t)i * LINE));
}

/* Of many connections the one who waits for this piece is in no cache: its user values, and itself.
 */
static void fetch_waiter(const weir_Deferred *d) {
  fetch_lines((uintptr_t)d->first - 2 * LINE, 4);
}

static void fetch_thread(const weir_Deferred *d) {
  if (d->first && weir_is_coroutine(d->first))
    fetch_lines((uintptr_t)weir_coroutine(d->first)->thread, 3);
}

/* Arguments: the state, the claim, the piece. Returns whether it is waited for again. */
static int hand_over(lua_State *L) {
  weir_State *S = lua_touserdata(L, 1);
  weir_Deferred *d = lua_touserdata(L, 2);
  fetch_thread(d);
  weir_anchor_reserve(L, &S->anchors);
  if (weir_wait_is_for_one(S, d)) {
    weir_wait_hand(L, S, d, 2, 1);
  } else {
    weir_deferred_fire_now(L, S, d, 2, 1, 0);
    weir_deferred_drain(L, S);
  }
  weir_sched_turn_within(L, S);
  lua_pushboolean(L, d->phase == PHASE_PENDING);
  return 1;
}

/* The arguments are on the stack, and `n` values on top of them. */
static int put_slowly(lua_State *L, int n) {
  lua_pushvalue(L, lua_upvalueindex(FLOW_SLOW));
  lua_insert(L, -n - 1);
  lua_call(L, n, 0);
  return 0;
}

static int put_piece(lua_State *L) {
  weir_State *S = weir_upstate(L);
  lua_settop(L, 2);
  if (lua_type(L, 2) != LUA_TSTRING || !is_awaited(flowing(L)))
    return put_slowly(L, 2);
  fetch_waiter(flowing(L));
  lua_pushcfunction(L, hand_over);
  lua_pushlightuserdata(L, S);
  lua_pushvalue(L, lua_upvalueindex(FLOW_CLAIM));
  lua_pushvalue(L, 2);
  if (weir_sched_call(L, S, 3, 1) != LUA_OK) {
    lua_pushnil(L);
    lua_pushliteral(L, "failed");
    return put_slowly(L, 3);
  }
  if (lua_toboolean(L, -1))
    return 0;
  lua_settop(L, 0);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushliteral(L, "taken");
  return put_slowly(L, 3);
}

/* putter(slow) returns a function to be called with an error, nil, and a piece, as libuv does. It
   hands the piece over, and calls slow(nil, nil, "taken") if nobody waits for another then,
   slow(err, nil, "failed") if that raised. Where it cannot, it is slow(err, piece). */
static int putter(lua_State *L) {
  push_shared(L, 1);
  lua_pushcclosure(L, put_piece, FLOW_SLOW);
  return 1;
}

/* flows(claim, f, ...): the functions, of a taker or putter, have that claim, or nil: none. What is
   nil instead of a function is left out. */
static int flows(lua_State *L) {
  const weir_Deferred *d = weir_deferred_at(L, weir_upstate(L), 1);
  luaL_argcheck(L, lua_isnil(L, 1) || (d && (d->flags & FLAG_CLAIM)), 1, "claim expected");
  for (int i = lua_gettop(L); i > 1; i--) {
    lua_CFunction f = lua_tocfunction(L, i);
    if (lua_isnil(L, i))
      continue;
    luaL_argcheck(L, f == take_piece || f == put_piece, i, "function of a flow expected");
    lua_pushvalue(L, 1);
    lua_setupvalue(L, i, FLOW_CLAIM);
  }
  return 0;
}

const luaL_Reg weir_lib_claim[] = {
    {"claim", claim}, {"taker", taker}, {"putter", putter}, {"flows", flows}, {NULL, NULL}};
