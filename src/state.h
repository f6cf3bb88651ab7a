/*
** What weir keeps for one Lua state: nothing is global to the process.
**
** weir_State is a userdata, the first upvalue of every function of the module.
** The registry owns it. It is the first thing with a finalizer that the module
** makes, so at lua_close its finalizer is the last of the module's to run.
*/
#ifndef WEIR_STATE_H
#define WEIR_STATE_H

#include "anchor.h"
#include "births.h"
#include "compat.h"
#include "deque.h"
#include "timers.h"
#include "weir.h"

typedef struct weir_State weir_State;
typedef struct weir_Deferred weir_Deferred;
typedef struct weir_Coroutine weir_Coroutine;
typedef struct weir_Clock weir_Clock;
typedef struct weir_Note weir_Note;
typedef struct weir_Meter weir_Meter;
typedef struct weir_Watch weir_Watch;

/* The lists of the ready queue, see ready.h. */
typedef enum weir_ReadyList {
  READY_NONE,    /* it is in none, and this one is empty */
  READY_WOKEN,   /* by the turn that is under way */
  READY_LATE,    /* left by a budget, or queued by a host that asked not to run them */
  READY_YIELDED, /* they gave way: a pass runs them once */
  READY_LISTS
} weir_ReadyList;

#define WEIR_HOPPERS 32 /* functions that are known to call noreturn before their end */

/* Slots of the stack of `home`. */
enum {
  HOME_DEFERRED = 1, /* metatables */
  HOME_COROUTINE,
  HOME_UNARMED, /* the same without a finalizer, see weir_coroutine_arm */
  HOME_CLOCK,
  HOME_NOTE,
  HOME_GENERATOR,
  HOME_FLOW,
  HOME_CANCELLED, /* metatables of error objects, in the order of weir_ErrorClass */
  HOME_TIMEOUT,
  HOME_ALREADY_CALLED,
  HOME_DEADLOCK,
  HOME_EXCEEDED,
  HOME_ERROR,
  HOME_ROOT_CLOCK, /* the real one */
  HOME_LOOP_CLOCK, /* the one that weir.sleep and its like use */
  HOME_ON_UNHANDLED,
  HOME_ON_REPORT,
  HOME_REPORTS,      /* list of what is to be reported, while DUE_REPORTS */
  HOME_NOTES,        /* weak table: number of a note -> note */
  HOME_LIVE,         /* weak table: see live.c */
  HOME_HOOKS,        /* weak table: Coroutine -> its hooks, if FLAG_HOOKS */
  HOME_SITES,        /* weak table: Deferred -> where it was fired, see site.c */
  HOME_MADE,         /* weak table: Deferred -> where it was made, "file:line" */
  HOME_DEBUG,        /* what weir.debug was given, if it was a table */
  HOME_HANDLES,      /* table: see handle.c */
  HOME_TRAPS,        /* weak table: thread -> what belongs to its trap, see trap.h */
  HOME_LIBRARY,      /* the string that `library` is */
  HOME_LAST_FAILURE, /* note of the last uncaught error, until what failed takes it */
  HOME_TRACK,        /* table: each Coroutine with a body -> its number, while TRACK_TABLE */
  HOME_TRACE,        /* what the trace is written into: a path, or the holder of a file */
  HOME_REASON,       /* strings, so that to push them allocates nothing */
  HOME_OVERFLOW,
  HOME_YIELDS,  /* table: what a coroutine.yield may begin with -> what makes a Deferred of it */
  HOME_ON_WORK, /* function, while `asks` is set */
  HOME_SPARE,   /* the thread that `spare` is, see coroutine.c */
  HOME_SLOTS = HOME_SPARE
};

