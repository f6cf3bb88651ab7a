#define _POSIX_C_SOURCE 200809L

#include "platform.h"

#include <errno.h>
#include <time.h>

#define LONGEST_SLEEP 3600.0 /* seconds; the loop looks again after that */

double weir_platform_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int weir_platform_sleep(double seconds) {
  struct timespec t;
  if (seconds > LONGEST_SLEEP)
    seconds = LONGEST_SLEEP;
  t.tv_sec = (time_t)seconds;
  t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
  return nanosleep(&t, NULL) != 0 && errno == EINTR;
}
