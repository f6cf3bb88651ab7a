#include "trap.h"

/* ---- finding ---- */

static void trap(lua_State *L, lua_Debug *ar);

weir_Trap *weir_trap_push(lua_State *L, weir_State *S) {
  weir_state_push(L, S, HOME_TRAPS);
  lua_insert(L, -2);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  return lua_touserdata(L, -1);
}

weir_Trap *weir_trap_of(lua_State *L, weir_State *S) {
  weir_Trap *t = weir_trap_push(L, S);
  lua_pop(L, 1);
  return t;
}

static weir_Trap *own(lua_State *L, weir_State *S) {
  lua_pushthread(L);
  return weir_trap_of(L, S);
}

static weir_Trap *push_running(lua_State *L, weir_State *S) {
  weir_coroutine_push_running(L, S);
  weir_coroutine_push_thread(L, S, -1);
  lua_remove(L, -2);
  return weir_trap_push(L, S);
}

weir_Trap *weir_trap_of_running(lua_State *L, weir_State *S) {
  weir_Trap *t = push_running(L, S);
  lua_pop(L, 1);
  return t;
}

/* The thread is on top, and stays there. */
static weir_Trap *make(lua_State *L, weir_State *S) {
  weir_Trap *t, *other;
  weir_state_push(L, S, HOME_TRAPS);
  lua_pushvalue(L, -2);
  t = lua_newuserdatauv(L, sizeof *t, TRAP_SLOTS);
  lua_pushvalue(L, -2);
  other = weir_trap_of(L, S);
  if (other) { /* a finalizer made it */
    lua_pop(L, 3);
    return other;
  }
  *t = (weir_Trap){.thread = lua_tothread(L, -2)};
  lua_rawset(L, -3);
  lua_pop(L, 1);
  return t;
}

weir_Trap *weir_trap_need(lua_State *L, weir_State *S) {
  weir_Trap *t;
  lua_pushvalue(L, -1);
  t = weir_trap_of(L, S);
  if (!t)
    t = make(L, S);
  lua_pop(L, 1);
  return t;
}

/* ---- the user's own hook ---- */

static weir_UserHook hook_of(lua_State *thread) {
  weir_UserHook user = {lua_gethook(thread), lua_gethookmask(thread), lua_gethookcount(thread)};
  return user;
}

static void set_hook(lua_State *thread, const weir_UserHook *user) {
  lua_sethook(thread, user->hook, user->mask, user->count);
}

static void take_user(weir_Trap *t, weir_UserHook user) {
  t->user = user;
  t->left = user.count;
  if (user.count <= 0) /* never comes */
    t->user.mask &= ~LUA_MASKCOUNT;
}

int weir_trap_is_set(lua_State *thread) {
  return lua_gethook(thread) == trap;
}

void weir_trap_set(lua_State *thread, weir_Trap *t, int count) {
  int mask;
  if (!weir_trap_is_set(thread))
    take_user(t, hook_of(thread));
  if (t->user.mask & ~LUA_MASKCOUNT)
    count = 1;
  else if (t->user.mask && t->left < count)
    count = t->left;
  mask = t->user.mask | LUA_MASKCOUNT;
  if (!weir_trap_is_set(thread) || lua_gethookcount(thread) != count ||
      lua_gethookmask(thread) != mask)
    lua_sethook(thread, trap, mask, count);
}

#if WEIR_CLOSES_WITH_HOOKS
int weir_trap_close(lua_State *L, lua_State *thread) {
  return weir_closethread(thread, L);
}
#else
int weir_trap_close(lua_State *L, lua_State *thread) {
  weir_UserHook hook = hook_of(thread);
  int status;
  lua_sethook(thread, NULL, 0, 0);
  status = weir_closethread(thread, L);
  if (hook.hook == trap) /* how far it had counted is lost */
    hook.count = 1;
  set_hook(thread, &hook);
  return status;
}
#endif

void weir_trap_clear(lua_State *thread, weir_Trap *t) {
  if (weir_trap_is_set(thread))
    set_hook(thread, &t->user);
}

