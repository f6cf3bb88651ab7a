#define _DEFAULT_SOURCE

#include "terminal.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static volatile sig_atomic_t is_open, is_over, has_changed = 1, stops;

/* Another screen, no cursor; and back. */
static const char enter[] = "\x1b[?1049h\x1b[?25l";
static const char leave[] = "\x1b[0m\x1b[?25h\x1b[?1049l";

/* ---- modes; the signal handlers below may call these ---- */

static void write_all(const char *text, size_t n) {
  while (n > 0) {
    ssize_t written = write(STDOUT_FILENO, text, n);
    if (written < 0)
      return;
    text += written;
    n -= (size_t)written;
  }
}

static void begin(void) {
  struct termios raw = before;
  raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
  write_all(enter, sizeof enter - 1);
  is_open = has_changed = 1;
}

void terminal_close(void) {
  if (!is_open)
    return;
  is_open = 0;
  write_all(leave, sizeof leave - 1);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

/* ---- signals ---- */

static void on_end(int number) {
  (void)number;
  is_over = 1;
}

static void on_change(int number) {
  (void)number;
  has_changed = 1;
}

static void on_stop(int number) {
  (void)number;
  stops = 1;
}

/* A crash: the terminal first, then what would have happened without us. */
static void on_crash(int number) {
  terminal_close();
  signal(number, SIG_DFL);
  raise(number);
}

static void handle(int number, void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  sigaction(number, &action, NULL);
}

static void handle_signals(void) {
  handle(SIGINT, on_end);
  handle(SIGTERM, on_end);
  handle(SIGHUP, on_end);
  handle(SIGQUIT, on_end);
  handle(SIGWINCH, on_change);
  handle(SIGTSTP, on_stop);
  handle(SIGSEGV, on_crash);
  handle(SIGABRT, on_crash);
  handle(SIGFPE, on_crash);
}

/* Ctrl-Z: the shell gets its own terminal; ours comes back with the program. */
static void stop(void) {
  stops = 0;
  terminal_close();
  raise(SIGSTOP);
  begin();
}

int terminal_is_over(void) {
  if (stops)
    stop();
  return is_over;
}

int terminal_has_changed(void) {
  int changed = has_changed;
  has_changed = 0;
  return changed;
}

/* ---- */

int terminal_open(void) {
  if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0)
    return 0;
  handle_signals();
  atexit(terminal_close);
  begin();
  return 1;
}

void terminal_size(int *rows, int *columns) {
  struct winsize size;
  int known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
  *rows = known ? size.ws_row : 24;
  *columns = known ? size.ws_col : 80;
}

void terminal_clear(void) {
  static const char clear[] = "\x1b[0m\x1b[2J";
  write_all(clear, sizeof clear - 1);
}

void terminal_write(const char *text, size_t n) {
  write_all(text, n);
}

/* ---- keys ---- */

static const char *arrow(char last) {
  switch (last) {
  case 'A': return "up";
  case 'B': return "down";
  case 'C': return "right";
  case 'D': return "left";
  default: return "unknown";
  }
}

/* An arrow comes as ESC [ A or ESC O A, in one piece. */
static const char *name_of(char first) {
  static char name[2];
  char rest[2];
  if (first == '\x1b')
    return read(STDIN_FILENO, rest, 2) == 2 ? arrow(rest[1]) : "escape";
  if (first == ' ')
    return "space";
  name[0] = first;
  return name;
}

const char *terminal_key(double seconds) {
  struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
  char first;
  if (poll(&in, 1, seconds > 0 ? (int)(seconds * 1000 + 0.999) : 0) <= 0)
    return NULL;
  if (read(STDIN_FILENO, &first, 1) != 1) { /* nobody is there any more */
    is_over = 1;
    return NULL;
  }
  return name_of(first);
}
