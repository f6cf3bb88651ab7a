#include "failure.h"

#include <string.h>

#include "coroutine.h"
#include "ready.h"
#include "side.h"
#include "trap.h"

#define TRACE_MOST 50 /* awaits that a traceback shows */

/* ---- error objects ---- */

void weir_error_new(lua_State *L, weir_State *S, weir_ErrorClass class) {
  lua_createtable(L, 0, 1);
  lua_insert(L, -2);
  lua_setfield(L, -2, "message");
  weir_state_push(L, S, (int)class);
  lua_setmetatable(L, -2);
}

int weir_error_raise(lua_State *L, weir_State *S, weir_ErrorClass class, const char *message) {
  luaL_where(L, 1);
  lua_pushstring(L, message);
  lua_concat(L, 2);
  weir_error_new(L, S, class);
  return lua_error(L);
}

void weir_error_cancelled(lua_State *L, weir_State *S) {
  int has_reason = !lua_isnil(L, -1); /* mostly there is none */
  lua_createtable(L, 0, has_reason);
  lua_insert(L, -2);
  if (has_reason)
    lua_setfield(L, -2, "reason");
  else
    lua_pop(L, 1);
  weir_state_push(L, S, ERROR_CANCELLED);
  lua_setmetatable(L, -2);
}

int weir_error_is(lua_State *L, const weir_State *S, int idx, weir_ErrorClass class) {
  return lua_istable(L, idx) && weir_state_class(L, idx) == S->classes[class];
}

/* ---- notes ---- */

static weir_Note *new_note(lua_State *L, weir_State *S) {
  weir_Note *note = lua_newuserdatauv(L, sizeof *note, NOTE_SLOTS);
  *note = (weir_Note){.tag = weir_tag(S, TAG_NOTE)};
  weir_state_push(L, S, HOME_NOTE);
  lua_setmetatable(L, -2);
  return note;
}

static weir_Note *note_at(lua_State *L, const weir_State *S, int idx) {
  weir_Note *note = lua_touserdata(L, idx);
  return note && lua_rawlen(L, idx) == sizeof *note && note->tag == weir_tag(S, TAG_NOTE) ? note
                                                                                          : NULL;
}

/* Pushes the note of the failure of the Deferred at idx, or nil. */
static weir_Note *push_note(lua_State *L, weir_State *S, int idx) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  if (d->flags & FLAG_NOTED)
    lua_getiuservalue(L, idx, UV_TARGET);
  else
    lua_pushnil(L);
  return note_at(L, S, -1);
}

static int is_error_of(lua_State *L, int note, int err) {
  int same;
  lua_getiuservalue(L, note, NOTE_ERROR);
  same = lua_rawequal(L, -1, err);
  lua_pop(L, 1);
  return same;
}

static void copy_slot(lua_State *L, int from, int to, int slot) {
  lua_getiuservalue(L, from, slot);
  lua_setiuservalue(L, to, slot);
}

/* The note on top goes on from the one below it; a very long way is not followed. */
static void continue_note(lua_State *L, weir_Note *note, const weir_Note *source) {
  int top = lua_gettop(L);
  if (source->depth < TRACE_MOST) {
    note->depth = (uint8_t)(source->depth + 1);
    lua_pushvalue(L, top - 1);
    lua_setiuservalue(L, top, NOTE_SOURCE);
  } else {
    note->depth = source->depth;
    copy_slot(L, top - 1, top, NOTE_TRACE);
    copy_slot(L, top - 1, top, NOTE_SOURCE);
  }
}

/* The traceback on top, of a stack whose innermost function is the one of `ar`, gets another line
   for that. */
static void mend_line(lua_State *L, const lua_Debug *ar, int line) {
  const char *trace = lua_tostring(L, -1), *rest;
  size_t before;
  lua_pushfstring(L, "stack traceback:\n\t%s:", ar->short_src);
  before = lua_rawlen(L, -1);
  if (strncmp(trace, lua_tostring(L, -1), before) == 0) {
    rest = trace + before + strspn(trace + before, "0123456789");
    lua_pushfstring(L, "%s%d%s", lua_tostring(L, -1), line, rest);
    lua_replace(L, -3);
  }
  lua_pop(L, 1);
}

