#if !defined(_WIN32)

#define _GNU_SOURCE /* beyond POSIX: ppoll, pipe2, dladdr */

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "platform.h"

#define LONGEST_SLEEP 3600.0 /* seconds; the loop looks again after that */

double weir_platform_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct timespec time_to_sleep(double seconds) {
  struct timespec t;
  if (seconds > LONGEST_SLEEP)
    seconds = LONGEST_SLEEP;
  t.tv_sec = (time_t)seconds;
  t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
  return t;
}

int weir_platform_sleep(double seconds) {
  struct timespec t = time_to_sleep(seconds);
  return nanosleep(&t, NULL) != 0 && errno == EINTR;
}

/* Nothing comes of it in a program that has weir compiled in: that stays anyway. */
void weir_platform_pin(const void *address) {
  Dl_info info;
  void *library;
  if (!dladdr(address, &info) || !info.dli_fname)
    return;
  library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  if (library)
    dlclose(library);
}

/* ---- mutex ---- */

struct weir_Mutex {
  pthread_mutex_t m;
};

weir_Mutex *weir_mutex_new(void) {
  weir_Mutex *m = malloc(sizeof *m);
  if (m && pthread_mutex_init(&m->m, NULL) != 0) {
    free(m);
    return NULL;
  }
  return m;
}

void weir_mutex_free(weir_Mutex *m) {
  pthread_mutex_destroy(&m->m);
  free(m);
}

void weir_mutex_lock(weir_Mutex *m) {
  pthread_mutex_lock(&m->m);
}

void weir_mutex_unlock(weir_Mutex *m) {
  pthread_mutex_unlock(&m->m);
}

/* ---- bell ---- */

/* A pipe, not a condition variable: a signal, such as an interrupt from the keyboard, does not end
   the wait for one of those. */
struct weir_Bell {
  int out, in; /* each with O_NONBLOCK */
};

#if defined(__APPLE__) /* has neither of the two, and poll counts in milliseconds */

static int set_flags(int fd) {
  return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

static int open_pipe(int fds[2]) {
  if (pipe(fds) != 0)
    return 0;
  if (set_flags(fds[0]) && set_flags(fds[1]))
    return 1;
  close(fds[0]);
  close(fds[1]);
  return 0;
}

static int wait_for_input(struct pollfd *fd, struct timespec t) {
  return poll(fd, 1, (int)(t.tv_sec * 1000 + (t.tv_nsec + 999999) / 1000000));
}

#else

static int open_pipe(int fds[2]) {
  return pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0;
}

static int wait_for_input(struct pollfd *fd, struct timespec t) {
  return ppoll(fd, 1, &t, NULL);
}

#endif

weir_Bell *weir_bell_new(void) {
  int fds[2];
  weir_Bell *b = malloc(sizeof *b);
  if (!b || !open_pipe(fds)) {
    free(b);
    return NULL;
  }
  b->out = fds[0];
  b->in = fds[1];
  return b;
}

void weir_bell_free(weir_Bell *b) {
  close(b->out);
  close(b->in);
  free(b);
}

void weir_bell_ring(weir_Bell *b) {
  while (write(b->in, "", 1) < 0 && errno == EINTR) /* full: it rings already */
    ;
}

void weir_bell_clear(weir_Bell *b) {
  char rings[64];
  while (read(b->out, rings, sizeof rings) > 0)
    ;
}

void weir_bell_sleep(weir_Bell *b, double seconds) {
  struct pollfd fd = {b->out, POLLIN, 0};
  if (wait_for_input(&fd, time_to_sleep(seconds)) > 0)
    weir_bell_clear(b);
}

int weir_bell_file(const weir_Bell *b) {
  return b->out;
}

#else
typedef int weir_not_posix; /* no file may be empty */
#endif