/* Why one of our functions yields; read by whoever resumed it. */
typedef enum weir_Signal {
  SIGNAL_NONE,  /* a plain coroutine.yield */
  SIGNAL_WAIT,  /* its wait is registered */
  SIGNAL_YIELD, /* to the back of the ready queue, until a pass */
  SIGNAL_TURN,  /* to the back of the ready queue, as if woken */
  SIGNAL_SPAWN, /* start what it yields, then go on with the caller at once */
  SIGNAL_HOP,   /* noreturn; what it yields is the new body and its arguments, unless `hop` */
  SIGNAL_AGAIN, /* it only wants to be resumed anew */
  SIGNAL_LIMIT  /* it is to be closed: a limit of it is exceeded */
} weir_Signal;

enum {
  TRACK_TABLE = 1, /* HOME_TRACK */
  TRACK_TRACE = 2  /* see record.h */
};

struct weir_State {
  lua_State *home;                     /* fixed slots, see above */
  lua_State *main;                     /* the main thread */
  const void *classes[HOME_ERROR + 1]; /* metatables, only to compare */
  weir_Coroutine *running;             /* NULL in the host, in callbacks and in hooks */
  weir_Coroutine *callers; /* the last of those whose eager callee has not yet reached a wait; the
                              one before it is its `earlier` */
  weir_Signal signal;
  int busy;           /* levels of trampolines, callbacks and hooks on the C stack; 0: the host */
  int loop_busy;      /* the level of `busy` at which the loop itself runs: 0, in a step 1 */
  int watch;          /* who wants to know what, see watch.h */
  unsigned all_hooks; /* FLAG_HOOKS: as if all had hooks, for the trace; else 0 */
  int depth;          /* of what is open, see watch.h */
  int looping;        /* levels of loops over the ready queue */
  int inline_runs;    /* weir.inline: calls from the host run what they woke */
  int debug;          /* weir.debug */
  int tracks;         /* who wants to know of each Coroutine that is made: TRACK_* */
  int due;            /* what is to be told of, see watch.h */
  int is_open;        /* `home` is filled */
  int closing;        /* lua_close has begun: nothing runs any more */
  int closed;         /* it has done with us: only finalizers of what is older come behind */
  int hop;            /* values on top of `home`: a new body and its arguments, see tail.c; */
  const void *hopper; /* whose call left them there, only to compare */
  const void *came_back[WEIR_HOPPERS]; /* the same, of those that had more to do */
  int fire_depth;                      /* nested drains of `fires` */
  int close_depth;                     /* nested resets of threads, each on the C stack */

  weir_Deferred *ready[READY_LISTS]; /* the first of each */
  weir_Anchors anchors;              /* of what is ready or in hand */
  weir_Timers timers;                /* of sleeps and limits */

  weir_Deque fires;  /* Deferreds with an outcome and callbacks or waiters to tell */
  weir_Deque hooks;  /* Deferreds whose pause or unpause hook may be due */
  weir_Deque walk;   /* side branches of a walk along what waits on what */
  weir_Deque ending; /* what is to be closed, from the back */
  weir_Deque found;  /* coroutines that the collector found, for the next turn */
  weir_Deque dying;  /* cancelled this turn: those not ended by its end get a grace timer */
  weir_Deque pool;   /* idle threads, to be used again */
  lua_State *spare;  /* one more, in HOME_SPARE, for who is not suspended; NULL: there is none */
  int lent;          /* a coroutine has it */

  lua_CFunction pcall, xpcall;                                                 /* Lua's own */
  int (*resume)(lua_State *thread, lua_State *from, int nargs, int *nresults); /* a body: Lua's own,
                                                                                  or see watch.h */

  lua_Integer slice;    /* weir.slice: of new coroutines; 0: none */
  weir_Meter *meter;    /* see slice.h */
  weir_Watch *watching; /* NULL before the first `watch` */
  const char *library;  /* what the sources of the library's functions begin with */
  size_t library_length;

  uint64_t ticket; /* last number given in the ready queue */
  uint64_t front;  /* last number given at the front, going down */
  uint64_t born;   /* last number given to a coroutine */
  uint64_t armed;  /* last number given to a timer */
  uint32_t looks;  /* last number given to a weir_Above */
  weir_Births births;
  uint32_t stamp; /* real time at the last step, in ticks of weir_sched_stamp */

