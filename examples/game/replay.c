#include "replay.h"

#include <string.h>

static void read_next(Replay *r) {
  char line[128];
  while (fgets(line, sizeof line, r->file))
    if (sscanf(line, "%ld %15s", &r->frame, r->key) == 2)
      return;
  r->frame = -1;
}

int replay_open(Replay *r, const char *path) {
  r->file = fopen(path, "r");
  if (r->file)
    read_next(r);
  return r->file != NULL;
}

void replay_close(Replay *r) {
  if (r->file)
    fclose(r->file);
}

int replay_key(Replay *r, long frame, char key[KEY_MOST + 1]) {
  if (r->frame < 0 || r->frame > frame)
    return 0;
  memcpy(key, r->key, sizeof r->key);
  read_next(r);
  return 1;
}

int replay_is_over(const Replay *r) {
  return r->frame < 0;
}
