/*
** What is known of coroutines while they are watched, in a table by their numbers. It
** is C's own memory: where there is none, less is known.
*/
#ifndef WEIR_TASK_H
#define WEIR_TASK_H

#include "coroutine.h"

#define WEIR_PLACE 80 /* bytes of the place where a body is */

/* Of one with a body. */
typedef struct weir_Task {
  uint64_t born;          /* its number; 0: this place of the table is free */
  double ran;             /* seconds */
  double queued;          /* when it came into the ready queue from a wait; negative: it has not */
  uint64_t flow;          /* what its next resume comes of, see trace.h; 0: nothing */
  uint8_t is_named;       /* the trace has its name */
  char place[WEIR_PLACE]; /* "file:line" of its body; "": not looked for yet */
} weir_Task;

typedef struct weir_Tasks {
  weir_Task *v;  /* hashed by `born`, linear probing; owned */
  size_t n, cap; /* cap is a power of two, or 0 */
} weir_Tasks;

weir_Task *weir_task_find(const weir_Tasks *all, uint64_t born);
/* The same, added if need be; NULL: there is no memory for it. */
weir_Task *weir_task_need(weir_Tasks *all, uint64_t born);
void weir_task_drop(weir_Tasks *all, weir_Task *t);
void weir_task_drop_all(weir_Tasks *all);

/* Looks where the body is. */
void weir_task_find_place(weir_Task *t, const weir_Coroutine *c);
/* What it is called, in a few words. `t` may be NULL. */
const char *weir_task_label(const weir_Task *t, const weir_Coroutine *c);

#endif
