/* SPDX-License-Identifier: MIT */
/* Ends with 0 where reads of fresh anonymous memory get the shared page of zeros. For test scripts to ask. */
#include "../zero_page.h"

int main(void)
{
	return zero_page_exists() ? 0 : 1;
}
