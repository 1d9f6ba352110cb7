/* SPDX-License-Identifier: MIT */
/*
 * writers.c - the pid label of each writer: the live ones, and the dead ones that are still shown
 *
 * The pid is the writer's own, and writers of two PID namespaces may have the same: the second is
 * "12-2", the third "12-3". A writer keeps its label for as long as it lives, whoever comes and
 * goes beside it; no two writers have the same. Who follows it in its slot with its pid inherits
 * it.
 */
#include "text/buffer.h"
#include "text/merge.h"
#include "text/number.h"

#include <stdlib.h>
#include <string.h>

static bool same_writer(const struct smx_writer_label *label, const smx_writer_view *view)
{
	return label->slot == view->slot && label->pid == view->pid;
}

static bool is_up_to_date(const struct smx_member *member)
{
	size_t count = smx_reader_holder_count(member->reader);

	if (count != member->writer_count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (member->writers[i].ordinal == 0 ||
		    !same_writer(&member->writers[i], smx_reader_writer(member->reader, i)))
			return false;
	}
	return true;
}

static int by_slot(const void *left, const void *right)
{
	const struct smx_writer_label *a = left, *b = right;

	return (a->slot > b->slot) - (a->slot < b->slot);
}

/* The writers as they are now; those that were there before keep their ordinals. */
static bool take_in_writers(struct smx_member *member)
{
	size_t count = smx_reader_holder_count(member->reader);
	struct smx_writer_label *writers = calloc(count + 1, sizeof(*writers));

	if (!writers)
		return false;
	if (member->writer_count != 0)
		qsort(member->writers, member->writer_count, sizeof(*writers), by_slot);
	for (size_t i = 0; i < count; i++) {
		const smx_writer_view *view = smx_reader_writer(member->reader, i);
		const struct smx_writer_label *before = NULL;

		writers[i].slot = view->slot;
		writers[i].pid = view->pid;
		if (member->writer_count != 0)
			before = bsearch(&writers[i], member->writers, member->writer_count,
					 sizeof(*writers), by_slot);
		if (before && same_writer(before, view))
			writers[i].ordinal = before->ordinal;
	}
	free(member->writers);
	member->writers = writers;
	member->writer_count = count;
	return true;
}

/* Those that have an ordinal first, by ordinal. */
static int by_pid(const void *left, const void *right)
{
	const struct smx_writer_label *a = *(struct smx_writer_label *const *)left;
	const struct smx_writer_label *b = *(struct smx_writer_label *const *)right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->ordinal - 1 > b->ordinal - 1) - (a->ordinal - 1 < b->ordinal - 1);
}

static void write_label(struct smx_writer_label *label)
{
	static const char before[] = ",pid=\"";
	char *out = label->text;

	memcpy(out, before, sizeof(before) - 1);
	out = smx_number_u64(out + sizeof(before) - 1, label->pid);
	if (label->ordinal > 1) {
		*out++ = '-';
		out = smx_number_u64(out, label->ordinal);
	}
	memcpy(out, "\"} ", 3);
	label->size = (uint32_t)(out + 3 - label->text);
}

/* The labels from `first` to before `end` have one pid, those with an ordinal in front. */
static void give_ordinals(struct smx_writer_label **first, struct smx_writer_label **end)
{
	struct smx_writer_label **fresh = first;
	uint32_t free_ordinal = 1;

	while (fresh < end && (*fresh)->ordinal != 0)
		fresh++;
	for (struct smx_writer_label **kept = first, **given = fresh; given < end; free_ordinal++) {
		if (kept < fresh && (*kept)->ordinal == free_ordinal) {
			kept++;
			continue;
		}
		(*given)->ordinal = free_ordinal;
		write_label(*given++);
	}
	for (; first < fresh; first++)
		write_label(*first);
}

static bool give_labels(struct smx_merge *merge)
{
	struct smx_writer_label **all;
	size_t count = 0, first = 0;

	for (size_t i = 0; i < merge->member_count; i++)
		count += merge->members[i]->writer_count;
	all = calloc(count + 1, sizeof(struct smx_writer_label *));
	if (!all)
		return false;
	count = 0;
	for (size_t i = 0; i < merge->member_count; i++) {
		for (size_t j = 0; j < merge->members[i]->writer_count; j++)
			all[count++] = &merge->members[i]->writers[j];
	}
	qsort(all, count, sizeof(struct smx_writer_label *), by_pid);
	for (size_t end = 1; end <= count; end++) {
		if (end == count || all[end]->pid != all[first]->pid) {
			give_ordinals(&all[first], &all[end]);
			first = end;
		}
	}
	free(all);
	return true;
}

bool smx_merge_label_writers(struct smx_merge *merge)
{
	bool up_to_date = true;

	for (size_t i = 0; i < merge->member_count; i++) {
		if (is_up_to_date(merge->members[i]))
			continue;
		up_to_date = false;
		if (!take_in_writers(merge->members[i]))
			return false;
	}
	return up_to_date || give_labels(merge);
}
