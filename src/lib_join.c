/*
** For the Lua side of the library, not for users: Deferreds that are made of parts. Whoever asks
** for weir.core has them too: wrong arguments are errors here as everywhere (8.4).
*/
#include "await.h"
#include "cancel.h"
#include "failure.h"
#include "lib.h"
#include "link.h"
#include "pause.h"
#include "sched.h"

/* ---- arguments ---- */

static weir_Deferred *check_join(lua_State *L, const weir_State *S) {
  weir_Deferred *d = weir_check_deferred(L, S, 1);
  luaL_argcheck(L, d->kind == KIND_JOIN, 1, "a Deferred that can have parts expected");
  return d;
}

/* A part that has told its handler, or is about to: only then its values are where they belong. */
static weir_Deferred *check_outcome(lua_State *L, const weir_State *S, int arg) {
  weir_Deferred *d = weir_check_deferred(L, S, arg);
  luaL_argcheck(L, d->phase == PHASE_FIRED || d->phase == PHASE_SETTLED, arg,
                "it has no outcome yet");
  return d;
}

/* ---- parts ---- */

/* join(purpose) returns a Deferred that can have parts. Until it has an outcome the string says
   what it is for, to those who look. */
static int join(lua_State *L) {
  lua_settop(L, 1);
  weir_deferred_new(L, weir_upstate(L), KIND_JOIN, sizeof(weir_Deferred));
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, UV_VALUE);
  return 1;
}

/* follow(join, part, handler, key, own): the pending join waits on the part, and handler(key, part,
   ok, value, late) is called when that has settled, with the first value of its outcome, or the
   error, and whether it was cancelled for the join before. If it has already, or is no Deferred,
   the result is false and nothing is done. With `own` the part goes when the join goes, whoever
   else waits on it. */
static int follow(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_Wait how = lua_toboolean(L, 5) ? WAIT_OWN : WAIT_PART;
  check_join(L, S);
  lua_settop(L, 4);
  lua_pushboolean(L, weir_deferred_at(L, S, 2) && weir_link_add_part(L, S, 1, 2, 3, how));
  return 1;
}

/* leave(join, reason) cancels the parts, which tell their handlers as before. */
static int leave(lua_State *L) {
  weir_State *S = weir_upstate(L);
  check_join(L, S);
  lua_settop(L, 2);
  weir_cancel_parts(L, S, 1, 0);
  return 0;
}

/* take(join, part): the outcome of the settled part, which is handled so, is that of the join. */
static int take(lua_State *L) {
  weir_State *S = weir_upstate(L);
  check_join(L, S);
  check_outcome(L, S, 2);
  weir_link_fire(L, S, 1, 2);
  weir_failure_handled(L, S, 2);
  return 0;
}

/* decide(join, part, reason) is take, and cancels the other parts before anybody is told. Those of
   a cancelled join have been already. */
static int decide(lua_State *L) {
  weir_State *S = weir_upstate(L);
  const weir_Deferred *d = check_join(L, S);
  lua_settop(L, 3);
  if (d->flags & FLAG_MARKED)
    return take(L);
  check_outcome(L, S, 2);
  weir_cancel_parts(L, S, 1, 2);
  weir_failure_handled(L, S, 2);
  return 0;
}

/* The Deferred at 1 takes the value at 2, or none, as its outcome, unless it has one. */
static int settle_with(lua_State *L, int failed) {
  weir_State *S = weir_upstate(L);
  weir_Deferred *d = weir_check_deferred(L, S, 1);
  int n = lua_gettop(L) - 1;
  luaL_argcheck(L, !weir_is_coroutine(d), 1, "a Coroutine ends by itself");
  weir_deferred_pack(L, n);
  if (d->phase == PHASE_PENDING)
    weir_deferred_fire(L, S, 1, n, failed);
  return 0;
}

/* succeed_with(d [, value]) */
static int succeed_with(lua_State *L) {
  return settle_with(L, 0);
}

/* fail_with(d, error) */
static int fail_with(lua_State *L) {
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  return settle_with(L, 1);
}

/* finish(join) ends every call that may have done one of these: what was fired is told, and from
   the host what was woken is run. In a handler the caller sees to it, when all waiters have been
   told. */
static int finish(lua_State *L) {
  weir_lib_finish(L, weir_upstate(L));
  return lua_gettop(L);
}

/* leaving(d): has it been cancelled, or has it an outcome? */
static int leaving(lua_State *L) {
  const weir_Deferred *d = weir_check_deferred(L, weir_upstate(L), 1);
  lua_pushboolean(L, d->phase != PHASE_PENDING || (d->flags & FLAG_MARKED));
  return 1;
}

