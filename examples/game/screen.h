/*
** The picture: composed anew each frame, written as text or as what has changed for an ANSI
** terminal.
*/
#ifndef GAME_SCREEN_H
#define GAME_SCREEN_H

#include <stddef.h>

#include "arena.h"
#include "ring.h"

#define SCREEN_LINES 3 /* of text, below the arena */
#define SCREEN_ROWS  (ARENA_HEIGHT + SCREEN_LINES)

typedef struct Cell {
  char glyph;
  unsigned char colour;
} Cell;

typedef struct Screen {
  Cell cell[SCREEN_ROWS][ARENA_WIDTH];
  Cell shown[SCREEN_ROWS][ARENA_WIDTH]; /* what the terminal shows; glyph 0: not known */
} Screen;

/* Enough for what screen_encode and screen_text write, and a final 0. */
#define SCREEN_MOST (SCREEN_ROWS * (ARENA_WIDTH * 8 + 16))

void screen_compose(Screen *s, const Arena *a, const Ring *rings);
void screen_line(Screen *s, int line, const char *text);
/* The terminal shows something else: everything is written the next time. */
void screen_forget(Screen *s);
/* What makes a terminal of that size show it; the length. */
size_t screen_encode(Screen *s, int rows, int columns, char *out);
/* As lines of text, without spaces at their ends; the length. */
size_t screen_text(const Screen *s, char *out);

#endif
