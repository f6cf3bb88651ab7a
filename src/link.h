/*
** Links: how one Deferred waits on several others. A link is a hidden Deferred
** that waits on one of them, the source, for the one behind it, the `other`:
** that of d:chain(other), a shield, or what the library makes of many parts.
**
** The links of an other form a list by their user values, in the order in which
** they came: UV_TARGET of the other is the first, LINK_NEXT and LINK_PREVIOUS
** go on from there, and the first's LINK_PREVIOUS is the last. They hold the
** sources; a source holds the link, and the link the other, as waiters.
*/
#ifndef WEIR_LINK_H
#define WEIR_LINK_H

#include "deferred.h"

/* User values of a link, the names that it has for those of any Deferred. */
enum {
  LINK_NEXT = UV_VALUE,
  LINK_OTHER = UV_CALLBACKS,
  LINK_PREVIOUS = UV_WAITERS,
  LINK_SOURCE = UV_TARGET,
  LINK_HANDLER =
      UV_DEFERRED + 1, /* parts: called with the key and the source when that has settled */
  LINK_KEY,
  LINK_SLOTS = LINK_KEY
};

/* The pending Deferred at o takes the outcome of the one at d: now, or, perhaps as one of several,
   through a link. `how`: WAIT_CHAIN or WAIT_SHIELD. [-0, +0, m] */
void weir_link_follow(lua_State *L, weir_State *S, int o, int d, weir_Wait how);
/* The pending Deferred at o has the one at d as a part, with the handler at h and the key behind
   it. Returns 0, and does nothing, if that is ready. `how`: WAIT_PART or WAIT_OWN. [-0, +0, m] */
int weir_link_add_part(lua_State *L, weir_State *S, int o, int d, int h, weir_Wait how);
/* The source at d tells the link at idx, which waits on it no longer. Returns whether the link took
   a failure for handled. [-0, +0, m] */
int weir_link_deliver(lua_State *L, weir_State *S, int idx, int d, weir_Wait how);
/* The Deferred at o takes the outcome of the settled one at d, unless it has one. Returns whether
   that may be told; nothing is queued. [-0, +0, m] */
int weir_link_take(lua_State *L, weir_State *S, int o, int d);
/* The same, and queues the telling. [-0, +0, m] */
void weir_link_fire(lua_State *L, weir_State *S, int o, int d);
/* Drops the link at idx of the Deferred at o, or all that it has. [-0, +0, m] */
void weir_link_remove(lua_State *L, weir_State *S, int o, int idx);
void weir_link_drop(lua_State *L, weir_State *S, int o);

#endif
