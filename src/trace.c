#include "trace.h"

#include <stdlib.h>

#define ROOM 2048 /* bytes: more than any event takes */

weir_Trace *weir_trace_new(double now) {
  weir_Trace *t = malloc(sizeof *t);
  if (!t)
    return NULL;
  t->start = now;
  t->last = t->flows = 0;
  weir_json_init(&t->json);
  weir_json_put(&t->json, "[\n{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"process_name\","
                          "\"args\":{\"name\":\"weir\"}}");
  weir_trace_name(t, 0, "host");
  return t;
}

int weir_trace_free(weir_Trace *t) {
  int error;
  weir_json_room(&t->json, ROOM);
  weir_json_put(&t->json, "\n]\n");
  weir_json_flush(&t->json);
  error = t->json.error;
  free(t);
  return error;
}

uint64_t weir_trace_stamp(weir_Trace *t, double now) {
  double ns = (now - t->start) * 1e9;
  if (ns > (double)t->last + 1)
    t->last = (uint64_t)ns;
  else
    t->last++;
  return t->last;
}

/* Up to and with the time. */
static void put_head(weir_Trace *t, const char *phase, uint64_t track, uint64_t time) {
  weir_Json *j = &t->json;
  weir_json_room(j, ROOM);
  weir_json_put(j, ",\n{\"ph\":\"");
  weir_json_put(j, phase);
  weir_json_put(j, "\",\"pid\":1,\"tid\":");
  weir_json_number(j, track);
  weir_json_put(j, ",\"ts\":");
  weir_json_micros(j, time);
}

static void put_name(weir_Trace *t, const char *name) {
  weir_json_put(&t->json, ",\"name\":");
  weir_json_string(&t->json, name);
}

void weir_trace_name(weir_Trace *t, uint64_t track, const char *name) {
  put_head(t, "M", track, 0);
  weir_json_put(&t->json, ",\"name\":\"thread_name\",\"args\":{\"name\":");
  weir_json_string(&t->json, name);
  weir_json_put(&t->json, "}}");
}

static void put_slice(weir_Trace *t, uint64_t track, const char *name, uint64_t since,
                      uint64_t until) {
  put_head(t, "X", track, since);
  weir_json_put(&t->json, ",\"dur\":");
  weir_json_micros(&t->json, until - since);
  put_name(t, name);
  weir_json_put(&t->json, "}");
}

static void put_flow(weir_Trace *t, const char *phase, uint64_t track, uint64_t time,
                     uint64_t number) {
  put_head(t, phase, track, time);
  weir_json_put(&t->json, ",\"id\":");
  weir_json_number(&t->json, number);
  weir_json_put(&t->json, ",\"cat\":\"flow\",\"name\":\"causes\"}");
}

/* Its end stands behind the slice that it ends in, for readers that go by the order. */
void weir_trace_slice(weir_Trace *t, uint64_t track, const char *name, uint64_t since,
                      uint64_t until, uint64_t flow) {
  put_slice(t, track, name, since, until);
  if (flow)
    put_flow(t, "f\",\"bp\":\"e", track, since, flow);
}

uint64_t weir_trace_flow(weir_Trace *t, uint64_t track, const char *name, uint64_t time) {
  if (name) {
    put_slice(t, track, name, time, time + 2);
    t->last = time + 2;
    time++;
  }
  put_flow(t, "s", track, time, ++t->flows);
  return t->flows;
}

void weir_trace_begin(weir_Trace *t, uint64_t track, const char *name, uint64_t time) {
  put_head(t, "i", track, time);
  weir_json_put(&t->json, ",\"s\":\"t\"");
  put_name(t, name);
  weir_json_put(&t->json, ",\"args\":{");
}

static void put_key(weir_Trace *t, const char *key) {
  weir_Json *j = &t->json;
  if (j->text[j->n - 1] != '{')
    weir_json_put(j, ",");
  weir_json_string(j, key);
  weir_json_put(j, ":");
}

void weir_trace_text(weir_Trace *t, const char *key, const char *value) {
  put_key(t, key);
  weir_json_string(&t->json, value);
}

void weir_trace_number(weir_Trace *t, const char *key, uint64_t value) {
  put_key(t, key);
  weir_json_number(&t->json, value);
}

void weir_trace_end(weir_Trace *t) {
  weir_json_put(&t->json, "}}");
}
