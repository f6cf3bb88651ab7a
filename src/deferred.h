/*
** The Deferred: an outcome to come, a chain of callbacks, and its place in the
** graph of what waits on what. Everything that can be waited on is one, a
** Coroutine too.
*/
#ifndef WEIR_DEFERRED_H
#define WEIR_DEFERRED_H

#include <stdint.h>

#include "state.h"

typedef enum weir_Kind {
  KIND_DEFERRED,
  KIND_COROUTINE,
  KIND_TIMED, /* weir.after: fired by its clock */
  KIND_JOIN,  /* made of parts by the library: it waits on them through links */
  KIND_LINK   /* hidden, see link.h */
} weir_Kind;

typedef enum weir_Phase {
  PHASE_PENDING, /* no outcome yet */
  PHASE_FIRED,   /* an outcome, and callbacks or waiters that have not seen it */
  PHASE_WAITING, /* a callback or the body returned a Deferred: its outcome is awaited */
  PHASE_SETTLED  /* all have been told; goes back to FIRED when a callback is added */
} weir_Phase;

/* What a waiter does with the outcome of what it waits on. */
typedef enum weir_Wait {
  WAIT_NONE,
  WAIT_AWAIT,  /* a coroutine: resume it with the values */
  WAIT_ADOPT,  /* make it one's own, run on along the callbacks */
  WAIT_CHAIN,  /* a link: fire the one behind it */
  WAIT_SHIELD, /* a link too: but neither cancel nor pause goes down it */
  WAIT_PART,   /* a link too: tell the handler of the one behind it */
  WAIT_OWN,    /* the same, and the one behind it owns this part: it takes it along */
  WAIT_LINKS   /* what has links before it: they do the work */
} weir_Wait;

enum {
  FLAG_FAILED = 1 << 0,    /* the outcome is a failure */
  FLAG_MARKED = 1 << 1,    /* cancelled while pending; a coroutine for good */
  FLAG_OVERRIDE = 1 << 2,  /* cancelled, so no pause holds it; until settled */
  FLAG_DROP_LATE = 1 << 3, /* a late fire is dropped, once */
  FLAG_HELD = 1 << 4,      /* by its own pause, or because all that wait on it are held */
  FLAG_BUSY = 1 << 5,      /* its callbacks are being run */
  FLAG_QUEUED = 1 << 6,    /* in `fires` */
  FLAG_MANY = 1 << 7,      /* UV_WAITERS is a table */
  FLAG_LEAVING = 1 << 8,   /* what it waits on was cancelled on its behalf */
  FLAG_TIMED_OUT = 1 << 9, /* cancelled by its own timeout */
  FLAG_NOTED = 1 << 10,    /* UV_TARGET is a note of its failure */
  FLAG_HANDLED = 1 << 11,  /* somebody has seen this failure, or it has been reported */
  FLAG_SPILLED = 1 << 13,  /* UV_CALLBACKS is a list */
  FLAG_TELLING = 1 << 14,  /* its waiters are being told: nothing holds it meanwhile */
  FLAG_STRUCK = 1 << 16,   /* a failure since it was cancelled: what follows is no answer to that */
  FLAG_TOLD_HELD = 1 << 18, /* the last hook that ran was that for a pause */
  FLAG_CLAIM = 1 << 17,     /* cancelled with a coroutine that was about to wait for it */
  FLAG_OWNED = 1 << 15,     /* one of its waiters is a WAIT_OWN, and not counted beside others */
  FLAG_HANDLE = 1 << 19,    /* while pending: other threads may fire it, see handle.h */
  FLAG_HOOKS = 1 << 12      /* while pending, UV_VALUE is a table of hooks, else a canceller or nil;
                               a Coroutine has its own in HOME_HOOKS */
};

