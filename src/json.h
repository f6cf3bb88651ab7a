/*
** A file of JSON text that is written piece by piece. It knows nothing of Lua, and
** raises nothing: what cannot be written is remembered, and nothing more is written.
*/
#ifndef WEIR_JSON_H
#define WEIR_JSON_H

#include "hidden.h"

#define WEIR_JSON_BUFFER 65536
#define WEIR_JSON_STRING 120 /* bytes that are taken of a string */

typedef struct weir_Json {
  FILE *file; /* the user's own; NULL: it is not there any more */
  int error;  /* errno of what went wrong; 0: nothing */
  size_t n;   /* bytes in the buffer, always whole pieces */
  char text[WEIR_JSON_BUFFER];
} weir_Json;

void weir_json_init(weir_Json *j);
/* Makes room in the buffer for so many bytes, which all is written of that is there already. */
void weir_json_room(weir_Json *j, size_t n);
/* Writes what is in the buffer. */
void weir_json_flush(weir_Json *j);

/* The rest needs room: that of the text, 20 bytes for a number, 24 for microseconds, six times
   WEIR_JSON_STRING and 2 for a string. */

static inline void weir_json_bytes(weir_Json *j, const char *s, size_t n) {
  memcpy(j->text + j->n, s, n);
  j->n += n;
}
static inline void weir_json_put(weir_Json *j, const char *text) {
  weir_json_bytes(j, text, strlen(text));
}
void weir_json_number(weir_Json *j, uint64_t n);
/* Nanoseconds as microseconds. */
void weir_json_micros(weir_Json *j, uint64_t ns);
/* In quotes. What is not UTF-8 becomes the characters of Latin-1. */
void weir_json_string(weir_Json *j, const char *text);

#endif
