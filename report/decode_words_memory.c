/* SPDX-License-Identifier: MIT */
/* Words of calls about the address space. */
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <linux/mman.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/swap.h>

#include "decode_words.h"

static const struct decode_word prot_rows[] = {
	W(PROT_READ), W(PROT_WRITE), W(PROT_EXEC), W(PROT_SEM), W(PROT_GROWSDOWN), W(PROT_GROWSUP), W(PROT_NONE),
};
WORDS(prot, "PROT_???");

static const struct decode_word map_type_rows[] = {
	W(MAP_FILE), W(MAP_SHARED), W(MAP_PRIVATE), W(MAP_SHARED_VALIDATE),
};
WORDS(map_type, "MAP_???");

static const struct decode_word mmap_rows[] = {
	W(MAP_FIXED), W(MAP_ANONYMOUS), W(MAP_32BIT), W(MAP_NORESERVE), W(MAP_POPULATE), W(MAP_NONBLOCK), W(MAP_GROWSDOWN),
	W(MAP_DENYWRITE), W(MAP_EXECUTABLE), W(MAP_LOCKED), W(MAP_STACK), W(MAP_HUGETLB), W(MAP_SYNC), W(MAP_FIXED_NOREPLACE),
};
WORDS(mmap, "MAP_???");

static const struct decode_word mremap_rows[] = {
	W(MREMAP_MAYMOVE), W(MREMAP_FIXED), W(MREMAP_DONTUNMAP),
};
WORDS(mremap, "MREMAP_???");

static const struct decode_word msync_rows[] = {
	W(MS_SYNC), W(MS_ASYNC), W(MS_INVALIDATE),
};
WORDS(msync, "MS_???");

static const struct decode_word madvice_rows[] = {
	W(MADV_NORMAL), W(MADV_RANDOM), W(MADV_SEQUENTIAL), W(MADV_WILLNEED), W(MADV_DONTNEED), W(MADV_FREE), W(MADV_REMOVE),
	W(MADV_DONTFORK), W(MADV_DOFORK), W(MADV_MERGEABLE), W(MADV_UNMERGEABLE), W(MADV_HUGEPAGE), W(MADV_NOHUGEPAGE),
	W(MADV_DONTDUMP), W(MADV_DODUMP), W(MADV_WIPEONFORK), W(MADV_KEEPONFORK), W(MADV_COLD), W(MADV_PAGEOUT), W(MADV_POPULATE_READ),
	W(MADV_POPULATE_WRITE), W(MADV_DONTNEED_LOCKED), W(MADV_COLLAPSE),
};
WORDS(madvice, "MADV_???");

static const struct decode_word mlock_rows[] = {
	W(MLOCK_ONFAULT),
};
WORDS(mlock, "MLOCK_???");

static const struct decode_word mlockall_rows[] = {
	W(MCL_CURRENT), W(MCL_FUTURE), W(MCL_ONFAULT),
};
WORDS(mlockall, "MCL_???");

static const struct decode_word mempolicy_rows[] = {
	W(MPOL_DEFAULT), W(MPOL_PREFERRED), W(MPOL_BIND), W(MPOL_INTERLEAVE), W(MPOL_LOCAL), W(MPOL_PREFERRED_MANY),
};
WORDS(mempolicy, "MPOL_???");

static const struct decode_word mempolicy_flags_rows[] = {
	W(MPOL_F_STATIC_NODES), W(MPOL_F_RELATIVE_NODES), W(MPOL_F_NUMA_BALANCING),
};
WORDS(mempolicy_flags, "MPOL_???");

static const struct decode_word mbind_rows[] = {
	W(MPOL_MF_STRICT), W(MPOL_MF_MOVE), W(MPOL_MF_MOVE_ALL),
};
WORDS(mbind, "MPOL_???");

static const struct decode_word move_pages_rows[] = {
	W(MPOL_MF_MOVE), W(MPOL_MF_MOVE_ALL),
};
WORDS(move_pages, "MPOL_???");

static const struct decode_word get_mempolicy_rows[] = {
	W(MPOL_F_NODE), W(MPOL_F_ADDR), W(MPOL_F_MEMS_ALLOWED),
};
WORDS(get_mempolicy, "MPOL_???");

static const struct decode_word pkey_rows[] = {
	W(PKEY_DISABLE_ACCESS), W(PKEY_DISABLE_WRITE),
};
WORDS(pkey, "PKEY_???");

static const struct decode_word shadow_stack_rows[] = {
#ifdef SHADOW_STACK_SET_TOKEN
	W(SHADOW_STACK_SET_TOKEN),
#endif
#ifdef SHADOW_STACK_SET_MARKER
	W(SHADOW_STACK_SET_MARKER),
#endif
	{ 0, NULL },
};
WORDS(shadow_stack, "SHADOW_STACK_???");

static const struct decode_word memfd_rows[] = {
	W(MFD_CLOEXEC), W(MFD_ALLOW_SEALING), W(MFD_HUGETLB),
#ifdef MFD_NOEXEC_SEAL
	W(MFD_NOEXEC_SEAL),
#endif
#ifdef MFD_EXEC
	W(MFD_EXEC),
#endif
};
WORDS(memfd, "MFD_???");

static const struct decode_word userfaultfd_rows[] = {
	W(UFFD_USER_MODE_ONLY), W(O_NONBLOCK), W(O_CLOEXEC),
};
WORDS(userfaultfd, "UFFD_???");

static const struct decode_word swap_rows[] = {
	W(SWAP_FLAG_PREFER), W(SWAP_FLAG_DISCARD),
};
WORDS(swap, "SWAP_FLAG_???");
