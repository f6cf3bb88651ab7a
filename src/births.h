/*
** When coroutines were made: beside the time of a step stands the number of the last one that
** there was then. A coroutine itself has no room for it. Of what is long ago less is known.
*/
#ifndef WEIR_BIRTHS_H
#define WEIR_BIRTHS_H

#include "hidden.h"

#define WEIR_BIRTHS 128

/* All up to `born` had been made at that time, those behind the entry before it since that one. */
typedef struct weir_Birth {
  uint64_t born;
  double at; /* monotonic seconds */
} weir_Birth;

typedef struct weir_Births {
  int n;
  weir_Birth v[WEIR_BIRTHS];
} weir_Births;

void weir_births_note(weir_Births *b, uint64_t born, double now);
/* Seconds since the step in which, or before which, number `born` was made. */
double weir_births_age(const weir_Births *b, uint64_t born, double now);

#endif
