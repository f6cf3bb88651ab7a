#include "births.h"

#include <stddef.h>

#define APART (1.0 / 64) /* seconds between two entries */

/* Without entry `i` what was made before it counts as made by the next one: how much of the age of
   the oldest of that is lost. */
static double loss(const weir_Births *b, int i, double now) {
  return (b->v[i + 1].at - b->v[i - 1].at) / (now - b->v[i - 1].at);
}

/* The entry that is missed least goes; not the first. */
static void thin(weir_Births *b, double now) {
  int least = 1;
  for (int i = 2; i + 1 < b->n; i++)
    if (loss(b, i, now) < loss(b, least, now))
      least = i;
  for (int i = least; i + 1 < b->n; i++)
    b->v[i] = b->v[i + 1];
  b->n--;
}

void weir_births_note(weir_Births *b, uint64_t born, double now) {
  const weir_Birth *last = b->n ? &b->v[b->n - 1] : NULL;
  if (last && (last->born == born || now - last->at < APART))
    return;
  if (b->n == WEIR_BIRTHS)
    thin(b, now);
  b->v[b->n].born = born;
  b->v[b->n++].at = now;
}

double weir_births_age(const weir_Births *b, uint64_t born, double now) {
  int i = b->n;
  while (i > 0 && b->v[i - 1].born >= born)
    i--;
  return i < b->n ? now - b->v[i].at : 0;
}
