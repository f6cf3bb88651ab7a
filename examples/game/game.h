/*
** What the parts of the game share.
*/
#ifndef GAME_GAME_H
#define GAME_GAME_H

#include "arena.h"
#include "ring.h"
#include "screen.h"
#include "timing.h"

#define LINE_MOST    160
#define FAILURE_MOST 4096

typedef struct Game {
  double time; /* of this frame, in seconds; what the scripts' clocks follow */
  long frame;  /* its number */
  int is_over;
  int is_replay; /* keys from a file: nothing is drawn, traces are printed */
  double budget; /* seconds that the scripts get of a frame; less than 0: all they want */
  Arena arena;
  Ring *rings;
  char line[SCREEN_LINES][LINE_MOST];
  char failure[FAILURE_MOST]; /* why it is over, if a script failed; told when the terminal is back
                               */
  double spent;               /* seconds that the scripts have taken since the last frame ended */
  Timing scripts;             /* the same of the frames before */
} Game;

/* lib_arena.c: what scripts get of `require "arena"`; upvalue 1 is the Game. */
int lib_arena_open(lua_State *L);

#endif
