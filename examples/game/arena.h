/*
** The arena: a field of cells and the actors on it. Plain C: it knows no scripts and no terminal.
*/
#ifndef GAME_ARENA_H
#define GAME_ARENA_H

#define ARENA_WIDTH  80
#define ARENA_HEIGHT 21
#define ARENA_ACTORS 2048

typedef enum Colour { BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE, COLOURS } Colour;

typedef struct Actor {
  int x, y;
  char glyph; /* 0: the slot is free */
  Colour colour;
} Actor;

typedef struct Arena {
  Actor actor[ARENA_ACTORS];
  int used; /* slots from here on have never been used */
} Arena;

/* Puts a new actor there; its number, or -1 if the arena is full. */
int arena_add(Arena *a, int x, int y);
void arena_remove(Arena *a, int id);
/* NULL if there is none of that number. */
Actor *arena_actor(Arena *a, int id);
/* To the nearest cell of the arena. */
void arena_move(Actor *actor, int x, int y);

#endif
