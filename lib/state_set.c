/* SPDX-License-Identifier: MIT */
/*
 * state_set.c - state sets: one of several named states
 *
 * A gauge of the mode LIVE_MOST_RECENT that holds an index; the names are part of the definition.
 */
#include "error.h"
#include "labels.h"
#include "series.h"

/* What is wrong with states[index]; NULL: nothing. */
static const char *fault_of(const char *const *states, size_t index)
{
	size_t size = states[index] ? strlen(states[index]) : 0;

	if (size == 0 || size > SMX_LAYOUT_NAME_MAX)
		return "must have 1 to 255 bytes";
	if (!smx_labels_is_text((smx_text){states[index], size}))
		return "must be UTF-8";
	for (size_t i = 0; i < index; i++)
		if (strcmp(states[i], states[index]) == 0)
			return "is given twice";
	return NULL;
}

smx_status smx_state_set_define(smx_segment *segment, const smx_definition *definition,
				const char *const *states, size_t state_count,
				smx_state_set_family *family, smx_error *error)
{
	struct smx_family_form form = {.kind = SMX_STATE_SET,
				       .mode = SMX_GAUGE_LIVE_MOST_RECENT,
				       .states = states,
				       .count = state_count};

	if (family)
		family->impl = NULL;
	if (!states || state_count == 0 || state_count > SMX_LAYOUT_STATE_MAX)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"state set %.80s: %zu states, it must have 1 to %u",
				smx_name_of(definition), states ? state_count : 0,
				SMX_LAYOUT_STATE_MAX);
	for (size_t i = 0; i < state_count; i++) {
		const char *fault = fault_of(states, i);

		if (fault)
			return smx_fail(error, SMX_ERR_INVALID, 0,
					"state set %.80s: state %zu \"%.60s\" %s",
					smx_name_of(definition), i, states[i] ? states[i] : "",
					fault);
	}
	return smx_family_define(segment, definition, &form, family ? &family->impl : NULL, error);
}

smx_state_set smx_state_set_with(smx_state_set_family family, const char *const *values)
{
	smx_layout_series *series = smx_series_find_strings(smx_family_of(family.impl), values);

	return (smx_state_set){(struct smx_series_record *)(void *)series};
}

smx_state_set smx_state_set_with_text(smx_state_set_family family, const smx_text *values)
{
	smx_layout_series *series = smx_series_find(smx_family_of(family.impl), values);

	return (smx_state_set){(struct smx_series_record *)(void *)series};
}

static size_t state_count_of(const smx_layout_series *series)
{
	const char *base = smx_base_of(&series->record);

	return ((const smx_layout_family *)(const void *)(base + series->family_offset))
		->bound_count;
}

void smx_state_set_set(smx_state_set set, size_t state)
{
	const smx_layout_series *series = smx_series_of(set.impl);

	if (!series || state >= state_count_of(series))
		smx_series_unrecorded();
	else
		smx_gauge_set((smx_gauge){set.impl}, (double)state);
}
