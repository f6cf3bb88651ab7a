/*
** Timers that are part of no value: those of sleeps and limits, which come and go
** often. They lie in pages that the registry owns, each at the address where it
** was taken until it is given back.
*/
#ifndef WEIR_TIMERS_H
#define WEIR_TIMERS_H

#include <stddef.h>

#include "compat.h"

typedef struct weir_Timer weir_Timer;

typedef struct weir_Timers {
  struct weir_TimerPage *pages; /* the last one is the first of this list */
  weir_Timer *free;             /* have been given back: a list through `next` */
  weir_Timer *fresh, *end;      /* of the last page, those that have never been taken */
  size_t room, used;
} weir_Timers;

/* One is free then. May run finalizers; so it costs the collector no cycle of its own.
   [-0, +0, m] */
void weir_timers_prepare(lua_State *L, weir_Timers *p);
/* The one that is taken next, behind that; its `next` is not to be touched before. */
static inline weir_Timer *weir_timers_first(const weir_Timers *p) {
  return p->free ? p->free : p->fresh;
}
void weir_timers_take(weir_Timers *p);
void weir_timers_give(weir_Timers *p, weir_Timer *t);
/* None is in use: lets go of the memory that many had. [-0, +0, -] */
void weir_timers_trim(lua_State *L, weir_Timers *p);

#endif
