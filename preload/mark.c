/* SPDX-License-Identifier: MIT */
/* The public header's other end. */
#include "pagegap.h"

#include "instrument.h"

EXPORT void pagegap_mark_now(const char *name)
{
	if (instrument_ready(&this_thread) && instrument_is_own_process())
		snapshot_take(WHY_MARK, name);
}
