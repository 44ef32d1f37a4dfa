/* SPDX-License-Identifier: MIT */
/* What an argument is worth: the same question inside the program, in the tracer and in whoever reads the log. */
#include "../report/log_argument.c"