static void push_stack(lua_State *L, weir_State *S, lua_State *thread, int level, int err) {
  int line = S->running && thread == L ? weir_trap_raised_at(L, S, err) : 0;
  lua_Debug ar;
  luaL_traceback(L, thread, NULL, level);
  if (line > 0 && lua_getstack(L, level, &ar) && lua_getinfo(L, "S", &ar))
    mend_line(L, &ar, line);
}

/* Pushes a note of the error at err with the stack of `thread` from a level on. */
static weir_Note *note_stack(lua_State *L, weir_State *S, lua_State *thread, int level, int err) {
  weir_Note *note = new_note(L, S);
  push_stack(L, S, thread, level, err);
  lua_setiuservalue(L, -2, NOTE_TRACE);
  lua_pushvalue(L, err);
  lua_setiuservalue(L, -2, NOTE_ERROR);
  return note;
}

/* The note on top, popped, is the source of the one at `note`, if it is of the same error. */
static void link_source(lua_State *L, const weir_State *S, int note, int err) {
  int top = lua_gettop(L);
  const weir_Note *source = note_at(L, S, top);
  if (source && is_error_of(L, top, err)) {
    lua_pushvalue(L, note);
    continue_note(L, lua_touserdata(L, note), source);
  }
  lua_settop(L, top - 1);
}

/* Has the running coroutine seen the error at err come out of a wait or a generator? */
static void link_seen(lua_State *L, weir_State *S, int note, int err) {
  if (!S->running->seen)
    return;
  weir_coroutine_push_running(L, S);
  weir_side_push(L, lua_gettop(L), SIDE_SEEN);
  link_source(L, S, note, err);
  lua_pop(L, 1);
}

/* Moves the note on top into a slot of the side of the running coroutine. */
static void keep(lua_State *L, weir_State *S, int slot) {
  int me;
  weir_coroutine_push_running(L, S);
  lua_insert(L, -2);
  me = lua_gettop(L) - 1;
  weir_side_need(L, S, S->running, me);
  weir_side_set(L, me, slot);
  lua_pop(L, 1);
}

int weir_failure_handler(lua_State *L) {
  weir_State *S = weir_state_get(L);
  lua_settop(L, 1);
#ifdef WEIR_NIL_ERROR
  if (lua_isnil(L, 1)) {
    lua_pushliteral(L, WEIR_NIL_ERROR);
    lua_replace(L, 1);
  }
#endif
  if (S->running)
    S->running->unwinding = 1;
  if (weir_error_is(L, S, 1, ERROR_CANCELLED) || !lua_checkstack(L, 14))
    return 1;
  if (S->running) {
    note_stack(L, S, L, 1, 1);
    link_seen(L, S, 2, 1);
    keep(L, S, SIDE_NOTE);
  } else {
    note_stack(L, S, L, 1, 1);
    weir_failure_set_last(L, S);
  }
  return 1;
}

void weir_failure_pass(lua_State *L, weir_State *S, lua_State *thread, int level) {
  int err = lua_gettop(L);
  if (!S->running || weir_error_is(L, S, err, ERROR_CANCELLED) || !lua_checkstack(L, 14))
    return;
  note_stack(L, S, thread, level, err);
  link_seen(L, S, err + 1, err);
  keep(L, S, SIDE_SEEN);
  S->running->seen = 1;
  lua_settop(L, err);
}

/* Arguments: the state, the error. */
static int note_break(lua_State *L) {
  weir_State *S = lua_touserdata(L, 1);
  note_stack(L, S, S->running->thread, 0, 2);
  link_seen(L, S, 3, 2);
  keep(L, S, SIDE_NOTE);
  S->running->unwinding = 1;
  return 0;
}

void weir_failure_break(lua_State *L, weir_State *S) {
  lua_pushcfunction(L, note_break);
  lua_pushlightuserdata(L, S);
  lua_pushvalue(L, -3);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK) /* without memory it has no traceback */
    lua_pop(L, 1);
}