/* User values. */
enum {
  UV_VALUE = 1, /* pending: hooks, of a coroutine or join its cancel error, of a join before that
                   what it is for, of a timer its clock; fired: the value, or a table of them */
  UV_CALLBACKS, /* one function, or a list */
  UV_WAITERS,   /* one waiter, or a table of them by their `slot` */
  UV_TARGET,    /* what it waits on, of one that sleeps its clock; after a failure a note */
  UV_DEFERRED = UV_TARGET,
  UV_THREAD, /* coroutines: until it ends */
  UV_SIDE,   /* coroutines: its name or nil; if `has_side`, that */
  UV_COROUTINE = UV_SIDE,
  UV_ARGUMENTS = UV_TARGET + 1, /* timed ones: what to fire with */
  UV_TIMED = UV_ARGUMENTS
};

/*
** Owned by Lua. Pointers to other Deferreds are never owners: `target` is alive
** because UV_TARGET holds it, waiters because UV_WAITERS does; both are NULL
** when the user value is.
*/
struct weir_Deferred {
  uint32_t tag;       /* TAG_DEFERRED */
  uint32_t next_call; /* slots of the list of callbacks that are taken */
  weir_Timer *timers; /* armed limits: timeouts and grace */
  uint32_t ncalls;    /* callbacks that are not taken, in slots; 1 if there is no list */
  /* What a pause looks at is from here on, then comes what a switch looks at, up to the beginning
     of a Coroutine: so either mostly finds all in two lines of the processor's cache. */
  int pauses;            /* own, counted */
  int voided;            /* those of them that a cancel has overridden for good */
  uint32_t nheld;        /* of the waiters */
  weir_Deferred *target; /* what it waits on */
  weir_Deferred *first;  /* of its waiters, in the order they came */
  uint32_t nwaiters;
  int nvalues;        /* of the outcome; before that, how many links it has; of a coroutine with a
                         body, which has none, how often it has been resumed */
  uint8_t kind;       /* weir_Kind */
  uint8_t phase;      /* weir_Phase */
  uint8_t wait;       /* weir_Wait; not NONE while `target` is set */
  uint8_t first_call; /* weir_Call of the callback in UV_CALLBACKS, if it is no list */
  uint32_t flags;
  union {
    uint32_t look;  /* of one that waits on several: number of the last weir_Above that came by */
    uint32_t since; /* of one that awaits or adopts one, or sleeps: the stamp of when that began */
    int nargs;      /* LIFE_NEW, LIFE_READY of a coroutine: values on top of `thread` */
  } now;
  int anchor; /* of a coroutine: its slot while ready or in hand, see ready.h */
  union {
    int64_t slot;      /* while `target` is set: key in its table of waiters, ascending */
    weir_Timer *timer; /* LIFE_ASLEEP of a coroutine: when it goes on */
    uint64_t ticket;   /* of a coroutine in the ready queue: its place there */
    lua_State *top;    /* of one that executes: where, on its thread or in the innermost generator;
                          NULL while it is closed: nothing in a handler may suspend */
  } at;
  weir_Deferred *earlier, *later; /* neighbours among the waiters of `target`; a coroutine's, that
                                     waits for nothing, in the ready queue or among callers */
};

/* The Deferred at idx, NULL if that is anything else. [-0, +0, -] */
weir_Deferred *weir_deferred_at(lua_State *L, const weir_State *S, int idx);

/* Pushes a new pending one. [-0, +1, m] */
weir_Deferred *weir_deferred_new(lua_State *L, weir_State *S, weir_Kind kind, size_t size);
/* The same, but where is not noted in debug mode. [-0, +1, m] */
weir_Deferred *weir_deferred_make(lua_State *L, weir_State *S, weir_Kind kind, size_t size);

/* The outcome can be had now: settled, and not held. */
static inline int weir_deferred_ready(const weir_Deferred *d) {
  return d->phase == PHASE_SETTLED && !(d->flags & FLAG_HELD);
}

/* An outcome that may be told. */
static inline int weir_deferred_is_to_tell(const weir_Deferred *d) {
  return d->phase == PHASE_FIRED && !(d->flags & FLAG_HELD);
}

