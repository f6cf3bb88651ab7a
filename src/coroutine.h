/*
** The Coroutine: a Deferred whose outcome is that of a Lua function, run on a
** thread of its own by the trampoline in sched.c.
*/
#ifndef WEIR_COROUTINE_H
#define WEIR_COROUTINE_H

#include "deferred.h"
#include "fetch.h"

typedef enum weir_Life {
  LIFE_NEW,     /* the body stands on the thread, not begun (also after a noreturn) */
  LIFE_READY,   /* to be resumed with the `now.nargs` values on top of the thread */
  LIFE_RUNNING, /* also in its <close> handlers */
  LIFE_CALLING, /* until its eager callee reaches a wait */
  LIFE_WAITING, /* UV_TARGET says on what */
  LIFE_ASLEEP,  /* waits for its clock alone: `at.timer` of it wakes it */
  LIFE_ENDED    /* no body, no thread; perhaps adopting what it returned */
} weir_Life;

typedef enum weir_GaveWay {
  GAVE_NO_WAY,
  GAVE_A_PASS, /* weir.yield: goes on in the next pass */
  GAVE_A_TURN  /* goes on as if woken */
} weir_GaveWay;

/* What the values of a LIFE_READY one are. */
typedef enum weir_Raise {
  RAISE_NOT,
  RAISE_ERROR,   /* an error to raise */
  RAISE_FAILURE, /* the same, of what it waited for */
  RAISE_NOTED    /* the same on top of a note of it */
} weir_Raise;

struct weir_Coroutine {
  weir_Deferred d;        /* first: a Coroutine is a Deferred */
  uint8_t life;           /* weir_Life */
  uint8_t raise;          /* LIFE_READY: weir_Raise */
  uint8_t gave_way;       /* LIFE_READY with nothing delivered: weir_GaveWay */
  uint8_t list;           /* weir_ReadyList, in which it is */
  uint8_t in_hand;        /* running, or about to, or a caller */
  uint8_t untouched;      /* LIFE_NEW: nobody has had its thread since it was prepared */
  unsigned raw : 1;       /* suspended by coroutine.yield: no continuation of ours */
  unsigned has_trap : 1;  /* see trap.h */
  unsigned trapped : 1;   /* so that a resume has to see to it */
  unsigned raising : 1;   /* the trap of `thread` is about to raise TRAP_ERROR */
  unsigned preempted : 1; /* suspended by its trap: no continuation at all */
  unsigned broken : 1;  /* its thread is not to be used again: it died, perhaps in a hook, and hooks
                           may be off there; or see WEIR_HANDLER_STAYS; or others have it */
  unsigned struck : 1;  /* the cancel error has been raised in it */
  unsigned called : 1;  /* the last of `callers` waits for its first wait */
  unsigned blocked : 1; /* a C call stands between its generator and its thread */
  unsigned unwinding : 1; /* an uncaught error is closing its variables */
  unsigned force : 1;     /* to be closed at the next wait */
  unsigned has_side : 1;  /* see side.h */
  unsigned seen : 1;      /* SIDE_SEEN is set */
  unsigned limited : 1;   /* a TIMER_AWAIT is among its limits */
  unsigned found : 1;     /* by the collector, once */
  unsigned armed : 1;     /* it has a finalizer */
  lua_State *thread; /* valid until LIFE_ENDED; from when it is `armed` UV_THREAD holds it, before
                        that perhaps HOME_SPARE */
  uint64_t born;     /* its number in the order of birth */
  double deadline;   /* of the grace time; HUGE_VAL: none */
  const char *name;  /* UV_SIDE holds it; may be NULL */
};

#define weir_coroutine(d) ((weir_Coroutine *)(void *)(d))

static inline int weir_is_coroutine(const weir_Deferred *d) {
  return d->kind == KIND_COROUTINE;
}
/* Is it a Coroutine that runs, or waits for its eager callee? */
static inline int weir_coroutine_is_executing(const weir_Deferred *d) {
  const weir_Coroutine *c = (const weir_Coroutine *)(const void *)d;
  return weir_is_coroutine(d) && (c->life == LIFE_RUNNING || c->life == LIFE_CALLING);
}

/* Is it a Coroutine that waits for a clock alone? */
static inline int weir_coroutine_is_asleep(const weir_Deferred *d) {
  return weir_is_coroutine(d) && ((const weir_Coroutine *)(const void *)d)->life == LIFE_ASLEEP;
}

/* What is looked at when it is woken or resumed lies in two lines of the processor's cache, and in
   its thread: where coroutines are many, mostly in none. So it is asked for while others run. */
static inline void weir_coroutine_fetch(const weir_Coroutine *c) {
  weir_fetch(&c->d.nvalues);
  weir_fetch(&c->thread);
}
/* The same with its user values: what is looked at besides when one is told, or detached. */
static inline void weir_coroutine_fetch_all(const void *c) {
  weir_fetch_userdata(c, UV_COROUTINE, sizeof(weir_Coroutine));
}
/* The thread of what may be a coroutine, and may have ended; NULL if there is none. */
static inline lua_State *weir_coroutine_thread_of(const weir_Deferred *d) {
  return d && weir_is_coroutine(d) ? weir_coroutine(d)->thread : NULL;
}