void weir_trap_release(lua_State *L, weir_State *S) {
  weir_Trap *t = weir_trap_push(L, S);
  if (t) {
    weir_trap_clear(t->thread, t);
    *t = (weir_Trap){.thread = t->thread};
    for (int slot = 1; slot <= TRAP_SLOTS; slot++) {
      lua_pushnil(L);
      lua_setiuservalue(L, -2, slot);
    }
  }
  lua_pop(L, 1);
}

/* The debug library keeps the function of a hook here, under the thread: it would be called again
   when the thread inherits another's hook. */
void weir_trap_forget(lua_State *L) {
  lua_sethook(lua_tothread(L, -1), NULL, 0, 0);
  if (lua_getfield(L, LUA_REGISTRYINDEX, "_HOOKKEY") == LUA_TTABLE) {
    lua_pushvalue(L, -2);
    lua_pushnil(L);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
}

/* What the user has set on L, or would have. */
static weir_UserHook user_of(lua_State *L, weir_State *S) {
  const weir_UserHook none = {NULL, 0, 0};
  const weir_Trap *t;
  if (!weir_trap_is_set(L))
    return hook_of(L);
  t = own(L, S);
  if (!t && S->running && S->running->trapped) /* whoever made L has had it */
    t = weir_trap_of_running(L, S);
  return t ? t->user : none;
}

void weir_trap_inherit(lua_State *L, weir_State *S) {
  weir_UserHook user = user_of(L, S);
  set_hook(lua_tothread(L, -1), &user);
  lua_pop(L, 1);
}

void weir_trap_follow(lua_State *L, weir_State *S) {
  lua_State *thread = lua_tothread(L, -1);
  const weir_Coroutine *c = S->running;
  if (!weir_trap_is_set(thread) || (c && weir_coroutine_is_due(c)))
    weir_trap_set(thread, weir_trap_need(L, S), 1);
  else
    lua_pop(L, 1);
}

static int mask_of(int event) {
  return event == LUA_HOOKTAILCALL ? LUA_MASKCALL : 1 << event;
}

/* Is this event one for the user's hook? */
static int is_for_user(weir_Trap *t, int event, int ran) {
  if (!(t->user.mask & mask_of(event)))
    return 0;
  if (event != LUA_HOOKCOUNT)
    return 1;
  t->left -= ran;
  if (t->left > 0)
    return 0;
  t->left = t->user.count;
  return 1;
}

/* What it executes itself has been counted too: that is begun anew. It may have set another hook in
   the place of the trap. Returns 0 if it suspended the thread. */
static int tell_user(lua_State *L, weir_Trap *t, lua_Debug *ar) {
  t->user.hook(L, ar);
  if (!weir_trap_is_set(L))
    take_user(t, hook_of(L));
  lua_sethook(L, trap, t->user.mask | LUA_MASKCOUNT, 1);
  return lua_status(L) == LUA_OK;
}

/* ---- where to suspend ---- */

/*
** A hook that suspends a thread at the first instruction of a function makes Lua
** tell of the call once more when that goes on; and the event of a line comes
** behind that of a count, also where this one has suspended the thread. So it is
** done at the event that comes last, and the second call is kept from the user's
** hook. Where that has asked for such events, the trap counts every instruction,
** to know where it is.
*/

static int is_call(int event) {
  return event == LUA_HOOKCALL || event == LUA_HOOKTAILCALL;
}

static const void *function_of(lua_State *L, lua_Debug *ar) {
  const void *f;
  lua_getinfo(L, "f", ar);
  f = lua_topointer(L, -1);
  lua_pop(L, 1);
  return f;
}

/* A tail call of itself, by a function that was entered by one, looks the same. */
static int is_echo(lua_State *L, weir_Trap *t, lua_Debug *ar) {
  const void *call = t->echo;
  t->echo = NULL;
  return call && call == (const void *)ar->i_ci && t->suspended == function_of(L, ar) &&
         (ar->event == LUA_HOOKCALL || (ar->event == LUA_HOOKTAILCALL && t->is_first));
}

static void note_place(weir_Trap *t, const lua_Debug *ar) {
  if (ar->event == LUA_HOOKCOUNT)
    t->is_first = t->entered == (const void *)ar->i_ci;
  if (ar->event != LUA_HOOKLINE)
    t->entered = is_call(ar->event) ? ar->i_ci : NULL;
}

int weir_trap_is_last(const weir_Trap *t, const lua_Debug *ar) {
  return ar->event == (t->user.mask & LUA_MASKLINE ? LUA_HOOKLINE : LUA_HOOKCOUNT);
}

void weir_trap_suspend(lua_State *L, weir_Trap *t, lua_Debug *ar, int count) {
  t->echo = ar->i_ci;
  t->suspended = function_of(L, ar);
  weir_trap_set(L, t, count);
  lua_yield(L, 0);
}

/* ---- errors at a plain coroutine.yield ---- */

/* Of the function that has called coroutine.yield. */
static int line_of_yield(lua_State *thread) {
  lua_Debug ar;
  return lua_getstack(thread, 1, &ar) && lua_getinfo(thread, "l", &ar) ? ar.currentline : 0;
}

void weir_trap_prepare(lua_State *L, weir_State *S, weir_Coroutine *c, int idx) {
  if (c->has_trap)
    return;
  weir_coroutine_push_thread(L, S, idx);
  weir_trap_need(L, S);
  c->has_trap = 1;
}

/* coroutine.yield has no continuation of ours to raise from; the trap raises at the next
   instruction instead. */
void weir_trap_raise(lua_State *L, weir_State *S) {
  weir_Coroutine *c = S->running;
  weir_Trap *t = push_running(L, S);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, TRAP_ERROR);
  lua_pop(L, 1);
  t->line = line_of_yield(c->thread);
  c->raising = c->trapped = 1;
  weir_trap_set(c->thread, t, 1);
}

