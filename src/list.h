/*
** Intrusive doubly linked lists, kept by their owner as `first` and `last`.
** They know nothing of Lua. `P`, `N` are the members' own links, so that one
** struct can be in several lists.
**
** Invariant: first and last are both NULL or both not; first->P == NULL and
** last->N == NULL; an item that is in no list has whatever links it had.
*/
#ifndef WEIR_LIST_H
#define WEIR_LIST_H

#define weir_list_append(first, last, item, P, N)                                                  \
  do {                                                                                             \
    (item)->P = (last);                                                                            \
    (item)->N = NULL;                                                                              \
    if (last)                                                                                      \
      (last)->N = (item);                                                                          \
    else                                                                                           \
      (first) = (item);                                                                            \
    (last) = (item);                                                                               \
  } while (0)

/* Removes the first, which there is. */
#define weir_list_pop(first, last, P, N)                                                           \
  do {                                                                                             \
    (first) = (first)->N;                                                                          \
    if (first)                                                                                     \
      (first)->P = NULL;                                                                           \
    else                                                                                           \
      (last) = NULL;                                                                               \
  } while (0)

#define weir_list_remove(first, last, item, P, N)                                                  \
  do {                                                                                             \
    if ((item)->P)                                                                                 \
      (item)->P->N = (item)->N;                                                                    \
    else                                                                                           \
      (first) = (item)->N;                                                                         \
    if ((item)->N)                                                                                 \
      (item)->N->P = (item)->P;                                                                    \
    else                                                                                           \
      (last) = (item)->P;                                                                          \
  } while (0)

#endif
