#include "wrap.h"

#include "coroutine.h"
#include "failure.h"
#include "trap.h"

/* A userdata; user value 1 holds the thread. */
typedef struct Generator {
  uint32_t tag; /* TAG_GENERATOR */
  lua_State *thread;
  int is_inside; /* suspended by an await within, not by a yield of its own */
} Generator;

/* Upvalues of the function: the state, the generator. */
static Generator *generator_of(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(2));
}

static int pass_on(lua_State *L, int status, lua_KContext ctx);

/*
** The function has a pcall around it: what closes its variables behind an error can wait
** then, and is counted, as hooks are switched on again where an error of theirs is caught.
*/

static int guard_end(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  return status == LUA_OK || status == LUA_YIELD ? lua_gettop(L) - 1 : lua_error(L);
}

/* handler, function, arguments */
static int guard(lua_State *L) {
  int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, 0, guard_end);
  return guard_end(L, status, 0);
}

static int note_error(lua_State *L) {
  lua_settop(L, 1);
  weir_failure_pass(L, weir_state_get(L), L, 1);
  return 1;
}

/* Puts it below the function and its n arguments; returns what has become of n. */
static int set_guard(Generator *g, int n) {
  lua_pushcfunction(g->thread, guard);
  lua_insert(g->thread, 1);
  lua_pushcfunction(g->thread, note_error);
  lua_insert(g->thread, 2);
  return n + 2;
}

static int give_results(lua_State *L, Generator *g, int n) {
  if (!lua_checkstack(L, n + 4)) {
    lua_settop(g->thread, 0);
    return luaL_error(L, "too many results");
  }
  lua_xmove(g->thread, L, n);
  return n;
}

static int give_error(lua_State *L, Generator *g) {
  lua_xmove(g->thread, L, 1);
  if (weir_trap_close(L, g->thread) != LUA_OK)
    lua_xmove(g->thread, L, 1);
  return lua_error(L);
}

/* Inside a coroutine of weir, what runs in the generator may suspend it as well: `suspends`. */
static int resume(lua_State *L, weir_State *S, Generator *g, int n, int *nresults, int *suspends) {
  weir_Coroutine *c = S->running && S->running->d.at.top == L ? S->running : NULL;
  unsigned blocked = c ? c->blocked : 0;
  int status;
  if (S->meter) {
    lua_getiuservalue(L, lua_upvalueindex(2), 1);
    weir_trap_follow(L, S);
  }
  if (c) {
    c->d.at.top = g->thread;
    c->blocked = blocked || !lua_isyieldable(L);
    S->signal = SIGNAL_NONE;
  }
  status = lua_resume(g->thread, L, n, nresults);
  *suspends = c && status == LUA_YIELD && S->signal != SIGNAL_NONE;
  if (c)
    c->blocked = blocked & 1;
  if (c && !*suspends)
    c->d.at.top = L;
  return status;
}

static int run(lua_State *L, Generator *g, int n) {
  weir_State *S = weir_upstate(L);
  int nresults = 0, suspends, status;
  if (!lua_checkstack(g->thread, n + 6))
    return luaL_error(L, "too many arguments");
  lua_xmove(L, g->thread, n);
  g->is_inside = 0;
  if (lua_status(g->thread) == LUA_OK)
    n = set_guard(g, n);
  status = resume(L, S, g, n, &nresults, &suspends);
  if (status != LUA_OK && status != LUA_YIELD)
    return give_error(L, g);
  if (!suspends)
    return give_results(L, g, nresults);
  g->is_inside = 1;
  lua_xmove(g->thread, L, nresults); /* a coroutine to be started */
  return lua_yieldk(L, nresults, lua_gettop(L) - nresults, pass_on);
}

/* The coroutine goes on: so does what waits in the generator, with the same values. */
static int pass_on(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  return run(L, generator_of(L), lua_gettop(L) - (int)ctx);
}

static int is_dead(Generator *g) {
  return lua_status(g->thread) != LUA_YIELD && lua_gettop(g->thread) == 0;
}

static int is_running(Generator *g) {
  lua_Debug ar;
  return lua_status(g->thread) == LUA_OK && lua_getstack(g->thread, 0, &ar);
}

static int call(lua_State *L) {
  Generator *g = generator_of(L);
  int n = lua_gettop(L);
  if (is_running(g) || g->is_inside)
    return luaL_error(L, "cannot resume a running generator");
  if (is_dead(g))
    return luaL_error(L, "cannot resume dead generator");
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_insert(L, 1);
  if (lua_isyieldable(L))
    lua_toclose(L, 1);
  return run(L, g, n);
}

/* The call of the generator is the innermost function of whoever waits in it; see `call` for what
   lies first on its stack. */
lua_State *weir_wrap_inner(lua_State *thread) {
  const Generator *g;
  lua_Debug ar;
  int inside;
  if (!lua_getstack(thread, 0, &ar) || !lua_getinfo(thread, "f", &ar))
    return NULL;
  inside = lua_tocfunction(thread, -1) == call;
  lua_pop(thread, 1);
  if (!inside || !lua_getlocal(thread, &ar, 1))
    return NULL;
  g = lua_touserdata(thread, -1);
  lua_pop(thread, 1);
  return g->is_inside ? g->thread : NULL;
}

int weir_wrap_close(lua_State *L) {
  Generator *g = lua_touserdata(L, 1);
  if (!g || lua_rawlen(L, 1) != sizeof *g || g->tag != weir_tag(weir_upstate(L), TAG_GENERATOR) ||
      !g->is_inside)
    return 0;
  g->is_inside = 0;
  if (weir_trap_close(L, g->thread) == LUA_OK)
    return 0;
  lua_xmove(g->thread, L, 1);
  return lua_error(L);
}

int weir_wrap(lua_State *L) {
  weir_State *S = weir_upstate(L);
  Generator *g;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  weir_push_upstate(L);
  g = lua_newuserdatauv(L, sizeof *g, 1);
  *g = (Generator){.tag = weir_tag(S, TAG_GENERATOR)};
  g->thread = lua_newthread(L);
  if (lua_gethook(L)) {
    lua_pushvalue(L, -1);
    weir_trap_inherit(L, S);
  }
  lua_setiuservalue(L, -2, 1);
  weir_state_push(L, S, HOME_GENERATOR);
  lua_setmetatable(L, -2);
  lua_pushvalue(L, 1);
  lua_xmove(L, g->thread, 1);
  lua_pushcclosure(L, call, 2);
  return 1;
}