static void set_note(lua_State *L, weir_Note *note, int idx) { /* the note on top, popped */
  weir_Deferred *d = lua_touserdata(L, idx);
  note->of = d;
  lua_pushvalue(L, idx);
  lua_setiuservalue(L, -2, NOTE_DEFERRED);
  lua_setiuservalue(L, idx, UV_TARGET);
  d->flags |= FLAG_NOTED;
}

void weir_failure_take(lua_State *L, weir_State *S, int idx) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  int top = lua_gettop(L);
  weir_Note *note;
  if (!S->has_failure)
    return;
  weir_state_push(L, S, HOME_LAST_FAILURE);
  weir_failure_forget_last(L, S);
  note = note_at(L, S, top + 1);
  lua_getiuservalue(L, idx, UV_VALUE);
  if (note && (d->flags & FLAG_FAILED) && is_error_of(L, top + 1, top + 2)) {
    lua_pop(L, 1);
    set_note(L, note, idx);
  }
  lua_settop(L, top);
}

void weir_failure_push_note(lua_State *L, weir_State *S, int idx) {
  push_note(L, S, idx);
}

void weir_failure_take_raised(lua_State *L, weir_State *S, int idx) {
  int seen = lua_gettop(L);
  weir_failure_take(L, S, idx);
  if (push_note(L, S, idx)) {
    lua_getiuservalue(L, idx, UV_VALUE);
    lua_pushvalue(L, seen);
    link_source(L, S, seen + 1, seen + 2);
  }
  lua_settop(L, seen - 1);
}

/* ---- what nobody has handled ---- */

static void list_note(lua_State *L, weir_State *S, weir_Note *note) { /* the note on top */
  weir_state_push(L, S, HOME_NOTES);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, (lua_Integer)++S->notes);
  lua_pop(L, 1);
  note->number = S->notes;
  note->listed = 1;
  S->listed++;
}

static void unlist_note(lua_State *L, weir_State *S, weir_Note *note) {
  if (!note->listed)
    return;
  note->listed = 0;
  S->listed -= S->listed > 0;
  weir_state_push(L, S, HOME_NOTES);
  lua_pushnil(L);
  lua_rawseti(L, -2, (lua_Integer)note->number);
  lua_pop(L, 1);
}

static int is_unseen(const weir_Deferred *d) {
  return d->phase == PHASE_SETTLED && (d->flags & (FLAG_FAILED | FLAG_HANDLED)) == FLAG_FAILED;
}

/* Makes sure that the Deferred at idx has a note of its own, and pushes it. */
static weir_Note *own_note(lua_State *L, weir_State *S, int idx) {
  int top = lua_gettop(L);
  weir_Note *inherited = push_note(L, S, idx), *note;
  if (inherited && inherited->of == lua_touserdata(L, idx))
    return inherited;
  note = new_note(L, S);
  if (!is_unseen(lua_touserdata(L, idx))) /* a finalizer saw to it */
    return NULL;
  lua_getiuservalue(L, idx, UV_VALUE);
  lua_setiuservalue(L, -2, NOTE_ERROR);
  if (inherited) {
    copy_slot(L, top + 1, top + 2, NOTE_TRACE);
    copy_slot(L, top + 1, top + 2, NOTE_SOURCE);
    note->depth = inherited->depth;
  }
  lua_replace(L, top + 1);
  lua_pushvalue(L, top + 1);
  set_note(L, note, idx);
  return note;
}

void weir_failure_note(lua_State *L, weir_State *S, int idx) {
  const weir_Deferred *d = lua_touserdata(L, idx);
  int top = lua_gettop(L), silent;
  weir_Note *note;
  if (!is_unseen(d))
    return;
  lua_getiuservalue(L, idx, UV_VALUE);
  silent = weir_error_is(L, S, top + 1, ERROR_CANCELLED);
  lua_settop(L, top);
  if (silent)
    return;
  note = own_note(L, S, idx);
  if (note && !note->listed)
    list_note(L, S, note);
  lua_settop(L, top);
}

