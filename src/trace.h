/*
** The trace: what happens, as events in the format that chrome://tracing and Perfetto
** read: an array in JSON. A coroutine is a track of its own, under its number; 0
** is the program around.
**
** No two events have the same time: by that they are in the order in which they
** happened.
*/
#ifndef WEIR_TRACE_H
#define WEIR_TRACE_H

#include "json.h"

typedef struct weir_Trace {
  double start;   /* on the platform's clock */
  uint64_t last;  /* time of the last event, in nanoseconds since the start */
  uint64_t flows; /* last number given to one */
  weir_Json json;
} weir_Trace;

/* Begins: `json.file` is to be set before there is more. NULL: there is no memory. */
weir_Trace *weir_trace_new(double now);
/* Ends it in due form; the file stays open. Returns the errno of what went wrong since the start,
   or 0. */
int weir_trace_free(weir_Trace *t);

/* The time for an event that happens now. */
uint64_t weir_trace_stamp(weir_Trace *t, double now);
/* Names a track. */
void weir_trace_name(weir_Trace *t, uint64_t track, const char *name);
/* Something that began at `since` and ends at `until`; `flow`: what it comes of, or 0. */
void weir_trace_slice(weir_Trace *t, uint64_t track, const char *name, uint64_t since,
                      uint64_t until, uint64_t flow);
/* Something that will come of what happens on a track at that time, the last: its number. Where
   nothing is going on there a slice of that name is. */
uint64_t weir_trace_flow(weir_Trace *t, uint64_t track, const char *name, uint64_t time);

/* Something that happens: its arguments follow, then its end. */
void weir_trace_begin(weir_Trace *t, uint64_t track, const char *name, uint64_t time);
void weir_trace_text(weir_Trace *t, const char *key, const char *value);
void weir_trace_number(weir_Trace *t, const char *key, uint64_t value);
void weir_trace_end(weir_Trace *t);

#endif
