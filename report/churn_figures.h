/* SPDX-License-Identifier: MIT */
/* Memory that was given back and faulted in again, and what would keep it from being. */
#ifndef PAGEGAP_CHURN_FIGURES_H
#define PAGEGAP_CHURN_FIGURES_H

#include "report.h"

struct churn_figures {
	bool     known;
	bool     at_least;              /* samples are missing, or pages were too many to be followed */
	uint64_t pages, faults;         /* in all rows */
	char    *advice;                /* what to set, or NULL: nothing is known to help; to be freed */
	uint64_t advice_faults;         /* that would not have been */
};

struct churn_figures churn_figures(const struct subject *subject);

#endif
