/* SPDX-License-Identifier: MIT */
/*
 * family.c - defining families
 *
 * A definition is found or added in the index by its whole identity (kind, mode, name, unit,
 * labels, bounds), so equal definitions of any number of processes are one record. Which processes
 * have a definition is said by the cells of its presence gauge, one a slot, which a dead process
 * leaves behind like any gauge.
 */
#include "family.h"

#include "arena.h"
#include "buckets.h"
#include "error.h"
#include "index.h"
#include "intern.h"
#include "labels.h"
#include "names.h"
#include "platform.h"
#include "presence.h"
#include "series.h"
#include "slot.h"

#include <stdlib.h>

/*
 * The largest key: 4 numbers, all states (more bytes than all bounds and native buckets), name,
 * unit and labels.
 */
#define KEY_MAX (8 + (SMX_LAYOUT_STATE_MAX + 2 + SMX_LAYOUT_LABEL_MAX) * (2 + SMX_LAYOUT_NAME_MAX))
_Static_assert(SMX_LAYOUT_BOUND_MAX * 8 + sizeof(smx_layout_native) <=
		       SMX_LAYOUT_STATE_MAX * (2 + SMX_LAYOUT_NAME_MAX),
	       "a key has room for all bounds");

/* A definition on its way into the segment. */
struct draft {
	const smx_definition *definition;
	struct smx_family_form form;
	smx_text name;
	size_t key_size;
	unsigned char key[KEY_MAX];
};

static void put(struct draft *draft, const void *bytes, size_t size)
{
	memcpy(draft->key + draft->key_size, bytes, size);
	draft->key_size += size;
}

static void put_u16(struct draft *draft, size_t number)
{
	uint16_t value = (uint16_t)number;

	put(draft, &value, sizeof value);
}

static void put_text(struct draft *draft, const char *text, size_t size)
{
	put_u16(draft, size);
	put(draft, text, size);
}

/* The key as layout.h has it. */
static void write_key(struct draft *draft)
{
	const smx_definition *definition = draft->definition;
	const char *unit = definition->unit ? definition->unit : "";

	draft->key_size = 0;
	put_u16(draft, draft->form.kind);
	put_u16(draft, draft->form.mode);
	put_u16(draft, definition->label_count);
	put_u16(draft, draft->form.count);
	for (size_t i = 0; draft->form.bounds && i < draft->form.count; i++)
		put(draft, &draft->form.bounds[i], sizeof(double));
	if (draft->form.native)
		put(draft, draft->form.native, sizeof *draft->form.native);
	for (size_t i = 0; draft->form.states && i < draft->form.count; i++)
		put_text(draft, draft->form.states[i], strlen(draft->form.states[i]));
	put_text(draft, draft->name.data, draft->name.size);
	put_text(draft, unit, strlen(unit));
	for (size_t i = 0; i < definition->label_count; i++)
		put_text(draft, definition->label_names[i], strlen(definition->label_names[i]));
}

/* The text at *at, which then leads behind it. */
static smx_text next_text(const char **at)
{
	uint16_t size;
	smx_text text;

	memcpy(&size, *at, sizeof size);
	text = (smx_text){*at + sizeof size, size};
	*at = text.data + size;
	return text;
}

/* Where the name in a family's record is: behind its bounds or states. */
static const char *behind_form(const smx_layout_family *family)
{
	const char *at = (const char *)family + SMX_LAYOUT_FAMILY_BOUNDS;

	if (family->kind == SMX_NATIVE_HISTOGRAM)
		at += sizeof(smx_layout_native);
	if (family->kind != SMX_STATE_SET)
		return at + family->bound_count * sizeof(double);
	for (unsigned i = 0; i < family->bound_count; i++)
		next_text(&at);
	return at;
}

static smx_text name_of(const smx_layout_family *family)
{
	const char *at = behind_form(family);

	return next_text(&at);
}

