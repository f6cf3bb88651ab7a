#define _POSIX_C_SOURCE 200809L

#include "timing.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

double timing_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void timing_add(Timing *t, double seconds) {
  t->seconds[t->frames++ % TIMING_FRAMES] = seconds;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double timing_share(const Timing *t, double share) {
  double sorted[TIMING_FRAMES];
  int n = t->frames < TIMING_FRAMES ? (int)t->frames : TIMING_FRAMES;
  if (n == 0)
    return 0;
  memcpy(sorted, t->seconds, (size_t)n * sizeof *sorted);
  qsort(sorted, (size_t)n, sizeof *sorted, compare);
  return sorted[(int)((n - 1) * share)];
}
