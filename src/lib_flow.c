/*
** For the Lua side of the library, not for users. Pieces come, one by one, to one who waits for
** each: as long as that is all, they flow through one claim, between two functions that share a
** flow, and no function or table of Lua is between. Whatever else is to be done, what they were
** given does.
*/
#include <math.h>
#include <stdint.h>

#include "await.h"
#include "claim.h"
#include "lib.h"
#include "sched.h"
#include "wait.h"

/* What one who waits for a piece touches when it comes. Of many connections nothing of that is in
   the processor's caches: so all of it is fetched at once, before it is looked at bit by bit. */
enum { NEAR_WAITER, NEAR_THREAD, NEAR_CALL, NEAR_CALLER, NEAR_FRAME, NEAR_TOP, NEAR_GIVEN };
enum { GIVEN_MOST = 3 };

typedef struct Flow {
  weir_State *S;
  weir_Deferred *claim;                      /* FLOW_CLAIM holds it; NULL: none */
  const void *near[NEAR_GIVEN + GIVEN_MOST]; /* addresses only, of what may be gone */
} Flow;

enum { FLOW_CLAIM = 1, FLOW_HOOKS, FLOW_STATE, FLOW_VALUES = FLOW_STATE }; /* its user values */
/* Of both functions: where the flow is, which is found faster so; the flow; what they were given.
 */
enum { UPVALUE_ADDRESS = 1, UPVALUE_FLOW, UPVALUE_SLOW };

/* Only taker and putter set it. */
static Flow *upflow(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(UPVALUE_ADDRESS));
}

static Flow *check_flow(lua_State *L, weir_State *S) {
  Flow *f = lua_touserdata(L, 1);
  int is_flow = f && lua_rawlen(L, 1) == sizeof *f && lua_getmetatable(L, 1);
  weir_state_push(L, S, HOME_FLOW);
  luaL_argcheck(L, is_flow && lua_rawequal(L, -1, -2), 1, "flow expected");
  lua_pop(L, 2);
  return f;
}

/* A userdata of others has one user value, as a rule. */
static const void *block_at(lua_State *L, int idx) {
  const void *address = lua_topointer(L, idx);
  return lua_isuserdata(L, idx) ? weir_block_of(address, 1) : address;
}

/* flow(hooks): of claims with these hooks, see claim. */
static int flow(lua_State *L) {
  static const Flow none = {0};
  weir_State *S = weir_upstate(L);
  Flow *f;
  luaL_checktype(L, 1, LUA_TTABLE);
  f = lua_newuserdatauv(L, sizeof *f, FLOW_VALUES);
  *f = none;
  f->S = S;
  weir_push_upstate(L);
  lua_setiuservalue(L, -2, FLOW_STATE);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, FLOW_HOOKS);
  weir_state_push(L, S, HOME_FLOW);
  lua_setmetatable(L, -2);
  return 1;
}

/* flows(flow, claim, ...): pieces flow through that claim; nil: through none. The rest are objects
   that one who takes pieces touches with each. */
static int flows(lua_State *L) {
  weir_State *S = weir_upstate(L);
  Flow *f = check_flow(L, S);
  weir_Deferred *d = weir_deferred_at(L, S, 2);
  luaL_checkany(L, 2);
  luaL_argcheck(L, lua_isnil(L, 2) || (d && (d->flags & FLAG_CLAIM)), 2, "claim expected");
  for (int i = 0; i < GIVEN_MOST; i++)
    f->near[NEAR_GIVEN + i] = block_at(L, i + 3);
  f->claim = d;
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, FLOW_CLAIM);
  return 0;
}

static int function_of_flow(lua_State *L, lua_CFunction f) {
  Flow *shared = check_flow(L, weir_upstate(L));
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_pushlightuserdata(L, shared);
  lua_insert(L, 1);
  lua_pushcclosure(L, f, UPVALUE_SLOW);
  return 1;
}

/* ---- taking ---- */

static int have_results(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  (void)ctx;
  return lua_gettop(L);
}

static int take_slowly(lua_State *L) {
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(UPVALUE_SLOW));
  lua_callk(L, 0, LUA_MULTRET, 0, have_results);
  return lua_gettop(L);
}

/* The piece lies above the claim. */
static int have_piece(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  weir_await_check_resumed(L, (weir_State *)ctx);
  return lua_gettop(L) > 1 && !lua_isnil(L, -1) ? 1 : take_slowly(L);
}

/* Lua tells where a call has its record, and the first word there where its stack begins. */
static void note_call(lua_State *L, Flow *f, int level, int call, int stack) {
  lua_Debug ar;
  if (!lua_getstack(L, level, &ar))
    return;
  f->near[call] = ar.i_ci;
  f->near[stack] = *(const void *const *)(const void *)ar.i_ci;
}

