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

/* State sets are gauges in all but what their numbers mean. */
static inline bool smx_kind_is_gauge(unsigned kind)
{
	return kind == SMX_GAUGE || kind == SMX_STATE_SET;
}

/* What a definition says beside smx_definition. */
struct smx_family_form {
	smx_kind kind;
	smx_gauge_mode mode;		 /* of gauges and state sets */
	const double *bounds;		 /* of histograms */
	const smx_layout_native *native; /* of native histograms */
	const char *const *states;	 /* of state sets */
	size_t count;			 /* of either */
};

/* What all ..._define functions do. On failure *out is NULL. */
smx_status smx_family_define(struct smx_segment *segment, const smx_definition *definition,
			     const struct smx_family_form *form, struct smx_family_record **out,
			     smx_error *error);

/* Whether it is one of the family's label names. */
bool smx_family_has_label(const smx_layout_family *family, smx_text name);

/* The definition's name, for messages. */
static inline const char *smx_name_of(const smx_definition *definition)
{
	return definition && definition->name ? definition->name : "";
}

static inline unsigned smx_family_cell_count(const smx_layout_family *family)
{
	if (family->kind == SMX_NATIVE_HISTOGRAM)
		return family->native_zero + 1u + family->native_side + family->bound_count;
	return family->kind == SMX_HISTOGRAM ? family->bound_count + 1u : 1u;
}

#endif