void weir_failure_handled(lua_State *L, weir_State *S, int idx) {
  weir_Deferred *d = lua_touserdata(L, idx);
  weir_Note *note;
  if (!(d->flags & FLAG_FAILED))
    return;
  d->flags |= FLAG_HANDLED;
  if (!(d->flags & FLAG_NOTED))
    return;
  note = push_note(L, S, idx);
  if (note && note->of == d)
    unlist_note(L, S, note);
  lua_pop(L, 1);
}

void weir_failure_forget(lua_State *L, weir_State *S, int idx) {
  weir_Deferred *d = lua_touserdata(L, idx);
  if (!(d->flags & FLAG_NOTED))
    return;
  weir_failure_handled(L, S, idx);
  d->flags &= ~(uint32_t)FLAG_NOTED;
  lua_pushnil(L);
  lua_setiuservalue(L, idx, UV_TARGET);
}

void weir_failure_see(lua_State *L, weir_State *S) {
  keep(L, S, SIDE_SEEN);
  S->running->seen = 1;
}

void weir_failure_seen(lua_State *L, weir_State *S, int idx) {
  weir_failure_handled(L, S, idx);
  if (!(((const weir_Deferred *)lua_touserdata(L, idx))->flags & FLAG_NOTED))
    return;
  lua_getiuservalue(L, idx, UV_TARGET);
  weir_failure_see(L, S);
}

/* ---- tracebacks ---- */

void weir_failure_push_trace(lua_State *L, weir_State *S, int idx) {
  luaL_Buffer b;
  int pieces = 0;
  int top = lua_gettop(L), slot;
  lua_pushnil(L); /* becomes the note in hand */
  slot = top + 1;
  lua_pushvalue(L, idx);
  lua_replace(L, slot);
  lua_createtable(L, 4, 0);
  while (note_at(L, S, slot)) { /* from the last await back to where it failed */
    if (lua_getiuservalue(L, slot, NOTE_TRACE) == LUA_TSTRING)
      lua_rawseti(L, slot + 1, ++pieces);
    else
      lua_pop(L, 1);
    lua_getiuservalue(L, slot, NOTE_SOURCE);
    lua_replace(L, slot);
  }
  luaL_buffinit(L, &b);
  for (int i = pieces; i > 0; i--) {
    if (i < pieces)
      luaL_addstring(&b, "\nawaited by:\n");
    lua_rawgeti(L, slot + 1, i);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  lua_replace(L, slot);
  lua_settop(L, slot);
}

/* ---- reports ---- */

static const char *name_of(lua_State *L, int idx) {
  const weir_Deferred *d = weir_deferred_at(L, weir_state_get(L), idx);
  return d && weir_is_coroutine(d) ? ((const weir_Coroutine *)(const void *)d)->name : NULL;
}

static int make_text(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

/* Of an error whose __tostring fails, too. [-0, +1, m] */
static const char *push_text(lua_State *L, int idx) {
  lua_pushcfunction(L, make_text);
  lua_pushvalue(L, idx);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    lua_pop(L, 1);
    lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, idx));
  }
  return lua_tostring(L, -1);
}

/* Arguments: error, traceback, Deferred. */
static int default_report(lua_State *L) {
  const char *name = name_of(L, 3), *text = push_text(L, 1);
  if (name)
    lua_pushfstring(L, "weir: unhandled failure of '%s'", name);
  else
    lua_pushliteral(L, "weir: unhandled failure");
  lua_writestringerror("%s: ", lua_tostring(L, -1));
  lua_writestringerror("%s\n", text);
  if (lua_type(L, 2) == LUA_TSTRING && lua_rawlen(L, 2) > 0)
    lua_writestringerror("%s\n", lua_tostring(L, 2));
  return 0;
}

/* Arguments: the report that there would be without the hook, its three arguments, the error of the
   hook. */
static int report_broken(lua_State *L) {
  lua_insert(L, 1);
  if (lua_pcall(L, 3, 0, 0) != LUA_OK)
    lua_pop(L, 1);
  lua_writestringerror("weir: error in the handler of that: %s\n", push_text(L, 1));
  return 0;
}