static void note_waiter(lua_State *L, Flow *f, const weir_Coroutine *c) {
  f->near[NEAR_WAITER] = c;
  f->near[NEAR_THREAD] = L;
  note_call(L, f, 0, NEAR_CALL, NEAR_TOP);
  note_call(L, f, 1, NEAR_CALLER, NEAR_FRAME);
}

static int take_piece(lua_State *L) {
  Flow *f = upflow(L);
  weir_State *S = f->S;
  weir_Coroutine *c = weir_await_check(L, S, "await", 1);
  int n;
  if (!weir_claim_is_spent(f->claim))
    return take_slowly(L);
  weir_claim_renew(f->claim);
  lua_settop(L, 0);
  lua_getiuservalue(L, lua_upvalueindex(UPVALUE_FLOW), FLOW_CLAIM);
  lua_getiuservalue(L, lua_upvalueindex(UPVALUE_FLOW), FLOW_HOOKS);
  lua_setiuservalue(L, 1, UV_VALUE);
  n = weir_await_begin(L, S, c, f->claim, 1, 2, HUGE_VAL);
  if (n >= 0)
    return n;
  note_waiter(L, f, c);
  lua_settop(L, 1);
  return lua_yieldk(L, 0, (lua_KContext)S, have_piece);
}

/* taker(flow, slow) returns a function that returns the next piece; or what slow() does, if there
   is none in the flow. */
static int taker(lua_State *L) {
  return function_of_flow(L, take_piece);
}

/* ---- giving ---- */

/* In the order in which it is looked at. */
static void fetch_near(const Flow *f) {
  weir_fetch_userdata(f->claim, UV_DEFERRED, sizeof *f->claim);
  weir_coroutine_fetch_all(f->near[NEAR_WAITER]);
  weir_fetch_thread(f->near[NEAR_THREAD]);
  weir_fetch_bytes(f->near[NEAR_TOP], 3 * WEIR_LINE);
  weir_fetch_bytes(f->near[NEAR_CALL], 2 * WEIR_LINE);
  weir_fetch_bytes(f->near[NEAR_CALLER], WEIR_LINE);
  weir_fetch_bytes(f->near[NEAR_FRAME], WEIR_LINE);
  for (int i = 0; i < GIVEN_MOST; i++)
    weir_fetch_bytes(f->near[NEAR_GIVEN + i], 2 * WEIR_LINE);
}

/* Arguments: where the flow is, its claim, the piece. Returns whether it is waited for again; nil
   if nobody waits for this one. */
static int hand_over(lua_State *L) {
  weir_State *S = ((const Flow *)lua_touserdata(L, 1))->S;
  weir_Deferred *d = lua_touserdata(L, 2);
  weir_anchor_reserve(L, &S->anchors);
  if (!weir_claim_is_awaited(d)) /* a hook of the host was between */
    return 0;
  if (weir_wait_is_plain(S, d) && weir_wait_is_for_one(S, d)) {
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
  lua_pushvalue(L, lua_upvalueindex(UPVALUE_SLOW));
  lua_insert(L, -n - 1);
  lua_call(L, n, 0);
  return 0;
}

static int put_piece(lua_State *L) {
  const Flow *f = upflow(L);
  fetch_near(f);
  lua_settop(L, 2);
  if (lua_type(L, 2) != LUA_TSTRING || !weir_claim_is_awaited(f->claim))
    return put_slowly(L, 2);
  lua_pushcfunction(L, hand_over);
  lua_pushvalue(L, lua_upvalueindex(UPVALUE_ADDRESS));
  lua_getiuservalue(L, lua_upvalueindex(UPVALUE_FLOW), FLOW_CLAIM);
  lua_pushvalue(L, 2);
  if (weir_sched_call(L, f->S, 3, 1) != LUA_OK) {
    lua_pushnil(L);
    lua_pushliteral(L, "failed");
    return put_slowly(L, 3);
  }
  if (lua_toboolean(L, -1))
    return 0;
  if (lua_isnil(L, -1)) {
    lua_settop(L, 2);
    return put_slowly(L, 2);
  }
  lua_settop(L, 0);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushliteral(L, "taken");
  return put_slowly(L, 3);
}

/* putter(flow, slow) returns a function to be called with an error, nil, and a piece, as libuv
   does. It hands the piece over, and calls slow(nil, nil, "taken") if nobody waits for another
   then, slow(err, nil, "failed") if that raised. Where it cannot, it is slow(err, piece). */
static int putter(lua_State *L) {
  return function_of_flow(L, put_piece);
}

const luaL_Reg weir_lib_flow[] = {
    {"flow", flow}, {"flows", flows}, {"taker", taker}, {"putter", putter}, {NULL, NULL}};
