/*
** The terminal: keys come one by one and are not shown, and whatever ends the program, it is left
** as it was.
*/
#ifndef GAME_TERMINAL_H
#define GAME_TERMINAL_H

#include <stddef.h>

/* 0 if standard input and output are no terminal. */
int terminal_open(void);
void terminal_close(void);
void terminal_size(int *rows, int *columns);
void terminal_clear(void);
void terminal_write(const char *text, size_t n);
/* The next key, as a name: "a", "space", "up"; NULL if `seconds` pass without one. */
const char *terminal_key(double seconds);

/* Has a signal asked the program to end? */
int terminal_is_over(void);
/* 1 once after each change of size, and after the program has been stopped and goes on. */
int terminal_has_changed(void);

#endif
