/* SPDX-License-Identifier: MIT */
/*
 * selfmetrics_emitter.c - writes families of the table, one after the other
 */
#include "selfmetrics_emitter.h"

void emitter_end(struct emitter *emitter)
{
	if (emitter->metric)
		smx_emit_family_end(emitter->buffer, emitter->type, emitter->start);
	emitter->metric = NULL;
}

bool emitter_begin(struct emitter *emitter, enum own_id id)
{
	const struct own_metric *metric = &selfmetrics_table[id];
	bool wanted = emitter->name_count == 0;

	for (size_t i = 0; i < emitter->name_count && !wanted; i++)
		wanted = selfmetrics_text_is(emitter->names[i], metric->name, "") ||
			 selfmetrics_text_is(emitter->names[i], metric->name,
					     selfmetrics_suffix(metric));
	if (!wanted || (emitter->leave_out & SELFMETRICS_BIT(id)))
		return false;
	emitter_end(emitter);
	emitter->metric = metric;
	emitter->start = smx_emit_family(emitter->buffer, emitter->type, metric->name, metric->help,
					 metric->kind);
	return true;
}

void emitter_sample(struct emitter *emitter, const char *segment, const char *label,
		    const char *value, double number)
{
	const char *const names[] = {"segment", label};
	const char *const values[] = {segment, value};
	size_t skip = segment ? 0 : 1;
	size_t count = label ? 2 : 1;

	smx_emit_sample(emitter->buffer, emitter->type, emitter->metric->name,
			emitter->metric->kind, names + skip, values + skip, count - skip, number);
}

void emitter_one(struct emitter *emitter, enum own_id id, double number)
{
	if (number >= 0 && emitter_begin(emitter, id))
		emitter_sample(emitter, NULL, NULL, NULL, number);
}
