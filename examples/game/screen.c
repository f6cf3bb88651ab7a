#include "screen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- composing ---- */

static void put(Screen *s, int row, int column, char glyph, Colour colour) {
  if (row >= 0 && row < SCREEN_ROWS && column >= 0 && column < ARENA_WIDTH)
    s->cell[row][column] = (Cell){glyph, (unsigned char)colour};
}

static void clear(Screen *s) {
  for (int row = 0; row < SCREEN_ROWS; row++)
    for (int column = 0; column < ARENA_WIDTH; column++)
      put(s, row, column, ' ', WHITE);
}

/* Cells are twice as high as they are wide. */
static void draw_ring(Screen *s, const Ring *r) {
  double radius = ring_radius(r);
  int points = 8 + (int)(radius * 8);
  for (int i = 0; i < points; i++) {
    double angle = 2 * 3.14159265358979 * i / points;
    int row = (int)floor(r->y + sin(angle) * radius / 2 + 0.5);
    if (row < ARENA_HEIGHT)
      put(s, row, (int)floor(r->x + cos(angle) * radius + 0.5), '*', MAGENTA);
  }
}

void screen_compose(Screen *s, const Arena *a, const Ring *rings) {
  clear(s);
  for (const Ring *r = rings; r; r = r->next)
    draw_ring(s, r);
  for (int id = a->used - 1; id >= 0; id--) /* the first, the player, on top */
    if (a->actor[id].glyph)
      put(s, a->actor[id].y, a->actor[id].x, a->actor[id].glyph, a->actor[id].colour);
}

void screen_line(Screen *s, int line, const char *text) {
  for (int column = 0; text[column]; column++)
    put(s, ARENA_HEIGHT + line, column, text[column], WHITE);
}

/* ---- writing ---- */

void screen_forget(Screen *s) {
  memset(s->shown, 0, sizeof s->shown);
}

static char *encode_row(const Cell *cell, int columns, char *out) {
  int colour = -1;
  for (int column = 0; column < columns; column++) {
    if (cell[column].colour != colour) {
      colour = cell[column].colour;
      out += sprintf(out, "\x1b[3%dm", colour);
    }
    *out++ = cell[column].glyph;
  }
  return out;
}

size_t screen_encode(Screen *s, int rows, int columns, char *out) {
  char *at = out;
  for (int row = 0; row < SCREEN_ROWS && row < rows; row++) {
    if (memcmp(s->cell[row], s->shown[row], sizeof s->cell[row]) == 0)
      continue;
    at += sprintf(at, "\x1b[%d;1H", row + 1);
    at = encode_row(s->cell[row], columns < ARENA_WIDTH ? columns : ARENA_WIDTH, at);
    memcpy(s->shown[row], s->cell[row], sizeof s->cell[row]);
  }
  return (size_t)(at - out);
}

static int length_of(const Cell *cell) {
  int n = ARENA_WIDTH;
  while (n > 0 && cell[n - 1].glyph == ' ')
    n--;
  return n;
}

size_t screen_text(const Screen *s, char *out) {
  char *at = out;
  for (int row = 0; row < SCREEN_ROWS; row++) {
    int n = length_of(s->cell[row]);
    for (int column = 0; column < n; column++)
      *at++ = s->cell[row][column].glyph;
    *at++ = '\n';
  }
  *at = 0;
  return (size_t)(at - out);
}
