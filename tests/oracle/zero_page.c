/* SPDX-License-Identifier: MIT */
/* Tells test scripts whether this kernel has the zero page: prints 1 where it has, 0 where it has not. */
#include "../zero_page.h"

#include <stdio.h>

int main(void)
{
	printf("%d\n", zero_page_exists());
	return 0;
}
