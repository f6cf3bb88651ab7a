/*
** Keys from a file instead of a terminal, each with the frame before which it is pressed:
**
**   # a comment
**   30 space
**   90 show
*/
#ifndef GAME_REPLAY_H
#define GAME_REPLAY_H

#include <stdio.h>

#define KEY_MOST 15

typedef struct Replay {
  FILE *file;
  long frame; /* of the key that comes next; -1: there is none */
  char key[KEY_MOST + 1];
} Replay;

/* 0 if the file cannot be read. */
int replay_open(Replay *r, const char *path);
void replay_close(Replay *r);
/* The next key of this frame into `key`; 0 if there is none. */
int replay_key(Replay *r, long frame, char key[KEY_MOST + 1]);
int replay_is_over(const Replay *r);

#endif
