/*
** Rings: an animation that the engine runs, and that scripts wait for. This is how an engine offers
** anything that takes several frames: it pushes a Deferred when it begins and fires it at the end.
** The hooks make it obey cancel and pause: who is stunned or killed while it waits for a ring takes
** the ring along.
*/
#ifndef GAME_RING_H
#define GAME_RING_H

#include "arena.h"
#include "weir.h"

typedef struct Ring Ring;
struct Ring {        /* a userdata; its user value is the Deferred */
  Ring **list;       /* where it is */
  Ring *prev, *next; /* younger, older */
  int ref;           /* holds the userdata in the registry while it is there */
  int is_held;
  double x, y, age, seconds, radius;
};

/* Begins one and pushes its Deferred. [-0, +1, e] */
void ring_begin(lua_State *L, Ring **list, double x, double y, double radius, double seconds);
/* So much time has passed; those that are over are gone, and fired. [-0, +0, e] */
void ring_update(lua_State *L, Ring **list, double seconds);
/* The radius now. */
double ring_radius(const Ring *r);

#endif
