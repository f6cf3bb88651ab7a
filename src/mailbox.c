#include "mailbox.h"

#include <stdlib.h>

#include "list.h"

/* ---- lives ---- */

static void free_mailbox(weir_Mailbox *m) {
  weir_mutex_free(m->mutex);
  free(m);
}

weir_Mailbox *weir_mailbox_new(void) {
  weir_Mailbox *m = calloc(1, sizeof *m);
  if (!m)
    return NULL;
  m->references = 1;
  m->mutex = weir_mutex_new();
  if (m->mutex)
    return m;
  free(m);
  return NULL;
}

weir_Handle *weir_handle_new(weir_Mailbox *m) {
  weir_Handle *h = calloc(1, sizeof *h);
  if (!h)
    return NULL;
  h->mailbox = m;
  h->references = 1;
  weir_list_append(m->live, h, prev, next);
  m->nlive++;
  weir_mutex_lock(m->mutex);
  m->references++;
  weir_mutex_unlock(m->mutex);
  return h;
}

static void lock(const weir_Handle *h) {
  weir_mutex_lock(h->mailbox->mutex);
}

static void unlock(const weir_Handle *h) {
  weir_mutex_unlock(h->mailbox->mutex);
}

/* Unlocks it, and frees it, and with it perhaps the mailbox, if nobody has a use for it. */
static void let_go(weir_Handle *h) {
  weir_Mailbox *m = h->mailbox;
  int is_dead = h->references == 0 && h->stage >= STAGE_DELIVERED;
  int is_last = is_dead && --m->references == 0;
  weir_mutex_unlock(m->mutex);
  if (is_dead)
    free(h);
  if (is_last)
    free_mailbox(m);
}

/* ---- mail ---- */

static void wake_up(weir_Mailbox *m) {
  if (m->asleep)
    weir_bell_ring(m->bell);
  m->asleep = 0;
  if (m->wake)
    m->wake(m->wake_ud);
}

static void post(weir_Handle *h, weir_Stage stage, weir_Letter letter) {
  weir_Mailbox *m = h->mailbox;
  h->stage = (uint8_t)stage;
  h->letter = letter;
  h->number = ++m->number;
  weir_list_append(m->first, h, earlier, later);
  if (m->first == h)
    wake_up(m);
}

static weir_Letter take_out(weir_Handle *h) {
  weir_Mailbox *m = h->mailbox;
  weir_Letter nothing = {NULL, NULL, NULL, 0, 0};
  if (h->stage == STAGE_OPEN)
    return nothing;
  weir_list_remove(m->first, h, earlier, later);
  return h->letter;
}

/* It is live no longer. */
static weir_Letter end(weir_Handle *h, weir_Stage stage) {
  weir_Letter letter = take_out(h);
  weir_Mailbox *m = h->mailbox;
  weir_list_remove(m->live, h, prev, next);
  m->nlive--;
  h->stage = (uint8_t)stage;
  return letter;
}

void weir_letter_release(const weir_Letter *letter) {
  if (letter->release)
    letter->release(letter->ud);
}

weir_Letter weir_handle_take(weir_Handle *h) {
  weir_Letter letter;
  lock(h);
  letter = end(h, STAGE_DELIVERED);
  let_go(h);
  return letter;
}

void weir_handle_cancel(weir_Handle *h) {
  weir_Letter letter;
  int was_open;
  lock(h);
  was_open = h->stage == STAGE_OPEN;
  letter = end(h, STAGE_CANCELLED);
  h->references++; /* for the call below */
  unlock(h);
  weir_letter_release(&letter);
  if (was_open && h->on_cancel)
    h->on_cancel(h, h->cancel_ud);
  weir_handle_release(h);
}

int weir_mailbox_has_mail(weir_Mailbox *m) {
  return weir_mailbox_first(m, UINT64_MAX) != NULL;
}

uint64_t weir_mailbox_last(weir_Mailbox *m) {
  uint64_t number;
  weir_mutex_lock(m->mutex);
  number = m->number;
  weir_mutex_unlock(m->mutex);
  return number;
}

weir_Handle *weir_mailbox_first(weir_Mailbox *m, uint64_t limit) {
  weir_Handle *h;
  weir_mutex_lock(m->mutex);
  h = m->first && m->first->number <= limit ? m->first : NULL;
  weir_mutex_unlock(m->mutex);
  return h;
}

void weir_mailbox_set_wake(weir_Mailbox *m, void (*wake)(void *ud), void *ud) {
  weir_mutex_lock(m->mutex);
  m->wake = wake;
  m->wake_ud = ud;
  if (m->first)
    wake_up(m);
  weir_mutex_unlock(m->mutex);
}

static int has_bell(weir_Mailbox *m) {
  if (!m->bell)
    m->bell = weir_bell_new();
  return m->bell != NULL;
}

int weir_mailbox_listen(weir_Mailbox *m) {
  if (!has_bell(m))
    return -1;
  weir_bell_clear(m->bell);
  weir_mutex_lock(m->mutex);
  m->asleep = m->first == NULL;
  if (m->first)
    weir_bell_ring(m->bell);
  weir_mutex_unlock(m->mutex);
  return weir_bell_file(m->bell);
}

int weir_mailbox_sleep(weir_Mailbox *m, double seconds) {
  int asleep;
  if (!has_bell(m))
    return 0;
  weir_mutex_lock(m->mutex);
  asleep = m->asleep = m->first == NULL;
  weir_mutex_unlock(m->mutex);
  if (!asleep)
    return 1;
  weir_bell_sleep(m->bell, seconds);
  weir_mutex_lock(m->mutex);
  m->asleep = 0;
  weir_mutex_unlock(m->mutex);
  return 1;
}

void weir_mailbox_close(weir_Mailbox *m) {
  weir_Handle *h, *next;
  int is_last;
  weir_mailbox_set_wake(m, NULL, NULL);
  for (h = m->live; h; h = next) {
    next = h->next;
    weir_handle_cancel(h);
  }
  if (m->bell)
    weir_bell_free(m->bell);
  weir_mutex_lock(m->mutex);
  is_last = --m->references == 0;
  weir_mutex_unlock(m->mutex);
  if (is_last)
    free_mailbox(m);
}

/* ---- for any thread ---- */

static int fire(weir_Handle *h, weir_Letter letter) {
  int is_first;
  lock(h);
  is_first = h->stage == STAGE_OPEN;
  if (is_first)
    post(h, STAGE_FIRED, letter);
  unlock(h);
  if (!is_first)
    weir_letter_release(&letter);
  return is_first;
}

int weir_handle_fire(weir_Handle *h, weir_Push push, weir_Release release, void *ud) {
  weir_Letter letter = {push, release, ud, 0, 0};
  return fire(h, letter);
}

int weir_handle_fail(weir_Handle *h, weir_Push push, weir_Release release, void *ud) {
  weir_Letter letter = {push, release, ud, 1, 0};
  return fire(h, letter);
}

int weir_handle_is_cancelled(weir_Handle *h) {
  int is;
  lock(h);
  is = h->stage == STAGE_CANCELLED;
  unlock(h);
  return is;
}

weir_Handle *weir_handle_retain(weir_Handle *h) {
  lock(h);
  h->references++;
  unlock(h);
  return h;
}

void weir_handle_release(weir_Handle *h) {
  weir_Letter letter = {NULL, NULL, NULL, 1, 1};
  lock(h);
  if (--h->references == 0 && h->stage == STAGE_OPEN)
    post(h, STAGE_ABANDONED, letter);
  let_go(h);
}
