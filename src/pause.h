/*
** Pause: what is held, and the hooks that say so (section 6 of the contract).
*/
#ifndef WEIR_PAUSE_H
#define WEIR_PAUSE_H

#include "deferred.h"

/* Brings the hold of the Deferred at idx, and of what it waits on, up to date. [-0, +0, m] */
void weir_pause_walk(lua_State *L, weir_State *S, weir_Deferred *d, int idx);
static inline void weir_pause_rehold(lua_State *L, weir_State *S, weir_Deferred *d, int idx) {
  if ((d->flags & (FLAG_HELD | FLAG_OWNED)) || d->nheld || d->pauses > d->voided)
    weir_pause_walk(L, S, d, idx);
}

/* One pause more or less of the Deferred at idx, and what follows of that. On an error, of memory,
   it is taken back. [-0, +0, m] */
void weir_pause_change(lua_State *L, weir_State *S, int idx, int change);

/* Places in the table of hooks. */
enum { HOOK_CANCEL = 1, HOOK_PAUSE, HOOK_UNPAUSE, HOOK_PURPOSE /* a string, or nil */ };

/* Pushes a hook of the pending Deferred at idx; 0 if it has none. [-0, +0|1, -] */
int weir_pause_push_hook(lua_State *L, weir_State *S, int idx, int hook);
/* Calls the hook on top with the Deferred at idx. Returns Lua's status. [-1, +0|1, -] */
int weir_pause_call_hook(lua_State *L, weir_State *S, int idx);
/* Runs the hook that the Deferred at idx is due, ahead of others of the same walk; an error
   goes to the handler of unhandled failures. [-0, +0, m] */
void weir_pause_tell_hook(lua_State *L, weir_State *S, int idx);
/* Runs the hooks that became due; pushes the first error and returns 1 if there was one.
   [-0, +0|1, m] */
int weir_pause_run_hooks(lua_State *L, weir_State *S);
/* The same where nobody can be told: errors go to the handler of unhandled failures. [-0, +0, m] */
void weir_pause_report_hooks(lua_State *L, weir_State *S);
static inline void weir_pause_settle_hooks(lua_State *L, weir_State *S) {
  if (!weir_deque_empty(&S->hooks))
    weir_pause_report_hooks(L, S);
}

#endif
