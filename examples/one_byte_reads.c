/* SPDX-License-Identifier: MIT */
/*
 * A million reads of one byte against one read of a million. Both move the same bytes from /dev/zero; what differs is how often the
 * kernel is entered. What was read is written to /dev/null at once.
 *
 * In the report: 1,000,000 calls of read with 1,000,000 bytes, and one of pread64 with as many; a note on the small reads.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define BYTES 1000000

int main(void)
{
	static char bytes[BYTES];
	int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC), nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (zeros < 0 || nothing < 0)
		return EXIT_FAILURE;
	for (size_t i = 0; i < BYTES; i++)
		if (read(zeros, &bytes[i], 1) != 1)
			return EXIT_FAILURE;
	if (pread(zeros, bytes, BYTES, 0) != BYTES || write(nothing, bytes, BYTES) != BYTES)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
