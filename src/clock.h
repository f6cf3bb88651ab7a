/*
** Clocks and their timers. A clock owns the deadlines set on it; due ones fire in
** the order (deadline, armed).
*/
#ifndef WEIR_CLOCK_H
#define WEIR_CLOCK_H

#include "coroutine.h"
#include "heap.h"

typedef enum weir_ClockKind { CLOCK_REAL, CLOCK_MANUAL, CLOCK_SCALED } weir_ClockKind;

typedef enum weir_TimerKind {
  TIMER_AFTER,   /* part of a KIND_TIMED Deferred */
  TIMER_CLOCK,   /* part of a scaled clock: its next deadline, on its parent */
  TIMER_SLEEP,   /* of a LIFE_ASLEEP coroutine: it goes on */
  TIMER_AWAIT,   /* a limit: the coroutine leaves its wait */
  TIMER_TIMEOUT, /* a limit: the Deferred is cancelled */
  TIMER_GRACE    /* a limit: the coroutine is closed */
} weir_TimerKind;

/*
** Armed while it has a slot; then `shelf` of its clock holds, under that, the value
** that the timer is part of, or is for.
*/
struct weir_Timer {
  weir_Clock *clock; /* owned by the value; of a limit only valid while armed */
  double deadline;   /* on `clock` */
  double remaining;  /* while frozen: what was left; HUGE_VAL: never comes */
  uint64_t seq;
  uint32_t slot;
  uint8_t kind;            /* weir_TimerKind */
  uint8_t instant;         /* armed for what was the present then: not in the advance under way */
  uint8_t keeps;           /* counted in `keeping` of its clock */
  uint8_t set_aside;       /* it is not in `due`, see `naside` */
  weir_Deferred *node;     /* what a sleep or limit is for; */
  weir_Timer *prev, *next; /* limits, while armed: in the list of that; next: see timers.h too */
};

typedef struct weir_Timed {
  weir_Deferred d;
  weir_Timer timer;
  int narguments; /* of UV_ARGUMENTS */
} weir_Timed;

struct weir_Clock {
  uint32_t tag;       /* TAG_CLOCK */
  uint8_t kind;       /* weir_ClockKind */
  uint8_t is_dead;    /* its finalizer has run */
  uint8_t in_aside;   /* scaled: among `first_aside` of the parent; the proxy is armed then */
  int depth;          /* clocks above it */
  int pauses;         /* scaled */
  double speed;       /* scaled */
  double now;         /* manual: the time; scaled: the time at `since` of the parent */
  double since;       /* scaled */
  weir_Clock *parent; /* scaled; user value CLOCK_PARENT holds it */
  double (*source)(void *ud); /* real: where its time comes from; NULL: the platform */
  void *source_ud;            /* the host's */
  double awaited;             /* scaled: the deadline here that the proxy stands for */
  weir_Timer proxy;           /* scaled: stands in the parent for the first timer here, `seq` too */
  weir_Heap due;
  size_t naside; /* instants met in an advance, until its end: the last in the room of `due` */
  weir_Clock *first_aside; /* of those scaled by this one which have such, or others below them */
  weir_Clock *next_aside;  /* in that list of the parent, while `in_aside` is set */
  size_t keeping;          /* timers that give a loop something to wait for */
  uint32_t *slots; /* of each slot its place in a heap, or while it is free the next free one */
  uint32_t room, used, free; /* slots there is memory for, those that have been taken, the first
                                free one of them; 0: none */
  lua_State *shelf;          /* slot 1: the table that holds what is armed; slot 2: the clock */
};
enum { CLOCK_SHELF = 1, CLOCK_PARENT, CLOCK_SLOTS = CLOCK_PARENT };

/* How many timers are armed on it. */
static inline size_t weir_clock_armed(const weir_Clock *k) {
  return k->due.n + k->naside;
}
static inline int weir_timer_is_armed(const weir_Timer *t) {
  return t->slot != 0;
}

weir_Clock *weir_clock_at(lua_State *L, const weir_State *S, int idx);
/* Pushes a new clock; for a scaled one the parent is at `parent`. [-0, +1, m] */
weir_Clock *weir_clock_new(lua_State *L, weir_State *S, weir_ClockKind kind, int parent);
int weir_clock_gc(lua_State *L);

double weir_clock_now(const weir_Clock *k);
/* Fires what is due up to `target`, what it wakes running in between where that is possible.
   `limit`: timers armed for their present after this one stay. */
void weir_clock_advance(lua_State *L, weir_State *S, weir_Clock *k, double target, uint64_t limit);
/* Fires what has the first deadline up to `target`; if nothing is due, goes there and returns 0. */
int weir_clock_advance_once(lua_State *L, weir_State *S, weir_Clock *k, double target,
                            uint64_t limit);
/* Time of the next deadline; HUGE_VAL: none. */
double weir_clock_next(const weir_Clock *k);
/* Changes speed or pauses of a scaled clock. */
void weir_clock_retime(lua_State *L, int idx, double speed, int pauses);

/* Pushes a Deferred that fires at `deadline` of the clock at `clock` with the n values on top.
   [-n, +1, m] */
void weir_timer_at(lua_State *L, weir_State *S, int clock, double deadline, int n);
/* Makes room for a sleep. May run finalizers; so it costs the collector no cycle of its own.
   [-0, +0, m] */
void weir_timer_prepare(lua_State *L, weir_State *S, int clock);
/* Behind that: the running Coroutine at idx is asleep. Runs no finalizer. [-0, +0, m] */
void weir_timer_sleep(lua_State *L, weir_State *S, int clock, int idx, double deadline);
/* That sleeps no longer, and waits for nothing. [-0, +0, -] */
void weir_timer_end_sleep(lua_State *L, weir_State *S, weir_Coroutine *c, int idx);
/* If the Deferred at idx is a coroutine that sleeps, it waits for a Deferred from here on, as it
   would for weir.after: so that others may have that. [-0, +0, m] */
void weir_timer_show(lua_State *L, weir_State *S, int idx);
/* Sets a limit on the Deferred at idx. [-0, +0, m] */
void weir_timer_limit(lua_State *L, weir_State *S, int idx, int clock, double deadline,
                      weir_TimerKind kind);
/* Takes away the limits of one kind, or with TIMER_AFTER all. */
void weir_timer_unlimit(weir_State *S, weir_Deferred *d, weir_TimerKind kind);
void weir_timer_disarm(weir_Timer *t);
/* That which stands still while it is held; NULL: none does. */
static inline weir_Timer *weir_timer_of(weir_Deferred *d) {
  if (d->wait != WAIT_NONE)
    return NULL;
  if (weir_coroutine_is_asleep(d))
    return d->at.timer;
  if (d->kind == KIND_TIMED && d->phase == PHASE_PENDING)
    return &((weir_Timed *)(void *)d)->timer;
  return NULL;
}
/* Then. The value that it is part of, or for, is at idx. */
void weir_timer_freeze(weir_Timer *t);
void weir_timer_thaw(lua_State *L, weir_State *S, weir_Timer *t, int idx);

#endif
