/* SPDX-License-Identifier: MIT */
/* Which memory is kept with a call: the reporter's tracer asks the same question of other processes. Here, libc's functions may not be called. */
#include <stddef.h>
#include <string.h>

static inline void *copy_bytes(void *to, const void *from, size_t bytes)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(bytes) : : "memory");
	return to;
}

static inline void *fill_bytes(void *to, int value, size_t bytes)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(value) : "memory");
	return to;
}

#define memcpy copy_bytes
#define memset fill_bytes
#include "../report/log_take.c"
