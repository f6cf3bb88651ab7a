/*
** load PORT CONNECTIONS TRIPS BYTES PID: keeps one message under way on each of so many connections
** to an echo server on this host, until so many have come back. Prints the seconds that took, and
** those that the process, the server, ran meanwhile, by the system's own account; negative where
** there is none. Before that a few go forth and back on each connection, so that all have been
** accepted. One thread, with no more work for a message than the system calls, so that the server
** is what is measured.
*/
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256
#define MOST   65536
#define BEFORE 5 /* round trips on each connection before those that count */

static char message[MOST], answer[MOST];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void send_message(int fd, size_t size) {
  if (write(fd, message, size) != (ssize_t)size)
    fail("write");
}

static int open_connection(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
  if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
    fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/* What has come back of the message under way on each connection. */
typedef struct Connection {
  int fd;
  size_t got;
} Connection;

/* Returns 1 when a message has come back. */
static int receive(Connection *c, size_t size) {
  ssize_t n = read(c->fd, answer, sizeof answer);
  if (n <= 0)
    fail("read");
  c->got += (size_t)n;
  if (c->got < size)
    return 0;
  c->got = 0;
  return 1;
}

static double processor_time(const char *pid) {
  char path[64];
  double ns = -1e9;
  FILE *file;
  snprintf(path, sizeof path, "/proc/%s/schedstat", pid);
  file = fopen(path, "r");
  if (file) {
    if (fscanf(file, "%lf", &ns) != 1)
      ns = -1e9;
    fclose(file);
  }
  return ns / 1e9;
}

/* At the end nothing is under way. Returns the seconds. */
static double run(int poll, Connection *all, int nall, long trips, size_t size) {
  struct epoll_event ready[EVENTS];
  double start = now();
  long sent = 0, back = 0;
  for (int i = 0; i < nall && sent < trips; i++, sent++)
    send_message(all[i].fd, size);
  while (back < trips) {
    int n = epoll_wait(poll, ready, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      Connection *c = ready[i].data.ptr;
      if (!receive(c, size))
        continue;
      back++;
      if (sent < trips) {
        send_message(c->fd, size);
        sent++;
      }
    }
  }
  return now() - start;
}

int main(int argc, char **argv) {
  int port, n, poll = epoll_create1(0);
  double seconds, before;
  size_t size;
  Connection *all;
  if (argc != 6)
    return fprintf(stderr, "usage: load PORT CONNECTIONS TRIPS BYTES PID\n"), 2;
  port = atoi(argv[1]);
  n = atoi(argv[2]);
  size = (size_t)atol(argv[4]);
  if (size < 1 || size > MOST)
    return fprintf(stderr, "load: 1 to %d bytes\n", MOST), 2;
  memset(message, 'x', size);
  all = calloc((size_t)n, sizeof *all);
  for (int i = 0; i < n; i++) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};
    all[i].fd = open_connection(port);
    if (epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &e) != 0)
      fail("epoll_ctl");
  }
  run(poll, all, n, (long)n * BEFORE, size);
  before = processor_time(argv[5]);
  seconds = run(poll, all, n, atol(argv[3]), size);
  printf("%.6f %.6f\n", seconds, before < 0 ? -1.0 : processor_time(argv[5]) - before);
  free(all);
  return 0;
}
