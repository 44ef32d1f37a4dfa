/* SPDX-License-Identifier: MIT */
/*
 * What is handed from image to image through the environment: where the recording is, the options, how this image was born. The
 * program never sees it: it is taken out when the image begins and put back into the environment of what the program executes.
 */
#ifndef PAGEGAP_ENVIRONMENT_H
#define PAGEGAP_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void environment_begin(void);

uint32_t environment_born(void);                /* enum capture_born */
uint32_t environment_image_number(void);
bool environment_first(void);                   /* an earlier image of this process made the recording */
const char *environment_recording(void);        /* directory; empty: none yet */
void environment_set_recording(const char *directory);
const char *environment_broker(void);           /* "name:token" or empty */
const char *environment_library(void);          /* path of this library */
void environment_check_options(void);             /* a line on standard error for each that means nothing */
bool environment_option(const char *name, char *value, size_t room); /* of PAGEGAP_OPTIONS; false: not given */
char **environment_arguments(int *count);       /* argv of the process, as the kernel passed it */

#define ENVIRONMENT_EXTRA 7                     /* entries that environment_build may add, its NULL included */

/*
 * environment_room - bytes that environment_build needs for an environment
 * @from: the one that the program wants, or NULL; may point anywhere
 *
 * Returns 0 when nothing is to be added: it cannot be read, and how the exec fails is the kernel's to say; or a runner has made it.
 */
size_t environment_room(char *const *from);

/*
 * environment_build - the environment for an image to be executed
 * @from: the one that the program wants, or NULL
 * @room: @bytes as environment_room told, aligned for pointers
 * @how: "exec", "first" (an exec of the process that prints the report), "vfork" or "spawn"
 * @pid: of the process that the new image will be in, or of its parent for "spawn"
 *
 * Async-signal-safe. Returns NULL when the image cannot be followed: it gets @from.
 */
char **environment_build(char *const *from, void *room, size_t bytes, const char *how, int pid, uint32_t image_number);

#endif
