/* SPDX-License-Identifier: MIT */
/*
 * family.h - families as records of the segment
 */
#ifndef SMX_FAMILY_H
#define SMX_FAMILY_H

#include "segment.h"

/* A handle's pointer is the record itself. */
static inline smx_layout_family *smx_family_of(struct smx_family_record *impl)
{
	return (smx_layout_family *)(void *)impl;
}

static inline unsigned smx_family_cell_count(const smx_layout_family *family)
{
	return family->kind == SMX_HISTOGRAM ? family->bound_count + 1u : 1u;
}

#endif
