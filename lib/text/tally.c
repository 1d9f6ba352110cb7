/* SPDX-License-Identifier: MIT */
/*
 * tally.c - what an exposition leaves out, and why: how many, and which
 *
 * As of the last smx_merge_update. What a reader does not serve by itself (another definition in
 * the same segment has more live writers) is its own affair and not counted in the tally; it is
 * told of where somebody lives who has that definition.
 */
#include "text/merge.h"

static bool is_unfit(const struct smx_member *member, size_t index)
{
	return !member->sources[index] && smx_reader_family(member->reader, index)->served;
}

/* Of a family that is the best of its name and not shown. */
static smx_hiding why(const struct smx_family *family, unsigned escapings)
{
	return family->reserved & escapings ? SMX_HIDING_RESERVED : SMX_HIDING_SAMPLE_NAME;
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
		else if (family->served && why(family, 1u << escaping) == SMX_HIDING_RESERVED)
			info->reserved++;
		else if (family->served)
			info->hidden_by_sample_name++;
	}
	for (size_t i = 0; i < merge->member_count; i++)
		for (size_t j = 0; j < merge->members[i]->source_count; j++)
			info->unfit += is_unfit(merge->members[i], j);
}

bool smx_merge_hides(const struct smx_member *member, size_t index, unsigned escapings,
		     smx_hiding *reason)
{
	const struct smx_source *source = member->sources[index];
	const smx_family_view *view = smx_reader_family(member->reader, index);

	if (!view->served) {
		*reason = SMX_HIDING_DEFINITION;
		return view->live_writers > 0;
	}
	if (!source) {
		*reason = SMX_HIDING_UNFIT;
		return true;
	}
	if (!source->family->chosen) {
		*reason = SMX_HIDING_DEFINITION;
		return true;
	}
	*reason = why(source->family, escapings);
	return (~source->family->shown & escapings) != 0;
}

const char *smx_hiding_name(smx_hiding reason)
{
	static const char *const names[SMX_HIDING_COUNT] = {
		[SMX_HIDING_DEFINITION] = "definition",
		[SMX_HIDING_SAMPLE_NAME] = "sample_name",
		[SMX_HIDING_RESERVED] = "reserved",
		[SMX_HIDING_UNFIT] = "unfit",
	};

	return reason >= 0 && reason < SMX_HIDING_COUNT ? names[reason] : "?";
}