void weir_failure_set_last(lua_State *L, weir_State *S) {
  S->has_failure = !lua_isnil(L, -1);
  weir_state_set(L, S, HOME_LAST_FAILURE);
}

void weir_failure_forget_last(lua_State *L, weir_State *S) {
  if (!S->has_failure)
    return;
  lua_pushnil(L);
  weir_failure_set_last(L, S);
}

/* The hook is below its three arguments. One that raises: say so, go on. */
static void call_hook(lua_State *L, weir_State *S, lua_CFunction otherwise) {
  int hook = lua_gettop(L) - 3;
  lua_pushcfunction(L, report_broken);
  lua_pushcfunction(L, otherwise);
  for (int i = 1; i <= 3; i++)
    lua_pushvalue(L, hook + i);
  lua_rotate(L, hook, 5);
  if (weir_deferred_call(L, S, 3, 0) == LUA_OK) {
    lua_settop(L, hook - 1);
    return;
  }
  if (lua_pcall(L, 5, 0, 0) != LUA_OK)
    lua_pop(L, 1);
  weir_failure_forget_last(L, S);
}

/* What the hook starts in a turn may fail in its turn, and be told of: that would go on for ever,
   if the turn ran it. */
void weir_failure_tell(lua_State *L, weir_State *S, int slot, lua_CFunction otherwise) {
  uint64_t before = S->ticket;
  luaL_checkstack(L, 16, "too many nested calls");
  weir_state_push(L, S, slot);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushcfunction(L, otherwise);
  }
  lua_insert(L, -4);
  call_hook(L, S, otherwise);
  if (S->busy)
    weir_ready_set_back(S, before);
}

/* error, traceback and Deferred on top */
static void report(lua_State *L, weir_State *S) {
  S->unhandled++;
  weir_failure_tell(L, S, HOME_ON_UNHANDLED, default_report);
}

void weir_failure_report_error(lua_State *L, weir_State *S) {
  int err = lua_gettop(L);
  luaL_checkstack(L, 12, "too many nested calls");
  if (weir_error_is(L, S, err, ERROR_CANCELLED)) { /* 5.10 */
    weir_failure_forget_last(L, S);
    lua_pop(L, 1);
    return;
  }
  weir_state_push(L, S, HOME_LAST_FAILURE);
  weir_failure_forget_last(L, S);
  if (note_at(L, S, err + 1) && is_error_of(L, err + 1, err))
    weir_failure_push_trace(L, S, err + 1);
  else
    lua_pushliteral(L, "");
  lua_replace(L, err + 1);
  lua_pushnil(L);
  report(L, S);
  lua_settop(L, err - 1);
}

/* The note on top, which leaves the list. */
static void report_note(lua_State *L, weir_State *S, weir_Note *note) {
  int idx = lua_gettop(L);
  luaL_checkstack(L, 12, "too many nested calls");
  unlist_note(L, S, note);
  lua_getiuservalue(L, idx, NOTE_DEFERRED);
  weir_failure_handled(L, S, idx + 1);
  lua_pop(L, 1);
  lua_getiuservalue(L, idx, NOTE_ERROR);
  weir_failure_push_trace(L, S, idx);
  lua_getiuservalue(L, idx, NOTE_DEFERRED);
  report(L, S);
  lua_settop(L, idx);
}

void weir_failure_report_all(lua_State *L, weir_State *S) {
  int top = lua_gettop(L);
  uint64_t last = S->notes; /* what a handler adds waits for the next time */
  while (S->notes_seen < last) {
    weir_state_push(L, S, HOME_NOTES); /* one that is being collected is in it no more */
    if (lua_rawgeti(L, -1, (lua_Integer)++S->notes_seen) == LUA_TUSERDATA)
      report_note(L, S, lua_touserdata(L, -1));
    lua_settop(L, top);
  }
  if (S->notes == last)
    S->listed = 0;
}

int weir_note_gc(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_Note *note = note_at(L, S, 1);
  if (note && note->listed)
    report_note(L, S, note);
  return 0;
}
