#include "arena.h"

static int clamp(int value, int end) {
  return value < 0 ? 0 : value >= end ? end - 1 : value;
}

static int free_slot(Arena *a) {
  for (int id = 0; id < a->used; id++)
    if (!a->actor[id].glyph)
      return id;
  return a->used < ARENA_ACTORS ? a->used++ : -1;
}

int arena_add(Arena *a, int x, int y) {
  int id = free_slot(a);
  if (id >= 0) {
    a->actor[id] = (Actor){.glyph = '?', .colour = WHITE};
    arena_move(&a->actor[id], x, y);
  }
  return id;
}

void arena_remove(Arena *a, int id) {
  Actor *actor = arena_actor(a, id);
  if (actor)
    actor->glyph = 0;
}

Actor *arena_actor(Arena *a, int id) {
  return id >= 0 && id < a->used && a->actor[id].glyph ? &a->actor[id] : 0;
}

void arena_move(Actor *actor, int x, int y) {
  actor->x = clamp(x, ARENA_WIDTH);
  actor->y = clamp(y, ARENA_HEIGHT);
}
