/*
** Watching: what is measured of each resume while somebody wants to know.
**
** For that time the trampoline resumes bodies by another function than Lua's; whatever
** else is of interest looks at S->watch. What is known of each coroutine is in a table beside
** them, by their numbers. It is C's own memory: watching raises no errors and runs no
** finalizers, and where there is no memory it knows less.
*/
#ifndef WEIR_WATCH_H
#define WEIR_WATCH_H

#include "task.h"
#include "trace.h"

/* Who wants to know: S->watch is a set of these. */
enum { WATCH_TIMING = 1, WATCH_TRACE = 2, WATCH_SLOW = 4 };
/* What is to be told of before the next resume, or when the loop goes idle: S->due. */
enum { DUE_TRACE = 1, DUE_REPORTS = 2 };

#define WEIR_BUCKETS 28  /* of the histogram; the last has no bound */
#define WEIR_OPEN    128 /* resumes and closes within each other that are told apart */

/* A resume that has not come to its end, or handlers that a close has called. */
typedef struct weir_Open {
  const weir_Coroutine *c; /* in hand, or held by whoever closes it */
  uint64_t stamp, flow;    /* see trace.h; 0: it is not in the trace, it comes of nothing known */
  double since;
  double inner;     /* seconds of those that began and ended inside of it */
  uint8_t is_close; /* it is no resume */
  uint8_t returned; /* the body has, or broke: what that tells is part of the resume */
  uint8_t ended;    /* there is no body any more */
} weir_Open;

typedef struct weir_Timing {
  double ran;     /* seconds in resumes */
  double longest; /* seconds of one */
  char longest_of[WEIR_PLACE];
  uint64_t waits; /* how often a coroutine was in the queue behind a wait, until it was resumed */
  double waited, waited_most;     /* seconds */
  uint64_t buckets[WEIR_BUCKETS]; /* number i: shorter than 2^i microseconds, and in no other */
} weir_Timing;

struct weir_Watch {
  weir_Tasks tasks;
  weir_Open
      open[WEIR_OPEN]; /* S->depth of them are, the innermost last; beyond that no more is known */
  double slow;         /* seconds of a resume that is reported; valid while WATCH_SLOW */
  weir_Trace *trace;   /* while WATCH_TRACE; owned */
  FILE *file;          /* to be closed at its end; NULL: the user's */
  const luaL_Stream *stream; /* the user's, which HOME_TRACE holds; NULL: our own */
  int failed;                /* errno of the last trace, if S->due says so */
  weir_Timing timing;        /* while WATCH_TIMING, since that was set */
};

/* Begins or ends watching for this purpose. [-0, +0, m] */
void weir_watch_set(lua_State *L, weir_State *S, int purpose, int on);
/* The same for what is there, without more. */
void weir_watch_switch(weir_State *S, int purpose, int on);
/* Something is to be told of, or has been. */
void weir_watch_set_due(weir_State *S, int due, int on);
/* What is kept of watching, made the first time. [-0, +0, m] */
weir_Watch *weir_watch_need(lua_State *L, weir_State *S);
/* lua_close: lets go of everything; the trace has been ended. */
void weir_watch_free(weir_State *S);

/* The handlers of the Coroutine are about to be called: while S->watch. */
void weir_watch_begin_close(weir_State *S, const weir_Coroutine *c);
/* They have been: while S->depth. */
void weir_watch_end_close(weir_State *S, const weir_Coroutine *c);
/* All that the end of its body tells has been told. [-0, +0, -] */
void weir_watch_end_body(lua_State *L, weir_State *S, const weir_Coroutine *c);
static inline void weir_watch_leave(lua_State *L, weir_State *S, const weir_Coroutine *c) {
  if (S->depth)
    weir_watch_end_body(L, S, c);
}
/* An error went through, behind which so many are open. */
void weir_watch_return(weir_State *S, int depth);

/* The rest only while S->watch is set. */

/* It has come into the ready queue, from a wait or a hold, or for its first resume. */
void weir_watch_queued(weir_State *S, const weir_Coroutine *c);
/* The body of the one at idx has ended. [-0, +0, -] */
void weir_watch_finish(lua_State *L, weir_State *S, int idx);

/* Seconds that it ran; negative: not known. */
double weir_watch_ran(const weir_State *S, const weir_Coroutine *c);

#endif
