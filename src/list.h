/*
** Intrusive doubly linked lists, kept by their owner as a pointer to the first item.
** They know nothing of Lua. `P`, `N` are the members' own links, so that one
** struct can be in several lists.
**
** Invariant: first->P is the last item, whose N is NULL; first is NULL when there
** is none; an item that is in no list has whatever links it had.
*/
#ifndef WEIR_LIST_H
#define WEIR_LIST_H

/* NULL if there is none. */
#define weir_list_last(first, P) ((first) ? (first)->P : NULL)

#define weir_list_append(first, item, P, N)                                                        \
  do {                                                                                             \
    (item)->N = NULL;                                                                              \
    if (first) {                                                                                   \
      (item)->P = (first)->P;                                                                      \
      (first)->P->N = (item);                                                                      \
      (first)->P = (item);                                                                         \
    } else {                                                                                       \
      (item)->P = (item);                                                                          \
      (first) = (item);                                                                            \
    }                                                                                              \
  } while (0)

#define weir_list_prepend(first, item, P, N)                                                       \
  do {                                                                                             \
    (item)->N = (first);                                                                           \
    (item)->P = (item);                                                                            \
    if (first) {                                                                                   \
      (item)->P = (first)->P;                                                                      \
      (first)->P = (item);                                                                         \
    }                                                                                              \
    (first) = (item);                                                                              \
  } while (0)

/* Removes the first, which there is. */
#define weir_list_pop(first, P, N)                                                                 \
  do {                                                                                             \
    if ((first)->N)                                                                                \
      (first)->N->P = (first)->P;                                                                  \
    (first) = (first)->N;                                                                          \
  } while (0)

#define weir_list_remove(first, item, P, N)                                                        \
  do {                                                                                             \
    if ((item) == (first)) {                                                                       \
      weir_list_pop(first, P, N);                                                                  \
    } else {                                                                                       \
      (item)->P->N = (item)->N;                                                                    \
      ((item)->N ? (item)->N : (first))->P = (item)->P;                                            \
    }                                                                                              \
  } while (0)

#endif
