#include "json.h"

#include <errno.h>
#include <string.h>

void weir_json_init(weir_Json *j) {
  j->file = NULL;
  j->error = 0;
  j->n = 0;
}

void weir_json_flush(weir_Json *j) {
  if (!j->error && j->n > 0) {
    errno = 0;
    if (!j->file)
      j->error = EBADF;
    else if (fwrite(j->text, 1, j->n, j->file) != j->n || fflush(j->file) != 0)
      j->error = errno ? errno : EIO;
  }
  j->n = 0;
}

void weir_json_room(weir_Json *j, size_t n) {
  if (n > sizeof j->text - j->n)
    weir_json_flush(j);
}

/* At least so many digits. */
static void put_digits(weir_Json *j, uint64_t n, int least) {
  char digits[20];
  int i = 20;
  while (n > 0 || 20 - i < least) {
    digits[--i] = (char)('0' + n % 10);
    n /= 10;
  }
  weir_json_bytes(j, digits + i, (size_t)(20 - i));
}

void weir_json_number(weir_Json *j, uint64_t n) {
  put_digits(j, n, 1);
}

void weir_json_micros(weir_Json *j, uint64_t ns) {
  put_digits(j, ns / 1000, 1);
  weir_json_bytes(j, ".", 1);
  put_digits(j, ns % 1000, 3);
}

/* ---- strings ---- */

static int is_between(unsigned char c, unsigned char low, unsigned char high) {
  return low <= c && c <= high;
}

/* Bytes of the character of UTF-8, not of ASCII, that begins there; 0 if none does (Unicode, table
   3-7). */
static size_t character(const unsigned char *s) {
  size_t more = is_between(*s, 0xC2, 0xDF) ? 1 : is_between(*s, 0xE0, 0xEF) ? 2 : 3;
  if (!is_between(*s, 0xC2, 0xF4))
    return 0;
  if (!is_between(s[1],
                  *s == 0xE0   ? 0xA0
                  : *s == 0xF0 ? 0x90
                               : 0x80,
                  *s == 0xED   ? 0x9F
                  : *s == 0xF4 ? 0x8F
                               : 0xBF))
    return 0;
  for (size_t i = 2; i <= more; i++)
    if (!is_between(s[i], 0x80, 0xBF))
      return 0;
  return more + 1;
}

static void put_escaped(weir_Json *j, unsigned char c) {
  static const char hex[] = "0123456789abcdef";
  char text[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
  weir_json_bytes(j, text, sizeof text);
}

static int is_plain(unsigned char c) {
  return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

void weir_json_string(weir_Json *j, const char *text) {
  const unsigned char *s = (const unsigned char *)text, *from = s;
  weir_json_bytes(j, "\"", 1);
  while (*s && s - from < WEIR_JSON_STRING) {
    size_t n = is_plain(*s) ? 1 : *s < 0x80 ? 0 : character(s);
    if (n == 0)
      put_escaped(j, *s);
    else
      weir_json_bytes(j, (const char *)s, n);
    s += n ? n : 1;
  }
  weir_json_bytes(j, "\"", 1);
}