  size_t live;                                             /* coroutines with a body */
  uint64_t switches, wakes, cancels, collected, unhandled; /* see weir.stats */

  double grace;        /* seconds between cancel and close */
  double budget;       /* `has_budget`: monotonic time at which this step stops */
  int has_budget;      /* valid in a step; */
  int over;            /* it is spent */
  int owes_timers;     /* it was before this step came to the timers: the next begins with them */
  int owes_turn;       /* it was by the mail alone: the next leaves that for later */
  lua_Integer places;  /* in HOME_LIVE; */
  lua_Integer place;   /* the last of them that has been given out */
  int has_failure;     /* HOME_LAST_FAILURE is not nil */
  uint64_t notes;      /* number of the last note in HOME_NOTES; */
  uint64_t notes_seen; /* of the last one that has been reported, or had no need; */
  size_t listed;       /* how many may be left to report; the collector may lose some */
#if WEIR_SELF_CLOSE
  const struct weir_Mark *guarded; /* the innermost that a guard watches over */
#endif

  int asks;         /* a loop wants to be told of work: HOME_ON_WORK */
  int knows_keeps;  /* valid then: it knows what keeps it going, */
  double knows_due; /* and when on the real clock it is to look again; HUGE_VAL: never */

  struct weir_Mailbox *mailbox; /* NULL before the first handle, and behind lua_close */
  void (*wait)(lua_State *L, double seconds, void *ud); /* how the loop sleeps; NULL: as usual */
  void *wait_ud;
};

/* Where the core stands, for whoever catches an error that goes through it: that of a failed
   allocation. */
typedef struct weir_Mark {
  weir_Coroutine *running, *callers;
  weir_Meter *meter;
  int busy, loop_busy, looping, fire_depth, close_depth, depth, has_budget, over;
  weir_Place fires, hooks, walk, ending;
#if WEIR_SELF_CLOSE /* while a guard watches over it: */
  const struct weir_Mark *outer;
  int slot;     /* where the guard stands; 0: there is none */
  int returned; /* it is of no use any more */
#endif
} weir_Mark;
void weir_state_mark(const weir_State *S, weir_Mark *mark);
void weir_state_return(weir_State *S, const weir_Mark *mark);

/* The state of weir in L; makes it the first time. Pushes its userdata. [-0, +1, m] */
weir_State *weir_state_open(lua_State *L);
/* The one that exists already; NULL if none. [-0, +0, -] */
weir_State *weir_state_get(lua_State *L);
/* The first word of each of our userdata: it tells them from any other's, from each other and from
   those of another state, whatever metatable the debug library gave them. But it may still be there
   in memory that is another's by now: only with our metatable as well is it sure to be one. */
typedef enum weir_Tag { TAG_DEFERRED, TAG_CLOCK, TAG_NOTE, TAG_SIDE, TAG_GENERATOR } weir_Tag;
static inline uint32_t weir_tag(const weir_State *S, weir_Tag tag) {
  return (uint32_t)((uintptr_t)S >> 4) * 8 + (uint32_t)tag;
}

/* The metatable of the userdata at idx, only to compare; NULL if none. Takes a slot of the stack
   meanwhile. */
static inline const void *weir_state_class(lua_State *L, int idx) {
  const void *class;
  if (!lua_getmetatable(L, idx))
    return NULL;
  class = lua_topointer(L, -1);
  lua_pop(L, 1);
  return class;
}

/* Pushes a slot of `home`. [-0, +1, -] */
void weir_state_push(lua_State *L, weir_State *S, int slot);
/* Moves the top value into a slot of `home`. [-1, +0, -] */
void weir_state_set(lua_State *L, weir_State *S, int slot);

/* Of a function of the library: a light userdata, which Lua finds faster; of those that are made
   later perhaps the full one. */
#define weir_upstate(L) ((weir_State *)lua_touserdata((L), lua_upvalueindex(1)))
/* Pushes what keeps it from the collector for as long as there is such a function. [-0, +1, -] */
#define weir_push_upstate(L) lua_pushvalue((L), lua_upvalueindex(2))

#endif
