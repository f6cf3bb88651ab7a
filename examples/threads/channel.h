/*
** Channels: strings pass through them from any Lua state of this process to any other. Each string
** is received once, in the order of the sends.
*/
#ifndef CHANNEL_H
#define CHANNEL_H

#include "lua.h"

typedef struct Channel Channel;

/* Opens the class of channels in a state. [-0, +0, m] */
void channel_open(lua_State *L);
/* channel(): a new one. */
int channel_new(lua_State *L);
/* The channel at an argument. [-0, +0, v] */
Channel *channel_at(lua_State *L, int arg);
/* Pushes it. [-0, +1, m] */
void channel_push(lua_State *L, Channel *c);

/* For any thread: references, and so lives. */
Channel *channel_retain(Channel *c);
void channel_release(Channel *c);

#endif
