/* SPDX-License-Identifier: MIT */
/* Executables as files: where a name leads, and whether the library can be preloaded into what is found there. */
#ifndef PAGEGAP_PROGRAM_H
#define PAGEGAP_PROGRAM_H

#include <stdbool.h>

#include "../preload/capture.h"

/* The file that execvp(3) would take for a name, or NULL with errno ENOENT or EACCES. To be freed. */
char *program_find(const char *name);

/* Before anything is created for it. Returns -1 when it is there, else an exit status after a complaint. */
int program_look_for(const char *name);

/*
 * program_reach - why would the library not be loaded into this program?
 * @path: of a file that was executed
 * @real: set to the path of the ELF file that a script leads to, or of the file itself; to be freed; NULL: not found
 *
 * Returns NOTE_NONE when nothing in the file speaks against it or the file cannot be read. Scripts are followed as the
 * kernel does it.
 */
enum capture_note program_reach(const char *path, char **real);

/* Written in Go, as the linker of Go says in a note; a script is what interprets it. False where that cannot be read. */
bool program_is_go(const char *path);

/* The sentence of a note. */
const char *note_text(enum capture_note note);

/*
 * A library that belongs to the command: beside it, or in ../lib or ../lib/pagegap. Its path, to be freed, or NULL.
 * @directory: set to where the command is, to be freed; NULL: not wanted
 */
char *program_beside(const char *library, char **directory);

/*
 * libpagegap.so: $PAGEGAP_LIBRARY, beside the command, or ../lib. NULL after a line that says where it was looked for.
 * To be freed.
 */
char *program_library(void);

#endif
