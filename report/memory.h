/* SPDX-License-Identifier: MIT */
/* Memory that is there, or an end with one clear line: nothing useful can be reported without. */
#ifndef PAGEGAP_MEMORY_H
#define PAGEGAP_MEMORY_H

#include <stddef.h>

void *memory_get(size_t bytes);                 /* zeroed */
void *memory_more(void *old, size_t bytes);     /* realloc; what is new is not initialised */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Appends to a text of its own memory. */
void memory_append(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *memory_copy(const char *text, size_t length); /* with a terminator */

#endif