/* There is something to cancel: no outcome yet, or that of another is awaited. */
static inline int weir_deferred_is_open(const weir_Deferred *d) {
  return d->phase == PHASE_PENDING || d->phase == PHASE_WAITING;
}

/* Replaces the n values on top by what a user value can hold: one value. [-n, +1, m] */
void weir_deferred_pack(lua_State *L, int n);
/* The same where nothing may be raised: an error becomes the value, and sets `failed`. Returns the
   number of values. [-n, +1, -] */
int weir_deferred_pack_safely(lua_State *L, int n, int *failed);
/* Where a function takes a Deferred and an index, the value of that one is there. */

/* Pushes the values of the outcome; returns their number. [-0, +n, e] */
int weir_deferred_push_outcome(lua_State *L, const weir_Deferred *d, int idx);
/* The value on top, packed, is the outcome now; no one is told yet. [-1, +0, -] */
void weir_deferred_set_outcome(lua_State *L, weir_State *S, weir_Deferred *d, int idx, int n,
                               int failed);
/* Gives the Deferred at `to` the outcome of the one at `from`. [-0, +0, -] */
void weir_deferred_copy_outcome(lua_State *L, weir_State *S, int from, int to);
/* Gives it what else is known of that outcome. [-0, +0, -] */
void weir_deferred_copy_origin(lua_State *L, int from, int to);

/* The packed value on top is the outcome of the pending Deferred at idx. Returns whether it may be
   told; nothing is queued. [-1, +0, -] */
int weir_deferred_take(lua_State *L, weir_State *S, weir_Deferred *d, int idx, int n, int failed);
/* Before something changes of which others are to be told: that one is queued to tell it, and one
   is woken, does not fail for want of memory then. Runs no finalizer. [-0, +0, m] */
static inline void weir_deferred_reserve(lua_State *L, weir_State *S) {
  weir_anchor_reserve(L, &S->anchors);
  weir_deque_reserve(L, &S->fires);
}

/* Fires the pending Deferred at idx with the packed outcome on top, and queues the telling.
   [-1, +0, m] */
void weir_deferred_fire(lua_State *L, weir_State *S, int idx, int n, int failed);
/* The same, and tells at once, unless nested too deep. [-1, +0, m] */
void weir_deferred_fire_now(lua_State *L, weir_State *S, weir_Deferred *d, int idx, int n,
                            int failed);
/* The Deferred at idx has an outcome: tell it at once, unless others are before it or it is nested
   too deep. [-0, +0, m] */
void weir_deferred_tell(lua_State *L, weir_State *S, weir_Deferred *d, int idx);
/* The same later: queue the telling. [-0, +0, m] */
void weir_deferred_queue(lua_State *L, weir_State *S, int idx);
/* Runs the telling, unless nested too deep: then the outer call does. [-0, +0, m] */
void weir_deferred_run_queue(lua_State *L, weir_State *S);
static inline void weir_deferred_drain(lua_State *L, weir_State *S) {
  if (!weir_deque_empty(&S->fires))
    weir_deferred_run_queue(L, S);
}

/* Makes the Deferred at idx take the outcome of the one on top. [-1, +0, m] */
void weir_deferred_adopt(lua_State *L, weir_State *S, int idx);

typedef enum weir_Call { CALL_CALLBACK, CALL_ERRBACK, CALL_BOTH, CALL_PAIR } weir_Call;

/* Adds the function at `f`, or for CALL_PAIR the two from there. [-0, +0, m] */
void weir_deferred_add(lua_State *L, weir_State *S, weir_Deferred *d, int idx, weir_Call call,
                       int f);

/* Calls the function below n arguments as a callback or hook: in protected mode, outside of any
   coroutine. Returns Lua's status. [-(n+1), +results|error, -] */
int weir_deferred_call(lua_State *L, weir_State *S, int n, int nresults);

#endif
