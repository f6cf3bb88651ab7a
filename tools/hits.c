/*
** How often each instruction of lua/weir has run, for `make coverage`. A hook written in Lua would
** not do: it belongs to one thread, and those of weir are made in C. This one is inherited.
**
** LUA_INIT loads it into every Lua that a spec starts. At the end of the process it adds to the
** directory HITS a file of lines: source, first line, last line, instructions, then for each how
** often it ran, and how often the one behind the next ran next: so a test ends that does not jump.
**
** Where a thread has come to, no public function tells. These are the first members of Lua 5.4's
** own structs.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>

typedef struct Code {
  void *next;
  unsigned char header[5]; /* tt, marked, numparams, is_vararg, maxstacksize */
  int sizeupvalues, sizek, size;
  int sizelineinfo, sizep, sizelocvars, sizeabslineinfo, linedefined, lastlinedefined;
  void *k;
  const unsigned *first;
} Code;

typedef struct Closure {
  void *next;
  unsigned char header[3]; /* tt, marked, nupvalues */
  void *gclist;
  const Code *code;
} Closure;

typedef struct Call {
  const Closure *const *function;
  void *top;
  struct Call *previous, *next;
  const unsigned *at; /* behind the instruction that is next */
} Call;

typedef struct Count {
  unsigned long hits, skips;
} Count;

typedef struct Entry {
  struct Entry *next;
  const char *source;
  int first, last, size;
  Count counts[1];
} Entry;

#define BUCKETS 1024
static Entry *buckets[BUCKETS];

/* What ran last: nothing else can have taken its place in memory before another ran. */
static const Code *current;
static const Call *caller;
static Entry *entry;
static long last;

static const char *copy(const char *s) {
  char *result = malloc(strlen(s) + 1);
  return result ? strcpy(result, s) : NULL;
}

static Entry *make(const Code *code, const char *source) {
  Entry *e = calloc(1, sizeof *e + (size_t)code->size * sizeof e->counts[0]);
  if (!e || !(e->source = copy(source)))
    abort();
  e->first = code->linedefined;
  e->last = code->lastlinedefined;
  e->size = code->size;
  return e;
}

static int is_of(const Entry *e, const Code *code, const char *source) {
  return e->first == code->linedefined && e->last == code->lastlinedefined &&
         e->size == code->size && strcmp(e->source, source) == 0;
}

static Entry *find(const Code *code, const char *source) {
  Entry **bucket = &buckets[(unsigned)(code->linedefined * 31 + code->size) % BUCKETS];
  Entry *e = *bucket;
  while (e && !is_of(e, code, source))
    e = e->next;
  if (!e) {
    e = make(code, source);
    e->next = *bucket;
    *bucket = e;
  }
  return e;
}

static void look(lua_State *L, lua_Debug *ar, const Code *code) {
  const char *place;
  current = code;
  lua_getinfo(L, "S", ar);
  place = ar->source[0] == '@' ? strstr(ar->source, "lua/weir/") : NULL;
  entry = place ? find(code, place) : NULL;
}

static void hook(lua_State *L, lua_Debug *ar) {
  const Call *call = (const Call *)(const void *)ar->i_ci;
  const Code *code = (*call->function)->code;
  long at = call->at - code->first - 1;
  if (code != current)
    look(L, ar, code);
  else if (entry && call == caller && at == last + 2)
    entry->counts[last].skips++;
  if (entry)
    entry->counts[at].hits++;
  caller = call;
  last = at;
}

static void write_entry(FILE *file, const Entry *e) {
  int i;
  fprintf(file, "%s %d %d %d", e->source, e->first, e->last, e->size);
  for (i = 0; i < e->size; i++)
    fprintf(file, " %lu %lu", e->counts[i].hits, e->counts[i].skips);
  fputc('\n', file);
}

static FILE *open_file(void) {
  char name[4096];
  const char *directory = getenv("HITS");
  if (!directory)
    return NULL;
  snprintf(name, sizeof name, "%s/%ld.hits", directory, (long)getpid());
  return fopen(name, "a");
}

__attribute__((destructor)) static void write_all(void) {
  FILE *file = open_file();
  int i;
  if (!file)
    return;
  for (i = 0; i < BUCKETS; i++) {
    const Entry *e;
    for (e = buckets[i]; e; e = e->next)
      write_entry(file, e);
  }
  fclose(file);
}

__attribute__((visibility("default"))) int luaopen_hits(lua_State *L);
int luaopen_hits(lua_State *L) {
  lua_sethook(L, hook, LUA_MASKCOUNT, 1);
  return 0;
}