/* LIFE_CALLING: the caller of this one, or of an earlier call of the loop; perhaps NULL. */
static inline weir_Coroutine *weir_coroutine_caller(const weir_Coroutine *c) {
  return weir_coroutine(c->d.earlier);
}
/* Pushes the running one. [-0, +1, -] */
static inline void weir_coroutine_push_running(lua_State *L, const weir_State *S) {
  weir_anchor_push(L, &S->anchors, S->running->d.anchor);
}

/* Pushes the thread of the Coroutine at idx, which has one. [-0, +1, -] */
void weir_coroutine_push_thread(lua_State *L, weir_State *S, int idx);

/* Pushes a new Coroutine for the function below n arguments, and takes these. [-(n+1), +1, m] */
weir_Coroutine *weir_coroutine_new(lua_State *L, weir_State *S, int n);
/* The same with a name, if the function is a weir.coroutine function: then it is that one's body.
   [-(n+1), +1, m] */
weir_Coroutine *weir_coroutine_make(lua_State *L, weir_State *S, int n);
/* Names the Coroutine at idx after the string on top; anything else is no name. [-1, +0, -] */
void weir_coroutine_set_name(lua_State *L, int idx);
/* From here on the Coroutine at idx can be lost: the collector is to tell, and lua_close to end it.
   One that is run as soon as it is made needs that only when it is suspended, and most are not. To
   do it late Lua has to look at all objects made meanwhile, by its own body: a part of what these
   have cost. [-0, +0, -] */
void weir_coroutine_set_armed(lua_State *L, weir_State *S, int idx);
static inline void weir_coroutine_arm(lua_State *L, weir_State *S, const weir_Coroutine *c,
                                      int idx) {
  if (!c->armed)
    weir_coroutine_set_armed(L, S, idx);
}

/* Pushes the value of one that has a body, of which there is a pointer only; 0 if its thread is in
   other hands. [-0, +0|1, m] */
int weir_coroutine_push(lua_State *L, const weir_State *S, const weir_Coroutine *c);
/* Where its body is defined, as "S" of lua_getinfo has it; 0 if that cannot be told. */
int weir_coroutine_definition(const weir_Coroutine *c, lua_Debug *ar);
/* Puts the Coroutine, and above it its body and n arguments, on its empty thread; and itself back.
   [-(n+2), +1, e] */
void weir_coroutine_load(lua_State *L, weir_State *S, weir_Coroutine *c, int n);
/* If the value at idx is a weir.coroutine function, replaces it by its body and returns 1. The
   name is pushed then. [-0, +0|1, -] */
int weir_coroutine_undecorate(lua_State *L, int idx);
lua_CFunction weir_coroutine_decorator(void);

/* Resumes the Coroutine at idx later with the outcome of the Deferred at d. [-0, +0, m] */
void weir_coroutine_wake(lua_State *L, weir_State *S, weir_Coroutine *c, int idx,
                         const weir_Deferred *d, int didx);
/* Resumes it later with the n values on top, at most one. [-n, +0, m] */
void weir_coroutine_hand(lua_State *L, weir_State *S, weir_Coroutine *c, int idx, int n);
/* Resumes it later with the error on top raised at its wait. [-1, +0, m] */
void weir_coroutine_raise(lua_State *L, weir_State *S, int idx);
/* Resumes the preempted one at idx as if woken: its trap sees to its cancel. [-0, +0, m] */
void weir_coroutine_rouse(lua_State *L, weir_State *S, int idx);
/* Its body ended with the n values on top, or the error; nobody is told yet. [-n, +0, m] */
void weir_coroutine_finish(lua_State *L, weir_State *S, int idx, int n, int failed);
/* The same, and queues the telling. */
void weir_coroutine_end(lua_State *L, weir_State *S, int idx, int n, int failed);
/* Its body ended with the n values on top, at most one and no Deferred, below which it lies itself,
   and nobody is to be told. [-n, +0, -] */
void weir_coroutine_settle(lua_State *L, weir_State *S, weir_Coroutine *c, int n);
/* Closes the variables of its thread and empties it; the handler's error is pushed if there is one.
   [-0, +0|1, m] Returns Lua's status. */
int weir_coroutine_reset(lua_State *L, weir_State *S, int idx);
/* Its body, the first or another, starts or goes on. */
static inline void weir_coroutine_note_resume(weir_State *S, weir_Coroutine *c) {
  c->d.nvalues = (int)((unsigned)c->d.nvalues + 1);
  S->signal = SIGNAL_NONE;
  S->switches++;
}
/* Must the coroutine stop at its next wait: is a cancel due that it has not seen? */
static inline int weir_coroutine_is_due(const weir_Coroutine *c) {
  return (c->d.flags & FLAG_MARKED) && !c->struck;
}
/* Pushes the cancel error of the Coroutine at idx, which is raised in it now: no other wait of it
   will. [-0, +1, -] */
void weir_coroutine_strike(lua_State *L, weir_Coroutine *c, int idx);
/* Somebody else has resumed its thread, and it runs: it must not be touched. */
int weir_coroutine_is_used(const weir_Coroutine *c);
/* False if somebody else has resumed or closed its thread. */
int weir_coroutine_is_intact(const weir_Coroutine *c);
static inline int weir_coroutine_can_resume(const weir_Coroutine *c) {
  if (c->d.now.nargs || c->life == LIFE_NEW)
    return c->untouched || weir_coroutine_is_intact(c);
  return lua_status(c->thread) == LUA_YIELD;
}

#endif
