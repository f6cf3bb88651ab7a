/*
** Slices and limits, for coroutines that do not wait: the trap of the thread that
** they run on counts their instructions, see trap.h.
*/
#ifndef WEIR_SLICE_H
#define WEIR_SLICE_H

#include "coroutine.h"

enum { LIMIT_INSTRUCTIONS = 1, LIMIT_SECONDS = 2 };

typedef struct weir_Limit {
  uint8_t set; /* LIMIT_*: the others are not valid */
  lua_Integer instructions;
  double seconds;
} weir_Limit;

/*
** What one coroutine may use, and has used. `S->meter` is that of the one on whose
** stack things run, callbacks that it fires included; NULL if it is not metered.
*/
struct weir_Meter {
  lua_Integer slice; /* instructions after which it gives way; 0: it never has to */
  lua_Integer ran;   /* of those, since it began or last gave way; valid with a slice */
  lua_Integer left;  /* instructions of the limit; of the reserve, once it is told */
  double seconds;    /* of the limit, that are left */
  double since;      /* it has not been charged yet for the time from then on */
  lua_Integer all;   /* what the limits were, for the message */
  double all_seconds;
  uint8_t limits;     /* those that are set: LIMIT_* */
  uint8_t told;       /* its LimitError has been raised in the body */
  uint8_t has_waited; /* since its instructions were counted last */
  uint8_t is_up;      /* the slice is used up */
  uint8_t is_struck;  /* cancelled when it had given way: that is to be raised */
  uint8_t is_new;     /* what is set has changed while it ran: it has to be resumed again */
};

/* Sets the slice of the Coroutine at idx, unless it has ended. [-0, +0, m] */
void weir_slice_set(lua_State *L, weir_State *S, int idx, lua_Integer n);
/* The new one at idx gets the slice that is the default. [-0, +0, m] */
void weir_slice_start(lua_State *L, weir_State *S, int idx);
/* Sets a limit in place of the one it had: from now on, unless it has ended. [-0, +0, m] */
void weir_slice_limit(lua_State *L, weir_State *S, int idx, const weir_Limit *limit);
/* Is there anything to count? */
static inline int weir_slice_is_needed(const weir_Meter *m) {
  return m->slice > 0 || m->limits;
}

/* The running one, which has a trap, goes on, or its handlers run, until weir_slice_end. Returns
   the meter that is to be given to that. [-0, +0, -] */
weir_Meter *weir_slice_begin(lua_State *L, weir_State *S);
void weir_slice_charge_time(weir_Meter *m);
static inline void weir_slice_end(weir_State *S, weir_Meter *before) {
  if (S->meter)
    weir_slice_charge_time(S->meter);
  S->meter = before;
}
/* The running one has yielded the n values on top of its thread: if that is a wait, its slice
   begins anew. */
void weir_slice_note_yield(weir_State *S, weir_Coroutine *c, int n);
/* Pushes the LimitError with which the running one is to be closed. [-0, +1, -] */
void weir_slice_push_error(lua_State *L, weir_State *S);

struct weir_Trap;
/* The trap of L has counted. May raise, or suspend L. */
void weir_slice_count(lua_State *L, weir_State *S, struct weir_Trap *t, lua_Debug *ar, int ran);
/* The trap of L comes by again, as it could not suspend L before. */
void weir_slice_look(lua_State *L, weir_State *S, struct weir_Trap *t, lua_Debug *ar);

#endif