static bool is_same(smx_text a, smx_text b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

bool smx_family_has_label(const smx_layout_family *family, smx_text name)
{
	const char *at = behind_form(family);

	next_text(&at); /* name */
	next_text(&at); /* unit */
	for (unsigned i = 0; i < family->label_count; i++)
		if (is_same(next_text(&at), name))
			return true;
	return false;
}

/* ---- help ---- */

/* The help text given last is served. Want of room for it is no failure: it is counted. */
static void set_help(struct smx_segment *segment, smx_layout_family *family, const char *help)
{
	smx_text text = {help ? help : "", help ? strlen(help) : 0};
	uint64_t offset;

	if (text.size > SMX_LAYOUT_HELP_MAX)
		text.size = SMX_LAYOUT_HELP_MAX;
	offset = smx_intern(segment, text);
	if (offset)
		smx_publish(&family->help_offset, offset);
}

/* ---- records ---- */

static bool same_family(const struct smx_index_key *key, const smx_layout_record *record)
{
	const smx_layout_family *family = (const smx_layout_family *)(const void *)record;
	const struct draft *draft = key->data;

	return record->type == SMX_RECORD_FAMILY && family->key_size == draft->key_size &&
	       memcmp((const char *)family + SMX_LAYOUT_FAMILY_KEY, draft->key, draft->key_size) ==
		       0;
}

/* Only histograms have a search table. */
static uint32_t table_count_of(const struct draft *draft, uint32_t *low)
{
	return draft->form.bounds
		       ? smx_buckets_table_count(draft->form.bounds, draft->form.count, low)
		       : 0;
}

static void set_native(smx_layout_family *family, const smx_layout_native *native)
{
	family->native_schema = native->schema;
	family->native_first = native->first;
	family->native_side = native->side;
	family->native_zero = native->flags & SMX_NATIVE_NEGATIVE ? native->side : 0;
}

static uint64_t make_family(struct smx_segment *segment, const struct smx_index_key *key)
{
	const struct draft *draft = key->data;
	const smx_layout_header *header = segment->header;
	uint32_t low, table_count = table_count_of(draft, &low);
	uint64_t table = (SMX_LAYOUT_FAMILY_KEY + draft->key_size + 1) & ~UINT64_C(1);
	uint64_t offset = smx_arena_reserve(segment, key->record_size);
	smx_layout_family *family;

	if (!offset)
		return 0;
	family = smx_at(segment, offset);
	family->record = (smx_layout_record){SMX_RECORD_FAMILY, (uint32_t)key->record_size,
					     key->hash, offset};
	family->kind = (uint16_t)draft->form.kind;
	family->mode = (uint16_t)draft->form.mode;
	family->label_count = (uint16_t)draft->definition->label_count;
	family->bound_count = (uint16_t)draft->form.count;
	family->key_size = (uint32_t)draft->key_size;
	family->presence_gauge = smx_presence_number(segment);
	family->series_max = draft->definition->series_max ? draft->definition->series_max
							   : header->family_series_max;
	family->stripe_count = header->stripe_count;
	family->created_unix_ns = smx_platform_unix_ns();
	memcpy((char *)family + SMX_LAYOUT_FAMILY_KEY, draft->key, draft->key_size);
	if (draft->form.native)
		set_native(family, draft->form.native);
	if (table_count) {
		family->table_offset = (uint32_t)table;
		family->table_count = table_count;
		family->table_low = low;
		smx_buckets_fill_table(draft->form.bounds, draft->form.count, low,
				       (uint16_t *)(void *)((char *)family + table), table_count);
	}
	return offset;
}

/* ---- conflicts within this process ---- */

struct collision {
	struct smx_segment *segment;
	const struct draft *draft;
	smx_text with;
	bool same_name;
};

static void look_for_collision(smx_layout_record *record, void *data)
{
	const smx_layout_family *family = (const smx_layout_family *)(const void *)record;
	struct collision *collision = data;
	const struct draft *draft = collision->draft;
	smx_text name;

	if (record->type != SMX_RECORD_FAMILY ||
	    !smx_presence_is_declared(collision->segment, family->presence_gauge))
		return;
	name = name_of(family);
	if (family->key_size == draft->key_size &&
	    memcmp((const char *)family + SMX_LAYOUT_FAMILY_KEY, draft->key, draft->key_size) == 0)
		return;
	if (!smx_names_collide(draft->name, draft->form.kind, name, (smx_kind)family->kind))
		return;
	collision->with = name;
	collision->same_name = is_same(name, draft->name);
}

static smx_status check_collisions(struct smx_segment *segment, const struct draft *draft,
				   smx_error *error)
{
	struct collision collision = {.segment = segment, .draft = draft};

	smx_index_each(segment, smx_index_families(segment), look_for_collision, &collision);
	if (!collision.with.data)
		return SMX_OK;
	if (collision.same_name)
		return smx_fail(error, SMX_ERR_CONFLICT, 0,
				"metric %s: already defined by this process with another type, "
				"unit, mode, label names, "
				"buckets or states",
				draft->definition->name);
	return smx_fail(error, SMX_ERR_CONFLICT, 0,
			"metric %s: would share a sample name with metric %.*s of this process",
			draft->definition->name, (int)collision.with.size, collision.with.data);
}

/* ---- defining ---- */

/* Everything a family needs besides its record; each step may have been done before, by anybody. */
static void complete(struct smx_segment *segment, smx_layout_family *family, const char *help)
{
	smx_presence_declare(segment, family->presence_gauge);
	set_help(segment, family, help);
	if (family->label_count)
		smx_series_overflow(segment, family);
	else
		smx_series_find(family, NULL);
}

static smx_status define(struct smx_segment *segment, struct draft *draft,
			 struct smx_family_record **out, smx_error *error)
{
	struct smx_index_key key = {.same = same_family, .make = make_family, .data = draft};
	smx_layout_record *record;
	uint32_t low, table_count;
	size_t name_size;
	smx_status status;
	bool made;

	status = smx_names_check(draft->definition, draft->form.kind, draft->form.mode, &name_size,
				 error);
	if (status != SMX_OK)
		return status;
	if (!segment)
		return smx_fail(error, SMX_ERR_INVALID, 0, "metric %s: the segment is NULL",
				draft->definition->name);
	draft->name = (smx_text){draft->definition->name, name_size};
	write_key(draft);
	table_count = table_count_of(draft, &low);
	key.record_size = smx_aligned(SMX_LAYOUT_FAMILY_KEY + draft->key_size + 1 +
				      table_count * sizeof(uint16_t));
	key.hash = smx_index_hash(draft->key, draft->key_size, segment->header->hash_seed);
	smx_process_lock();
	record = smx_index_find(segment, smx_index_families(segment), &key);
	if (!record || !smx_presence_is_declared(
			       segment, ((smx_layout_family *)(void *)record)->presence_gauge))
		status = check_collisions(segment, draft, error);
	if (status == SMX_OK) {
		record = smx_index_add(segment, smx_index_families(segment), &key, &made);
		if (record) {
			if (made)
				smx_add(&segment->header->family_count, 1);
			complete(segment, (smx_layout_family *)(void *)record,
				 draft->definition->help);
			*out = (struct smx_family_record *)(void *)record;
		} else {
			smx_dropped(segment->header, SMX_DROP_FAMILY);
			status = smx_fail(error, SMX_ERR_FULL, 0,
					  "metric %s: the segment has no room for its definition",
					  draft->definition->name);
		}
	}
	smx_process_unlock();
	return status;
}

/* A draft is too large for the stacks that some threads have. */
smx_status smx_family_define(struct smx_segment *segment, const smx_definition *definition,
			     const struct smx_family_form *form, struct smx_family_record **out,
			     smx_error *error)
{
	struct draft *draft;
	smx_status status;

	if (!out)
		return smx_fail(error, SMX_ERR_INVALID, 0, "metric %.80s: family must not be NULL",
				smx_name_of(definition));
	*out = NULL;
	draft = malloc(sizeof *draft);
	if (!draft)
		return smx_fail(error, SMX_ERR_NO_MEMORY, 0, "metric %.80s",
				smx_name_of(definition));
	draft->definition = definition;
	draft->form = *form;
	status = define(segment, draft, out, error);
	free(draft);
	return status;
}

smx_status smx_counter_define(smx_segment *segment, const smx_definition *definition,
			      smx_counter_family *family, smx_error *error)
{
	struct smx_family_form form = {.kind = SMX_COUNTER};

	return smx_family_define(segment, definition, &form, family ? &family->impl : NULL, error);
}

smx_status smx_gauge_define(smx_segment *segment, const smx_definition *definition,
			    smx_gauge_mode mode, smx_gauge_family *family, smx_error *error)
{
	struct smx_family_form form = {.kind = SMX_GAUGE, .mode = mode};

	if (family)
		family->impl = NULL;
	if ((int)mode < SMX_GAUGE_LIVE_ALL || (int)mode > SMX_GAUGE_MOST_RECENT)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"gauge %.80s: mode %d is none of smx_gauge_mode",
				smx_name_of(definition), (int)mode);
	return smx_family_define(segment, definition, &form, family ? &family->impl : NULL, error);
}

smx_status smx_histogram_define(smx_segment *segment, const smx_definition *definition,
				const double *bounds, size_t bound_count,
				smx_histogram_family *family, smx_error *error)
{
	const char *name = smx_name_of(definition);
	struct smx_family_form form = {.kind = SMX_HISTOGRAM};
	smx_status status;

	if (family)
		family->impl = NULL;
	if (!bounds && bound_count == 0)
		bounds = smx_buckets_default(&bound_count);
	if (!bounds)
		return smx_fail(error, SMX_ERR_INVALID, 0, "histogram %.80s: bounds are NULL",
				name);
	status = smx_buckets_check(name, bounds, &bound_count, error);
	if (status != SMX_OK)
		return status;
	form.bounds = bounds;
	form.count = bound_count;
	return smx_family_define(segment, definition, &form, family ? &family->impl : NULL, error);
}
