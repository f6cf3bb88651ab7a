#include "guard.h"

#if WEIR_SELF_CLOSE

static int is_main(lua_State *L) {
  int is = lua_pushthread(L);
  lua_pop(L, 1);
  return is;
}

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

/* Not at the end of the C stack. */
static int can_call(lua_State *L) {
  lua_pushcfunction(L, nothing);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK)
    return 1;
  lua_pop(L, 1);
  return 0;
}

/* What cannot call the end of a guard cannot call what that is to guard either. */
void weir_guard_begin(lua_State *L, weir_State *S, weir_Mark *mark, int n) {
  mark->slot = 0;
  if (is_main(L))
    return;
  luaL_checkstack(L, 2, "too many nested calls");
  if (!can_call(L))
    return;
  weir_state_open(L); /* itself: any value with a __close of ours would do */
  lua_insert(L, -n - 2);
  mark->slot = lua_gettop(L) - n - 1;
  mark->returned = 0;
  mark->outer = S->guarded;
  S->guarded = mark;
  lua_toclose(L, mark->slot);
}

void weir_guard_end(lua_State *L, weir_State *S, weir_Mark *mark) {
  (void)S;
  if (!mark->slot)
    return;
  mark->returned = 1;
  lua_closeslot(L, mark->slot);
  lua_remove(L, mark->slot);
}

int weir_guard_close(lua_State *L) {
  weir_State *S = lua_touserdata(L, 1);
  const weir_Mark *mark = S->guarded;
  S->guarded = mark->outer;
  if (!mark->returned)
    weir_state_return(S, mark);
  return 0;
}

#else
typedef int weir_guard_unused; /* C99 wants something in every file */
#endif
