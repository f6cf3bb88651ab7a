/*
** The wait: one record for all that wait on a Deferred, one way in, one way out.
** A waiter waits on one thing at a time, so the record is part of the waiter.
*/
#ifndef WEIR_WAIT_H
#define WEIR_WAIT_H

#include "deferred.h"

/* Makes room for one more waiter of the Deferred at idx: so that nothing runs, not even a
   finalizer, and nothing fails between a look at its state and weir_wait_begin. [-0, +0, m] */
void weir_wait_make_room(lua_State *L, weir_Deferred *d, int idx);
static inline void weir_wait_reserve(lua_State *L, weir_Deferred *d, int idx) {
  if (d->nwaiters > 0)
    weir_wait_make_room(L, d, idx);
}
/* The same; if there is no memory returns 0, and the error is pushed. [-0, +0|1, -] */
int weir_wait_try_reserve(lua_State *L, weir_Deferred *d, int idx);
/* The Deferred w waits on d, which is not ready. Nothing is changed on an error.
   [-0, +0, m], behind weir_wait_reserve [-0, +0, -] */
void weir_wait_begin(lua_State *L, weir_State *S, weir_Deferred *w, int widx, weir_Deferred *d,
                     int didx, weir_Wait how);
/* The same, but what is held stays so until weir_pause_rehold. [-0, +0, m] */
void weir_wait_attach(lua_State *L, weir_Deferred *w, int widx, weir_Deferred *d, int didx,
                      weir_Wait how);
/* The waiter at w leaves what it waits on. [-0, +0, -] */
void weir_wait_end(lua_State *L, weir_State *S, int w);
/* Tells all waiters of the Deferred at d its outcome, in order, and counts them. Returns 0 if it
   came to a stop for want of memory: the others wait on. [-0, +0, m] */
int weir_wait_tell(lua_State *L, weir_State *S, weir_Deferred *d, int idx, uint32_t *told);
/* Once it has an outcome that is no failure: is there nothing to see to but its waiters? And now:
   nothing comes before that. */
static inline int weir_wait_is_plain(const weir_State *S, const weir_Deferred *d) {
  return d->wait == WAIT_NONE && !(d->flags & ~(uint32_t)(FLAG_HOOKS | FLAG_CLAIM)) &&
         d->ncalls == 0 && !d->timers && weir_deque_empty(&S->fires);
}
/* Then: is it all there is to do to wake one who awaits it? */
static inline int weir_wait_is_for_one(const weir_State *S, const weir_Deferred *d) {
  return d->nwaiters == 1 && d->first->wait == WAIT_AWAIT && S->anchors.free != WEIR_NO_ANCHOR;
}
/* It is: that one goes on with the n values on top, at most one, and the Deferred at d is settled.
   These need not be its outcome, which stays as it is. [-n, +0, -] */
void weir_wait_hand(lua_State *L, weir_State *S, weir_Deferred *d, int idx, int n);
/* The adopter at w takes the outcome of the Deferred at d; returns whether it did, or ended with
   its own cancel error instead. [-0, +0, -] */
int weir_wait_take(lua_State *L, weir_State *S, int w, int d);
/* Ends the waiter at w, which waits on nothing, with the error on top. [-1, +0, m] */
void weir_wait_fail(lua_State *L, weir_State *S, int w);
/* True if `d` would wait on itself, were it to wait on `target`, and on nothing else beside. With
   `thorough` also if it would through one of several sources. */
int weir_wait_closes_circle(weir_State *S, const weir_Deferred *d, const weir_Deferred *target,
                            int thorough);
/* Is there a way from what `d` waits on back to it? */
int weir_wait_is_in_circle(weir_State *S, const weir_Deferred *d);

#define WEIR_ABOVE_MOST 32

/* A way through all that wait on `root`, directly or not; nothing may change meanwhile. */
typedef struct weir_Above {
  const weir_Deferred *root, *at;
  uint32_t number; /* of this look: what it has come by bears it in `now` */
  int room, depth; /* of `links`: how many may be used, how many are */
  const weir_Deferred
      *links[WEIR_ABOVE_MOST]; /* on the way to `at`, where one is not the only one */
} weir_Above;
/* Begins at `root`. What waits through one of several links is found behind up to `room` of these.
 */
void weir_wait_look_above(weir_State *S, weir_Above *a, const weir_Deferred *root, int room);
/* Goes on; NULL at the end. */
const weir_Deferred *weir_wait_next_above(weir_Above *a);

/* How many wait on `d`: whoever owns it counts only while nobody else does. */
static inline uint32_t weir_wait_count(const weir_Deferred *d) {
  return d->nwaiters > 1 && (d->flags & FLAG_OWNED) ? d->nwaiters - 1 : d->nwaiters;
}

#endif
