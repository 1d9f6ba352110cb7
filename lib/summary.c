/* SPDX-License-Identifier: MIT */
/*
 * summary.c - summaries: count and sum
 *
 * One cell, {count, sum}, changed by one 16-byte compare-and-swap, as one bucket of a histogram.
 */
#include "stripe.h"

smx_status smx_summary_define(smx_segment *segment, const smx_definition *definition,
			      smx_summary_family *family, smx_error *error)
{
	struct smx_family_form form = {.kind = SMX_SUMMARY};

	return smx_family_define(segment, definition, &form, family ? &family->impl : NULL, error);
}

smx_summary smx_summary_with(smx_summary_family family, const char *const *values)
{
	smx_layout_series *series = smx_series_find_strings(smx_family_of(family.impl), values);

	return (smx_summary){(struct smx_series_record *)(void *)series};
}

smx_summary smx_summary_with_text(smx_summary_family family, const smx_text *values)
{
	smx_layout_series *series = smx_series_find(smx_family_of(family.impl), values);

	return (smx_summary){(struct smx_series_record *)(void *)series};
}

void smx_summary_observe(smx_summary summary, double value)
{
	smx_layout_series *series = smx_series_of(summary.impl);

	if (__builtin_expect(!series || value != value, 0))
		(void)smx_series_to_observe(summary.impl, value);
	else
		smx_cell_observe(smx_cell(series, smx_processor_is_fast() ? smx_processor_fast()
									  : smx_processor_slow()),
				 value);
}
