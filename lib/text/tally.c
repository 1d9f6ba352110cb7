/* SPDX-License-Identifier: MIT */
/*
 * tally.c - what an exposition leaves out, by reason
 *
 * As of the last smx_merge_update. What a reader does not serve by itself (another definition in
 * the same segment has more live writers) is its own affair and not counted here.
 */
#include "text/merge.h"

static bool is_unfit(const struct smx_member *member, size_t index)
{
	return !member->sources[index] && smx_reader_family(member->reader, index)->served;
}

void smx_merge_tally(const struct smx_merge *merge, smx_escaping escaping,
		     smx_exposition_info *info)
{
	*info = (smx_exposition_info){0};
	for (size_t i = 0; i < merge->family_count; i++) {
		const struct smx_family *family = merge->families[i];

		if (smx_family_is_shown(family, escaping))
			info->family_count++;
		else if (family->served && !family->chosen)
			info->hidden_by_definition++;
		else if (family->served)
			info->hidden_by_sample_name++;
	}
	for (size_t i = 0; i < merge->member_count; i++)
		for (size_t j = 0; j < merge->members[i]->source_count; j++)
			info->unfit += is_unfit(merge->members[i], j);
}
