#include "channel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "weir.h"

/* A string on its way. The channel owns it, or the fire that takes it to who receives it. */
typedef struct Message {
  struct Message *next;
  Channel *channel; /* with a reference, during that fire */
  int is_read;      /* valid behind it */
  size_t length;
  char text[];
} Message;

/* Somebody who waits for one, in any state. */
typedef struct Receiver {
  struct Receiver *next;
  weir_Handle *handle; /* with a reference */
} Receiver;

struct Channel {
  pthread_mutex_t mutex; /* for all below */
  const weir_Api *weir;  /* constant */
  int references;
  int is_closed;
  Message *first, **end;
  Receiver *receiver, **receivers_end;
};

static void *allocate(lua_State *L, size_t size) {
  void *p = malloc(size);
  if (!p)
    luaL_error(L, "not enough memory");
  return p;
}

/* ---- lives ---- */

Channel *channel_retain(Channel *c) {
  pthread_mutex_lock(&c->mutex);
  c->references++;
  pthread_mutex_unlock(&c->mutex);
  return c;
}

/* Nobody is left who might send: who still waits gets a failure. */
static void free_channel(Channel *c) {
  while (c->receiver) {
    Receiver *r = c->receiver;
    c->receiver = r->next;
    c->weir->handle_release(r->handle);
    free(r);
  }
  while (c->first) {
    Message *m = c->first;
    c->first = m->next;
    free(m);
  }
  pthread_mutex_destroy(&c->mutex);
  free(c);
}

void channel_release(Channel *c) {
  int left;
  pthread_mutex_lock(&c->mutex);
  left = --c->references;
  pthread_mutex_unlock(&c->mutex);
  if (left == 0)
    free_channel(c);
}

/* ---- passing on ---- */

static void pass_on(Channel *c);

static int push_message(lua_State *L, void *ud) {
  Message *m = ud;
  if (!m) /* it is closed */
    return 0;
  lua_pushlstring(L, m->text, m->length);
  m->is_read = 1;
  return 1;
}

static void put_back(Channel *c, Message *m) {
  pthread_mutex_lock(&c->mutex);
  m->next = c->first;
  c->first = m;
  if (!m->next)
    c->end = &m->next;
  pthread_mutex_unlock(&c->mutex);
  pass_on(c);
}

/* Behind the fire, in whatever thread. If the receiver had been cancelled, or its state closed, the
   next one shall have it. */
static void finish_message(void *ud) {
  Message *m = ud;
  Channel *c;
  if (!m)
    return;
  c = m->channel;
  if (m->is_read)
    free(m);
  else
    put_back(c, m);
  channel_release(c);
}

/* Takes a receiver and what it is to get; 0 if there is nothing to be done. */
static int match(Channel *c, Receiver **r, Message **m) {
  if (!c->receiver || (!c->first && !c->is_closed))
    return 0;
  *r = c->receiver;
  c->receiver = (*r)->next;
  if (!c->receiver)
    c->receivers_end = &c->receiver;
  *m = c->first;
  if (*m) {
    c->first = (*m)->next;
    c->references++;
  }
  if (!c->first)
    c->end = &c->first;
  return 1;
}

static void pass_on(Channel *c) {
  Receiver *r;
  Message *m;
  int matched;
  for (;;) {
    pthread_mutex_lock(&c->mutex);
    matched = match(c, &r, &m);
    pthread_mutex_unlock(&c->mutex);
    if (!matched)
      return;
    c->weir->handle_fire(r->handle, push_message, finish_message, m);
    c->weir->handle_release(r->handle);
    free(r);
  }
}

/* ---- for scripts ---- */

Channel *channel_at(lua_State *L, int arg) {
  return *(Channel **)luaL_checkudata(L, arg, "channel");
}

/* channel:send(string) */
static int send_message(lua_State *L) {
  Channel *c = channel_at(L, 1);
  size_t length;
  const char *text = luaL_checklstring(L, 2, &length);
  Message *m = allocate(L, sizeof *m + length);
  m->next = NULL;
  m->channel = c;
  m->is_read = 0;
  m->length = length;
  memcpy(m->text, text, length);
  pthread_mutex_lock(&c->mutex);
  *c->end = m;
  c->end = &m->next;
  pthread_mutex_unlock(&c->mutex);
  pass_on(c);
  return 0;
}

/* channel:receive() -> a Deferred of a string, or of nothing when it is closed and empty */
static int receive(lua_State *L) {
  Channel *c = channel_at(L, 1);
  Receiver *r;
  c->weir->deferred(L);
  r = allocate(L, sizeof *r);
  r->next = NULL;
  r->handle = c->weir->handle(L, -1);
  pthread_mutex_lock(&c->mutex);
  *c->receivers_end = r;
  c->receivers_end = &r->next;
  pthread_mutex_unlock(&c->mutex);
  pass_on(c);
  return 1;
}

/* channel:close() */
static int close_channel(lua_State *L) {
  Channel *c = channel_at(L, 1);
  pthread_mutex_lock(&c->mutex);
  c->is_closed = 1;
  pthread_mutex_unlock(&c->mutex);
  pass_on(c);
  return 0;
}

static int collect(lua_State *L) {
  channel_release(channel_at(L, 1));
  return 0;
}

/* A userdata in each state where it is known. */
static void push_pointer(lua_State *L, Channel *c) {
  Channel **p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = c;
  luaL_setmetatable(L, "channel");
}

void channel_push(lua_State *L, Channel *c) {
  push_pointer(L, c);
  channel_retain(c);
}

int channel_new(lua_State *L) {
  Channel *c = allocate(L, sizeof *c);
  *c = (Channel){.weir = weir_api(L), .references = 1};
  pthread_mutex_init(&c->mutex, NULL);
  c->end = &c->first;
  c->receivers_end = &c->receiver;
  push_pointer(L, c);
  return 1;
}

void channel_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"send", send_message},
                                     {"receive", receive},
                                     {"close", close_channel},
                                     {"__gc", collect},
                                     {NULL, NULL}};
  luaL_newmetatable(L, "channel");
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
