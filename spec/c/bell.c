/* The bell that wakes a loop: rings, times, and what the system gets back. */
#if defined(__unix__) || defined(__APPLE__)
#define _GNU_SOURCE
#include <math.h>

#include "../../src/platform_posix.c"

#include "check.h"

#define LONG 0.02 /* seconds */

static double slept(weir_Bell *b, double seconds) {
  double began = weir_platform_now();
  weir_bell_sleep(b, seconds);
  return weir_platform_now() - began;
}

static int open_files(void) {
  int n = 0;
  for (int fd = 0; fd < 1024; fd++)
    n += fcntl(fd, F_GETFD) != -1;
  return n;
}

/* Any number of rings wake it once; then it sleeps for as long as it is to. */
static void check_rings(weir_Bell *b, int n) {
  while (n-- > 0)
    weir_bell_ring(b);
  weir_bell_sleep(b, HUGE_VAL);
  check(slept(b, LONG) >= LONG);
}

static void check_clear(weir_Bell *b) {
  weir_bell_ring(b);
  weir_bell_clear(b);
  check(slept(b, LONG) >= LONG);
}

int main(void) {
  int before = open_files();
  weir_Bell *b = weir_bell_new();
  check(b && open_files() == before + 2);
  check(slept(b, LONG) >= LONG);
  check_rings(b, 1);
  check_rings(b, 100000); /* more than a pipe holds */
  check_clear(b);
  weir_bell_free(b);
  check(open_files() == before);
  return 0;
}
#else
int main(void) {
  return 0;
}
#endif
