#include "state.h"

#include "clock.h"
#include "coroutine.h"
#include "failure.h"
#include "guard.h"
#include "handle.h"
#include "lost.h"
#include "ready.h"
#include "report.h"
#include "watch.h"

#define GRACE_SECONDS 5.0

static const char key; /* its address is the registry key */

static void each_deque(lua_State *L, weir_State *S, void (*f)(lua_State *, weir_Deque *)) {
  weir_Deque *all[] = {&S->fires, &S->hooks, &S->walk, &S->ending, &S->found, &S->dying, &S->pool};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    f(L, all[i]);
}

static void init_deque(lua_State *L, weir_Deque *q) {
  (void)L;
  weir_deque_init(q);
}

weir_State *weir_state_get(lua_State *L) {
  weir_State *S;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  S = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return S;
}

void weir_state_push(lua_State *L, weir_State *S, int slot) {
  lua_pushvalue(S->home, slot);
  lua_xmove(S->home, L, 1);
}

void weir_state_set(lua_State *L, weir_State *S, int slot) {
  lua_xmove(L, S->home, 1);
  lua_replace(S->home, slot);
}

/* lua_close: finalizers of coroutines came first and put what was suspended into `found`. */
static int close_state(lua_State *L) {
  weir_State *S = lua_touserdata(L, 1);
  S->closing = 1;
  S->busy++;
  weir_handle_close(S); /* raises nothing: no thread comes here again, whatever the rest does */
  weir_lost_close(L, S);
  weir_failure_report_all(L, S);
  weir_report_trace(L, S);
  weir_watch_free(S);
  each_deque(L, S, weir_deque_free);
  each_deque(L, S, init_deque); /* finalizers of what is older than weir come behind */
  weir_anchor_free(L, &S->anchors);
  S->closed = 1;
  return 0;
}

void weir_state_mark(const weir_State *S, weir_Mark *m) {
  m->running = S->running;
  m->callers = S->callers;
  m->meter = S->meter;
  m->busy = S->busy;
  m->loop_busy = S->loop_busy;
  m->looping = S->looping;
  m->fire_depth = S->fire_depth;
  m->close_depth = S->close_depth;
  m->depth = S->depth;
  m->has_budget = S->has_budget;
  m->over = S->over;
  m->fires = weir_deque_mark(&S->fires);
  m->hooks = weir_deque_mark(&S->hooks);
  m->walk = weir_deque_mark(&S->walk);
  m->ending = weir_deque_mark(&S->ending);
}

/* What is not on its way goes on in the next turn. */
static void leave(weir_State *S, weir_Coroutine *c) {
  if (c->life == LIFE_CALLING)
    c->life = LIFE_READY;
  c->untouched = c->called = 0;
  if ((c->life == LIFE_READY || c->life == LIFE_NEW) && c->list == READY_NONE &&
      !(c->d.flags & FLAG_HELD))
    weir_ready_append(S, c);
  weir_ready_put_down(S, c);
}

/* Those that an error has left in hand. */
static void put_down(weir_State *S, const weir_Mark *m) {
  if (S->running && S->running != m->running)
    leave(S, S->running);
  while (S->callers != m->callers) {
    weir_Coroutine *c = S->callers;
    S->callers = weir_coroutine_caller(c);
    leave(S, c);
  }
}

void weir_state_return(weir_State *S, const weir_Mark *m) {
  if (S->depth > m->depth)
    weir_watch_return(S, m->depth);
  put_down(S, m);
  S->running = m->running;
  S->meter = m->meter;
  S->busy = m->busy;
  S->loop_busy = m->loop_busy;
  S->looping = m->looping;
  S->fire_depth = m->fire_depth;
  S->close_depth = m->close_depth;
  S->has_budget = m->has_budget;
  S->over = m->over;
  weir_deque_return(&S->fires, m->fires, 1);
  weir_deque_return(&S->hooks, m->hooks, 0);
  weir_deque_return(&S->walk, m->walk, 0);
  weir_deque_return(&S->ending, m->ending, 0);
}

static lua_State *new_private_thread(lua_State *L, int owner, int slot, int height) {
  lua_State *thread = lua_newthread(L);
  lua_sethook(thread, NULL, 0, 0);
  lua_setiuservalue(L, owner, slot);
  if (!lua_checkstack(thread, height + LUA_MINSTACK)) /* for what lies there for a moment */
    luaL_error(L, "not enough memory");
  lua_settop(thread, height);
  return thread;
}

weir_State *weir_state_open(lua_State *L) {
  weir_State *S = weir_state_get(L);
  int idx;
  if (S) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
    return S;
  }
  S = lua_newuserdatauv(L, sizeof *S, 1);
  idx = lua_gettop(L);
  *S = (weir_State){.inline_runs = 1, .grace = GRACE_SECONDS, .resume = lua_resume};
  S->front = (uint64_t)1 << 62;
  S->ticket = S->front;
  each_deque(L, S, init_deque);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  S->main = lua_tothread(L, -1);
  lua_pop(L, 1);
  S->home = new_private_thread(L, idx, 1, HOME_SLOTS);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, close_state);
  lua_setfield(L, -2, "__gc");
#if WEIR_SELF_CLOSE
  lua_pushcfunction(L, weir_guard_close);
  lua_setfield(L, -2, "__close");
#endif
  lua_setmetatable(L, idx);
  lua_pushvalue(L, idx);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  return S;
}
