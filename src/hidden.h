/*
** Declared behind this are our own functions, which nobody else is to see: they
** are called directly, and not through stubs of the linker. An option of the
** compiler would do it, but luarocks passes none.
**
** What is declared elsewhere is not to come behind it: so a file includes no
** header of the system but these here, unless it does so first.
*/
#ifndef WEIR_HIDDEN_H
#define WEIR_HIDDEN_H

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* It lasts to the end of the file, which clang does not allow. */
#if defined(__ELF__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 6
#pragma GCC visibility push(hidden)
#endif

#endif
