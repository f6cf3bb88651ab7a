/*
** An arena with hundreds of scripted characters, drawn in a terminal 60 times a second. See
** README.md.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "game.h"
#include "replay.h"
#include "scripts.h"
#include "terminal.h"

#define FRAME       (1.0 / 60)
#define LONGEST     0.1   /* seconds: after a longer stop the game goes on from where it was */
#define FRAME_SHARE 0.004 /* what the scripts get of a frame */

typedef struct Options {
  const char *replay, *directory;
  int npcs;
} Options;

static Game game; /* too large for some stacks */
static Screen screen;

/* ---- drawing ---- */

static void compose(void) {
  screen_compose(&screen, &game.arena, game.rings);
  for (int i = 0; i < SCREEN_LINES; i++)
    screen_line(&screen, i, game.line[i]);
}

static void add_timing(void) {
  char text[ARENA_WIDTH + 1];
  const Timing *t = &game.scripts;
  snprintf(text, sizeof text, "scripts, ms of each frame: p50 %.2f  p99 %.2f  max %.2f",
           timing_share(t, 0.5) * 1e3, timing_share(t, 0.99) * 1e3, timing_share(t, 1) * 1e3);
  screen_line(&screen, SCREEN_LINES - 1, text);
}

static void draw(void) {
  static char text[SCREEN_MOST];
  static int rows, columns;
  if (terminal_has_changed()) {
    terminal_size(&rows, &columns);
    terminal_clear();
    screen_forget(&screen);
  }
  compose();
  add_timing();
  terminal_write(text, screen_encode(&screen, rows, columns, text));
}

static void print_text(void) {
  static char text[SCREEN_MOST];
  compose();
  screen_text(&screen, text);
  fputs(text, stdout);
}

/* ---- playing ---- */

/* The next frame, `seconds` behind the one before. The keys before it are part of it. */
static void run_frame(lua_State *L, double seconds) {
  game.time += seconds;
  scripts_frame(L, &game, seconds);
  timing_add(&game.scripts, game.spent);
  game.spent = 0;
  game.frame++;
}

/* Takes keys until it is time for the next frame. */
static void take_keys(lua_State *L, double until) {
  while (!game.is_over && !terminal_is_over()) {
    double left = until - timing_now();
    const char *key = terminal_key(left);
    if (key)
      scripts_key(L, &game, key);
    else if (left <= 0)
      return;
  }
}

static void play(lua_State *L) {
  double last = timing_now(), next = last;
  while (!game.is_over && !terminal_is_over()) {
    double now = timing_now(), passed = now - last;
    run_frame(L, passed < LONGEST ? passed : LONGEST);
    draw();
    last = now;
    next = next + FRAME > now ? next + FRAME : now;
    take_keys(L, next);
  }
}

/* Time goes by frames, so that the same keys give the same game. */
static void play_back(lua_State *L, Replay *replay) {
  char key[KEY_MOST + 1];
  while (!game.is_over && !replay_is_over(replay)) {
    while (replay_key(replay, game.frame, key))
      if (strcmp(key, "show") == 0)
        print_text();
      else
        scripts_key(L, &game, key);
    run_frame(L, FRAME);
  }
}

/* ---- the program ---- */

static int usage(void) {
  fputs("usage: game [--npcs N] [--scripts DIRECTORY] [--replay FILE]\n", stderr);
  return EXIT_FAILURE;
}

static int read_options(Options *o, int argc, char **argv) {
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc)
      return 0;
    if (strcmp(argv[i], "--npcs") == 0)
      o->npcs = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--scripts") == 0)
      o->directory = argv[i + 1];
    else if (strcmp(argv[i], "--replay") == 0)
      o->replay = argv[i + 1];
    else
      return 0;
  }
  return o->npcs >= 0 && o->npcs < ARENA_ACTORS;
}

static void run_replay(lua_State *L, const char *path) {
  Replay replay;
  if (!replay_open(&replay, path)) {
    snprintf(game.failure, sizeof game.failure, "cannot read %s", path);
    return;
  }
  play_back(L, &replay);
  replay_close(&replay);
}

static void print_timing(void) {
  const Timing *t = &game.scripts;
  printf(
      "%ld frames; of each of the last %d the scripts took: median %.3f ms, 99%% of them at most "
      "%.3f ms, the longest %.3f ms\n",
      t->frames, TIMING_FRAMES, timing_share(t, 0.5) * 1e3, timing_share(t, 0.99) * 1e3,
      timing_share(t, 1) * 1e3);
}

static void run_terminal(lua_State *L) {
  if (!terminal_open()) {
    snprintf(game.failure, sizeof game.failure, "no terminal; --replay FILE needs none");
    return;
  }
  play(L);
  terminal_close();
  print_timing();
}

int main(int argc, char **argv) {
  Options o = {.directory = "examples/game", .npcs = 300};
  lua_State *L;
  if (!read_options(&o, argc, argv))
    return usage();
  game.is_replay = o.replay != NULL;
  game.budget = o.replay ? -1 : FRAME_SHARE; /* real time is to change nothing in a replay */
  L = scripts_open(&game, o.directory, o.npcs);
  game.spent = 0; /* that was no frame */
  if (L && !game.is_over && o.replay)
    run_replay(L, o.replay);
  else if (L && !game.is_over)
    run_terminal(L);
  if (L)
    lua_close(L);
  if (game.failure[0])
    fprintf(stderr, "game: %s\n", game.failure);
  return L && !game.failure[0] ? EXIT_SUCCESS : EXIT_FAILURE;
}