void weir_trap_take_raise(lua_State *L, weir_State *S) {
  push_running(L, S);
  lua_getiuservalue(L, -1, TRAP_ERROR);
  lua_pushnil(L);
  lua_setiuservalue(L, -3, TRAP_ERROR);
  lua_remove(L, -2);
  S->running->raising = 0;
}

static int is_to_raise(lua_State *L, const weir_State *S) {
  return S->running && S->running->raising && S->running->thread == L;
}

static void raise_now(lua_State *L, weir_State *S, weir_Trap *t) {
  weir_trap_take_raise(L, S);
  t->raised = lua_topointer(L, -1);
  if (!weir_slice_is_needed(&t->meter))
    weir_trap_clear(L, t);
  lua_error(L);
}

int weir_trap_raised_at(lua_State *L, weir_State *S, int err) {
  const weir_Trap *t = S->running->trapped ? own(L, S) : NULL;
  lua_Debug ar;
  return t && t->raised && t->raised == lua_topointer(L, err) && lua_getstack(L, 1, &ar) &&
                 lua_getinfo(L, "S", &ar) && ar.what[0] != 'C'
             ? t->line
             : 0;
}

/* ---- the hook ---- */

static weir_Trap *make_own(lua_State *L, weir_State *S) {
  weir_UserHook user = user_of(L, S);
  weir_Trap *t;
  lua_pushthread(L);
  t = weir_trap_need(L, S);
  t->is_plain = 1;
  take_user(t, user);
  return t;
}

static weir_Trap *here(lua_State *L, weir_State *S) {
  weir_Trap *t = S->meter ? weir_trap_around(S->meter) : NULL;
  if (t && t->thread == L)
    return t;
  t = own(L, S);
  return t ? t : make_own(L, S);
}

static void trap(lua_State *L, lua_Debug *ar) {
  weir_State *S = weir_state_get(L);
  int ran = lua_gethookcount(L);
  weir_Trap *t;
  if (!S || lua_status(L) != LUA_OK) /* about to be closed */
    return;
  t = here(L, S);
  if (is_echo(L, t, ar))
    return;
  note_place(t, ar);
  if (is_for_user(t, ar->event, ran) && !tell_user(L, t, ar))
    return;
  if (ar->event == LUA_HOOKCOUNT) {
    if (is_to_raise(L, S))
      raise_now(L, S, t);
    weir_slice_count(L, S, t, ar, ran);
  } else if (ar->event == LUA_HOOKLINE) {
    weir_slice_look(L, S, t, ar);
  }
}