/* outcome(part): true and its values, or false and its error, which is not handled so. */
static int outcome(lua_State *L) {
  const weir_Deferred *d = check_outcome(L, weir_upstate(L), 1);
  lua_pushboolean(L, !(d->flags & FLAG_FAILED));
  return 1 + weir_deferred_push_outcome(L, d, 1);
}

/* handled(part): nobody need report its failure. */
static int handled(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_deferred(L, S, 1);
  weir_failure_handled(L, S, 1);
  return 0;
}

/* prepare(f, ...): a Coroutine that runs when it is started. */
static int prepare(lua_State *L) {
  weir_State *S = weir_upstate(L);
  const weir_Coroutine *c;
  luaL_checkany(L, 1);
  c = weir_coroutine_make(L, S, lua_gettop(L) - 1);
  weir_coroutine_arm(L, S, c, lua_gettop(L));
  return 1;
}

/* start(co): as spawn does; one that is held or cancelled by now is left as it is. Returns it. */
static int start(lua_State *L) {
  weir_State *S = weir_upstate(L);
  const weir_Coroutine *c = weir_check_coroutine(L, S, 1, NULL);
  lua_settop(L, 1);
  if (c->life != LIFE_NEW || (c->d.flags & FLAG_HELD))
    return 1;
  return weir_sched_spawn(L, S);
}

/* check_await() raises, at the call of the function that calls this, where nothing can suspend. */
static int check_await(lua_State *L) {
  weir_await_check(L, weir_upstate(L), "await", 2);
  return 0;
}

/* check_write(data) does the same, and returns whether that is a string: one call less for each of
   the writes of a server. */
static int check_write(lua_State *L) {
  check_await(L);
  lua_pushboolean(L, lua_type(L, 1) == LUA_TSTRING);
  return 1;
}

/* For the checks that are written in Lua. is_callable(f): a function, or something with a __call?
 */
static int is_callable(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, weir_is_callable(L, 1));
  return 1;
}

/* type_name(value): as messages have it. */
static int type_name(lua_State *L) {
  luaL_checkany(L, 1);
  if (lua_isnil(L, 1))
    lua_pushliteral(L, "no value");
  else
    lua_pushstring(L, weir_type_name(L, 1));
  return 1;
}

/* on_yield(key, f): coroutine.yield(key, ...) waits on the Deferred that f(...) returns. nil: an
   error as before. */
static int on_yield(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 2);
  weir_state_push(L, weir_upstate(L), HOME_YIELDS);
  lua_insert(L, 1);
  lua_rawset(L, 1);
  return 0;
}

/* on_hold(co, pause, unpause): what is called when the coroutine, whose own that is, becomes held
   or free. */
static int on_hold(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_Coroutine *c = weir_check_coroutine(L, S, 1, NULL);
  lua_settop(L, 3);
  luaL_argcheck(L, c->life != LIFE_ENDED, 1, "it has ended");
  weir_state_push(L, S, HOME_HOOKS);
  lua_pushvalue(L, 1);
  lua_createtable(L, HOOK_UNPAUSE, 0);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, HOOK_PAUSE);
  lua_pushvalue(L, 3);
  lua_rawseti(L, -2, HOOK_UNPAUSE);
  lua_rawset(L, 4);
  c->d.flags |= FLAG_HOOKS;
  return 0;
}

/* raise_due(): raises the cancel error of the running coroutine, if one is due: its next wait does
   so none the less. */
static int raise_due(lua_State *L) {
  weir_State *S = weir_upstate(L);
  if (!S->running || !weir_coroutine_is_due(S->running))
    return 0;
  weir_coroutine_push_running(L, S);
  lua_getiuservalue(L, -1, UV_VALUE);
  return lua_error(L);
}

const luaL_Reg weir_lib_join[] = {{"join", join},
                                  {"follow", follow},
                                  {"leave", leave},
                                  {"finish", finish},
                                  {"leaving", leaving},
                                  {"succeed_with", succeed_with},
                                  {"fail_with", fail_with},
                                  {"take", take},
                                  {"decide", decide},
                                  {"outcome", outcome},
                                  {"handled", handled},
                                  {"prepare", prepare},
                                  {"start", start},
                                  {"on_hold", on_hold},
                                  {"raise_due", raise_due},
                                  {"on_yield", on_yield},
                                  {"check_await", check_await},
                                  {"check_write", check_write},
                                  {"is_callable", is_callable},
                                  {"type_name", type_name},
                                  {NULL, NULL}};
