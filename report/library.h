/* SPDX-License-Identifier: MIT */
/* Shared libraries as files: where ld.so(8) would find one, and whether one can be preloaded into programs of this kind. */
#ifndef PAGEGAP_LIBRARY_H
#define PAGEGAP_LIBRARY_H

/*
 * library_find - the file that ld.so would load for a name without a slash
 *
 * Looks where ld.so does: in LD_LIBRARY_PATH, in /etc/ld.so.cache, in the system's own directories. Returns an absolute
 * path, to be freed, or NULL.
 */
char *library_find(const char *soname);

/*
 * library_fault - why a file cannot be preloaded, in a few words
 *
 * NULL: nothing in its headers speaks against it.
 */
const char *library_fault(const char *path);

#endif
