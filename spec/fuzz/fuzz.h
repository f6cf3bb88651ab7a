/*
** What the parts of the fuzzer share: one input, the state that it drives, and what is counted
** beside it. A program of its own, with one state at a time.
*/
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>

#include "../memory.h"
#include "weir.h"

#define FUZZ_HANDLES 4

typedef struct Fuzz {
  const weir_Api *weir;
  lua_State *host; /* its thread */
  int traces;
  const unsigned char *next, *end; /* what is left of the input */
  long over;                       /* bytes asked for behind its end */
  Memory memory;
  int may_fail; /* this input refuses memory: what is lost for want of it is not counted */
  double now;
  int waits;     /* of the present call of `run` */
  int made;      /* Deferreds that have been kept */
  long opened;   /* <close> variables of bodies */
  long accepted; /* fires with a `release` */
  long released;
  weir_Handle *handles[FUZZ_HANDLES];
} Fuzz;

extern Fuzz fuzz;

/* What must never be so: prints it and aborts. */
void fuzz_broken(const char *what);

/* With WEIR_TRACE set in the environment: what an input comes to, on standard error. */
void fuzz_trace(const char *format, ...);

/* The next byte of the input, 0 behind its end. Raises when too many of those have been asked for:
   what goes on for ever has to end. values.c */
int fuzz_byte(lua_State *L);
/* So much time passes. */
void fuzz_pass(double seconds);

/* Fires of the handles that are left go back. */
void fuzz_release_handles(void);

/* One act as the input says: returns what it returns. May suspend. acts.c */
int fuzz_act(lua_State *L);
/* Pushes what the input says. values.c */
void fuzz_push_value(lua_State *L);
/* The same, of these. */
void fuzz_push_function(lua_State *L);
void fuzz_push_deferred(lua_State *L);
/* Seconds, wrong ones among them. */
double fuzz_seconds(lua_State *L);
/* The Deferred or other object on top can be had again; stays there. Returns 1. */
int fuzz_keep(lua_State *L);

/* Tables in the registry, by these. */
extern const char fuzz_slots, fuzz_list, fuzz_places;

#endif
