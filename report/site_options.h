/* SPDX-License-Identifier: MIT */
/* How call sites can be shown. */
#ifndef PAGEGAP_SITE_OPTIONS_H
#define PAGEGAP_SITE_OPTIONS_H

/* What stands for a frame. FOLD_NONE: in a list each site is one, in a tree functions are. FOLD_PLACE: with address, file and line. */
enum site_fold { FOLD_NONE, FOLD_FUNCTION, FOLD_FILE, FOLD_MODULE, FOLD_PLACE };

/* TREE_CALLERS: from the innermost function outwards; TREE_CALLEES: from the outermost one inwards. */
enum site_direction { TREE_NONE, TREE_CALLERS, TREE_CALLEES };

#endif
