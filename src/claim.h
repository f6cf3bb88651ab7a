/* A Deferred that stands for what comes next from somewhere, for one who waits: see lib_claim.c. */
#ifndef WEIR_CLAIM_H
#define WEIR_CLAIM_H

#include "deferred.h"

/* Has told its one waiter, and nothing else has been done to it. */
static inline int weir_claim_is_spent(const weir_Deferred *d) {
  return d && d->phase == PHASE_SETTLED && d->flags == (FLAG_HOOKS | FLAG_CLAIM) &&
         d->nwaiters == 0 && d->ncalls == 0 && d->pauses == 0 && !d->target && !d->timers;
}

static inline int weir_claim_is_awaited(const weir_Deferred *d) {
  return d && (d->flags & FLAG_CLAIM) && d->phase == PHASE_PENDING && !(d->flags & FLAG_MARKED);
}

/* It is spent, and stands for the next. */
static inline void weir_claim_renew(weir_Deferred *d) {
  d->phase = PHASE_PENDING;
  d->nvalues = 0;
}

#endif
