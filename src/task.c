#include "task.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAP 64 /* places of the table */

/* ---- the table ---- */

static size_t place_of(const weir_Tasks *all, uint64_t born) {
  return (size_t)((born * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (all->cap - 1);
}

/* Where it is, or would be. */
static weir_Task *look_up(const weir_Tasks *all, uint64_t born) {
  size_t i = place_of(all, born);
  while (all->v[i].born != 0 && all->v[i].born != born)
    i = (i + 1) & (all->cap - 1);
  return &all->v[i];
}

weir_Task *weir_task_find(const weir_Tasks *all, uint64_t born) {
  weir_Task *t = all->cap ? look_up(all, born) : NULL;
  return t && t->born ? t : NULL;
}

static int grow(weir_Tasks *all) {
  weir_Tasks larger = {.n = all->n, .cap = all->cap ? all->cap * 2 : FIRST_CAP};
  larger.v = calloc(larger.cap, sizeof *larger.v);
  if (!larger.v)
    return 0;
  for (size_t i = 0; i < all->cap; i++)
    if (all->v[i].born)
      *look_up(&larger, all->v[i].born) = all->v[i];
  free(all->v);
  all->v = larger.v;
  all->cap = larger.cap;
  return 1;
}

weir_Task *weir_task_need(weir_Tasks *all, uint64_t born) {
  weir_Task *t = weir_task_find(all, born);
  if (t)
    return t;
  if (all->n >= all->cap / 4 * 3 && !grow(all) && all->n + 1 >= all->cap)
    return NULL;
  t = look_up(all, born);
  *t = (weir_Task){.born = born, .queued = -1};
  all->n++;
  return t;
}

/* Those behind it that could not be in their own places move up. */
void weir_task_drop(weir_Tasks *all, weir_Task *t) {
  size_t mask = all->cap - 1, hole = (size_t)(t - all->v), i = hole;
  while (all->v[i = (i + 1) & mask].born)
    if (((i - place_of(all, all->v[i].born)) & mask) >= ((i - hole) & mask)) {
      all->v[hole] = all->v[i];
      hole = i;
    }
  all->v[hole].born = 0;
  all->n--;
}

void weir_task_drop_all(weir_Tasks *all) {
  free(all->v);
  all->v = NULL;
  all->n = all->cap = 0;
}

/* ---- where a body is ---- */

void weir_task_find_place(weir_Task *t, const weir_Coroutine *c) {
  lua_Debug ar;
  int found = weir_coroutine_definition(c, &ar);
  if (found && ar.linedefined > 0)
    snprintf(t->place, sizeof t->place, "%s:%d", ar.short_src, ar.linedefined);
  else
    snprintf(t->place, sizeof t->place, "%s", found ? ar.short_src : "?");
}

const char *weir_task_label(const weir_Task *t, const weir_Coroutine *c) {
  return c->name ? c->name : t ? t->place : "?";
}
