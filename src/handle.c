#include "handle.h"

#include "failure.h"
#include "pause.h"

/* HOME_HANDLES has two entries for each live handle: its Deferred under the address of the handle,
   and that address under the Deferred. */

static const char here; /* in the library, which threads may be in behind lua_close */

weir_Mailbox *weir_handle_mailbox(lua_State *L, weir_State *S) {
  if (S->mailbox)
    return S->mailbox;
  if (S->closing)
    luaL_error(L, "the Lua state is being closed");
  S->mailbox = weir_mailbox_new();
  if (!S->mailbox)
    luaL_error(L, "not enough memory");
  weir_platform_pin(&here);
  return S->mailbox;
}

void weir_handle_close(weir_State *S) {
  if (S->mailbox)
    weir_mailbox_close(S->mailbox);
  S->mailbox = NULL;
}

/* ---- entries ---- */

/* Arguments: the table, the Deferred, the handle. */
static int enter(lua_State *L) {
  lua_pushvalue(L, 2);
  lua_rawsetp(L, 1, lua_touserdata(L, 3));
  lua_rawset(L, 1);
  return 0;
}

static weir_Handle *find(lua_State *L, weir_State *S, int idx) {
  weir_Handle *h;
  weir_state_push(L, S, HOME_HANDLES);
  lua_pushvalue(L, idx);
  lua_rawget(L, -2);
  h = lua_touserdata(L, -1);
  lua_pop(L, 2);
  return h;
}

static void push_deferred(lua_State *L, weir_State *S, const weir_Handle *h) {
  weir_state_push(L, S, HOME_HANDLES);
  lua_rawgetp(L, -1, h);
  lua_remove(L, -2);
}

static void leave(lua_State *L, weir_State *S, int idx, const weir_Handle *h) {
  weir_Deferred *d = lua_touserdata(L, idx);
  d->flags &= ~(uint32_t)FLAG_HANDLE;
  weir_state_push(L, S, HOME_HANDLES);
  lua_pushnil(L);
  lua_rawsetp(L, -2, h);
  lua_pushvalue(L, idx);
  lua_pushnil(L);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* ---- making ---- */

/* The table may have got the first of its entries. */
static void undo_enter(lua_State *L, weir_State *S, weir_Handle *h) {
  weir_state_push(L, S, HOME_HANDLES);
  if (lua_rawgetp(L, -1, h) != LUA_TNIL) { /* else there may be no room for a nil */
    lua_pushnil(L);
    lua_rawsetp(L, -3, h);
  }
  lua_pop(L, 2);
  weir_handle_cancel(h);
  weir_handle_release(h);
}

weir_Handle *weir_handle_of(lua_State *L, weir_State *S, int idx) {
  weir_Deferred *d = lua_touserdata(L, idx);
  weir_Mailbox *m = weir_handle_mailbox(L, S);
  weir_Handle *h;
  if (d->flags & FLAG_HANDLE)
    return weir_handle_retain(find(L, S, idx));
  luaL_checkstack(L, 8, "too many nested calls");
  h = weir_handle_new(m);
  if (!h)
    luaL_error(L, "not enough memory");
  lua_pushcfunction(L, enter);
  weir_state_push(L, S, HOME_HANDLES);
  lua_pushvalue(L, idx);
  lua_pushlightuserdata(L, h);
  if (lua_pcall(L, 3, 0, 0) != LUA_OK) {
    undo_enter(L, S, h);
    lua_error(L);
  }
  d->flags |= FLAG_HANDLE;
  return h;
}

void weir_handle_forget(lua_State *L, weir_State *S, int idx) {
  weir_Handle *h;
  if (!S->mailbox)
    return;
  h = find(L, S, idx);
  leave(L, S, idx, h);
  weir_handle_cancel(h);
}

/* ---- delivery ---- */

typedef struct Reading {
  weir_State *S;
  weir_Handle *h;     /* until the letter has been taken; then NULL, and */
  weir_Letter letter; /* valid */
  int n;              /* how many values the outcome has */
} Reading;

static int push_abandoned(lua_State *L, weir_State *S) {
  lua_pushliteral(L, "a handle was released, and nobody had fired it");
  weir_error_new(L, S, ERROR_OTHER);
  return 1;
}

/* As many as there are of an error: one. */
static int push_error(lua_State *L, const Reading *r) {
  int n = r->letter.push ? r->letter.push(L, r->letter.ud) : 0;
  if (n == 0)
    lua_pushnil(L);
  else
    lua_pop(L, n - 1);
  return 1;
}

static int push_values(lua_State *L, const Reading *r) {
  int n = r->letter.push ? r->letter.push(L, r->letter.ud) : 0;
  for (int i = -n; i < 0; i++)
    if (weir_deferred_at(L, r->S, i))
      luaL_error(L, "a Deferred cannot be a value");
  return n;
}

/* Arguments: the Reading, the Deferred. Up to here there may be too little memory to begin: then
   the letter waits for the next pass. */
static int read_letter(lua_State *L) {
  Reading *r = lua_touserdata(L, 1);
  leave(L, r->S, 2, r->h);
  r->letter = weir_handle_take(r->h);
  r->h = NULL;
  lua_settop(L, 0);
  if (r->letter.abandoned)
    r->n = push_abandoned(L, r->S);
  else
    r->n = r->letter.failed ? push_error(L, r) : push_values(L, r);
  luaL_checkstack(L, 4, "too many values");
  weir_deferred_pack(L, r->n);
  return 1;
}

/* The packed outcome is on top. */
static void fire(lua_State *L, weir_State *S, int idx, const Reading *r, int raised) {
  weir_Deferred *d = lua_touserdata(L, idx);
  int may_tell;
  d->flags &= ~(uint32_t)FLAG_DROP_LATE;
  may_tell = weir_deferred_take(L, S, d, idx, r->n, r->letter.failed || raised);
  if (raised)
    weir_failure_take(L, S, idx);
  if (may_tell)
    weir_deferred_tell(L, S, d, idx);
}

/* The letter has been read: what that brought, or raised, is on top. */
static void settle(lua_State *L, weir_State *S, int idx, Reading *r, int raised) {
  weir_letter_release(&r->letter);
  if (raised)
    r->n = 1;
  if (((weir_Deferred *)lua_touserdata(L, idx))->phase == PHASE_PENDING)
    fire(L, S, idx, r, raised);
  else if (raised) /* the push has fired it, or cancelled it */
    weir_failure_report_error(L, S);
}

int weir_handle_deliver(lua_State *L, weir_State *S, uint64_t limit) {
  Reading r = {S, weir_mailbox_first(S->mailbox, limit), {NULL, NULL, NULL, 0, 0}, 1};
  int idx = lua_gettop(L) + 1, raised;
  if (!r.h)
    return 0;
  luaL_checkstack(L, 24, "too many nested calls");
  weir_deferred_reserve(L, S); /* while the letter is still there */
  push_deferred(L, S, r.h);
  lua_pushcfunction(L, read_letter);
  lua_pushlightuserdata(L, &r);
  lua_pushvalue(L, idx);
  raised = weir_deferred_call(L, S, 2, 1) != LUA_OK;
  if (r.h)
    return lua_error(L);
  settle(L, S, idx, &r, raised);
  lua_settop(L, idx);
  weir_deferred_drain(L, S);
  weir_pause_settle_hooks(L, S);
  lua_settop(L, idx - 1);
  return 1;
}
