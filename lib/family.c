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
#include "labels.h"
#include "names.h"
#include "platform.h"
#include "series.h"
#include "slot.h"

#include <stdlib.h>

/* The largest key: 4 numbers, all bounds, name, unit and label names. */
#define KEY_MAX                                                                                    \
	(8 + SMX_LAYOUT_BOUND_MAX * 8 + (2 + SMX_LAYOUT_LABEL_MAX) * (2 + SMX_LAYOUT_NAME_MAX))

/* A definition on its way into the segment. */
struct draft {
	const smx_definition *definition;
	smx_kind kind;
	smx_gauge_mode mode;
	const double *bounds;
	size_t bound_count;
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
	put_u16(draft, draft->kind);
	put_u16(draft, draft->mode);
	put_u16(draft, definition->label_count);
	put_u16(draft, draft->bound_count);
	put(draft, draft->bounds ? draft->bounds : (const double *)"",
	    draft->bound_count * sizeof(double));
	put_text(draft, draft->name.data, draft->name.size);
	put_text(draft, unit, strlen(unit));
	for (size_t i = 0; i < definition->label_count; i++)
		put_text(draft, definition->label_names[i], strlen(definition->label_names[i]));
}

/* The name in a family's record. */
static smx_text name_of(const smx_layout_family *family)
{
	const char *at = (const char *)family + SMX_LAYOUT_FAMILY_BOUNDS +
			 family->bound_count * sizeof(double);
	uint16_t size;

	memcpy(&size, at, sizeof size);
	return (smx_text){at + sizeof size, size};
}

/* ---- texts ---- */

static bool same_text(const struct smx_index_key *key, const smx_layout_record *record)
{
	const smx_layout_text *text = (const smx_layout_text *)(const void *)record;
	const smx_text *wanted = key->data;

	return record->type == SMX_RECORD_TEXT && text->text_size == wanted->size &&
	       memcmp(text + 1, wanted->data, wanted->size) == 0;
}

static uint64_t make_text(struct smx_segment *segment, const struct smx_index_key *key)
{
	const smx_text *wanted = key->data;
	uint64_t offset = smx_arena_reserve(segment, key->record_size);
	smx_layout_text *text;

	if (!offset)
		return 0;
	text = smx_at(segment, offset);
	text->record =
		(smx_layout_record){SMX_RECORD_TEXT, (uint32_t)key->record_size, key->hash, offset};
	text->text_size = (uint32_t)wanted->size;
	memcpy(text + 1, wanted->data, wanted->size);
	return offset;
}

static uint64_t aligned(size_t size)
{
	return (size + SMX_LAYOUT_ALIGNMENT - 1) & ~(uint64_t)(SMX_LAYOUT_ALIGNMENT - 1);
}

/* The help text given last is served. Want of room for it is no failure: it is counted. */
static void set_help(struct smx_segment *segment, smx_layout_family *family, const char *help)
{
	smx_text text = {help ? help : "", help ? strlen(help) : 0};
	struct smx_index_key key = {.same = same_text, .make = make_text, .data = &text};
	smx_layout_record *record;
	bool made;

	if (text.size > SMX_LAYOUT_HELP_MAX)
		text.size = SMX_LAYOUT_HELP_MAX;
	key.hash = smx_index_hash(text.data, text.size, segment->header->hash_seed + 1);
	key.record_size = aligned(sizeof(smx_layout_text) + text.size);
	record = smx_index_add(segment, smx_index_families(segment), &key, &made);
	if (record)
		smx_publish(&family->help_offset, record->self_offset);
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

static uint64_t make_family(struct smx_segment *segment, const struct smx_index_key *key)
{
	const struct draft *draft = key->data;
	const smx_layout_header *header = segment->header;
	uint32_t low,
		table_count = smx_buckets_table_count(draft->bounds, draft->bound_count, &low);
	uint64_t table = (SMX_LAYOUT_FAMILY_KEY + draft->key_size + 1) & ~UINT64_C(1);
	uint64_t offset = smx_arena_reserve(segment, key->record_size), gauge;
	smx_layout_family *family;

	if (!offset)
		return 0;
	gauge = smx_fetch_add(&segment->header->gauge_next, 1);
	if (gauge >= SMX_LAYOUT_GAUGE_MAX)
		gauge = SMX_LAYOUT_GAUGE_MAX - 1;
	family = smx_at(segment, offset);
	family->record = (smx_layout_record){SMX_RECORD_FAMILY, (uint32_t)key->record_size,
					     key->hash, offset};
	family->kind = (uint16_t)draft->kind;
	family->mode = (uint16_t)draft->mode;
	family->label_count = (uint16_t)draft->definition->label_count;
	family->bound_count = (uint16_t)draft->bound_count;
	family->key_size = (uint32_t)draft->key_size;
	family->presence_gauge = (uint32_t)gauge;
	family->series_max = draft->definition->series_max ? draft->definition->series_max
							   : header->family_series_max;
	family->stripe_count = header->stripe_count;
	family->created_unix_ns = smx_platform_unix_ns();
	memcpy((char *)family + SMX_LAYOUT_FAMILY_KEY, draft->key, draft->key_size);
	if (table_count) {
		family->table_offset = (uint32_t)table;
		family->table_count = table_count;
		family->table_low = low;
		smx_buckets_fill_table(draft->bounds, draft->bound_count, low,
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

static bool is_present(struct smx_segment *segment, const smx_layout_family *family)
{
	const struct smx_local *local = smx_local_of(segment);
	const smx_layout_gauge_cell *cell = smx_slot_cell(local, family->presence_gauge);

	return cell && local->generation && smx_read_acquire(&cell->tag) == local->generation;
}

static void look_for_collision(smx_layout_record *record, void *data)
{
	const smx_layout_family *family = (const smx_layout_family *)(const void *)record;
	struct collision *collision = data;
	const struct draft *draft = collision->draft;
	smx_text name;

	if (record->type != SMX_RECORD_FAMILY || !is_present(collision->segment, family))
		return;
	name = name_of(family);
	if (family->key_size == draft->key_size &&
	    memcmp((const char *)family + SMX_LAYOUT_FAMILY_KEY, draft->key, draft->key_size) == 0)
		return;
	if (!smx_names_collide(draft->name, draft->kind, name, (smx_kind)family->kind))
		return;
	collision->with = name;
	collision->same_name = name.size == draft->name.size &&
			       memcmp(name.data, draft->name.data, name.size) == 0;
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
				"unit, mode, label "
				"names or buckets",
				draft->definition->name);
	return smx_fail(error, SMX_ERR_CONFLICT, 0,
			"metric %s: would share a sample name with metric %.*s of this process",
			draft->definition->name, (int)collision.with.size, collision.with.data);
}

/* ---- defining ---- */

/* Everything a family needs besides its record; each step may have been done before, by anybody. */
static void complete(struct smx_segment *segment, smx_layout_family *family, const char *help)
{
	struct smx_local *local = smx_local_of(segment);

	smx_slot_claim(segment, NULL);
	if (smx_slot_ensure(segment, family->presence_gauge))
		smx_publish(&smx_slot_cell(local, family->presence_gauge)->tag, local->generation);
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

	status = smx_names_check(draft->definition, draft->kind, draft->mode, &name_size, error);
	if (status != SMX_OK)
		return status;
	if (!segment)
		return smx_fail(error, SMX_ERR_INVALID, 0, "metric %s: the segment is NULL",
				draft->definition->name);
	draft->name = (smx_text){draft->definition->name, name_size};
	write_key(draft);
	table_count = smx_buckets_table_count(draft->bounds, draft->bound_count, &low);
	key.record_size = aligned(SMX_LAYOUT_FAMILY_KEY + draft->key_size + 1 +
				  table_count * sizeof(uint16_t));
	key.hash = smx_index_hash(draft->key, draft->key_size, segment->header->hash_seed);
	smx_process_lock();
	record = smx_index_find(segment, smx_index_families(segment), &key);
	if (!record || !is_present(segment, (smx_layout_family *)(void *)record))
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
static smx_status define_kind(struct smx_segment *segment, const smx_definition *definition,
			      smx_kind kind, smx_gauge_mode mode, const double *bounds,
			      size_t bound_count, struct smx_family_record **out, smx_error *error)
{
	struct draft *draft;
	smx_status status;

	if (!out)
		return smx_fail(error, SMX_ERR_INVALID, 0, "metric %.80s: family must not be NULL",
				definition && definition->name ? definition->name : "");
	*out = NULL;
	draft = malloc(sizeof *draft);
	if (!draft)
		return smx_fail(error, SMX_ERR_NO_MEMORY, 0, "metric %s",
				definition && definition->name ? definition->name : "");
	draft->definition = definition;
	draft->kind = kind;
	draft->mode = mode;
	draft->bounds = bounds;
	draft->bound_count = bound_count;
	status = define(segment, draft, out, error);
	free(draft);
	return status;
}

smx_status smx_counter_define(smx_segment *segment, const smx_definition *definition,
			      smx_counter_family *family, smx_error *error)
{
	return define_kind(segment, definition, SMX_COUNTER, (smx_gauge_mode)0, NULL, 0,
			   family ? &family->impl : NULL, error);
}

smx_status smx_gauge_define(smx_segment *segment, const smx_definition *definition,
			    smx_gauge_mode mode, smx_gauge_family *family, smx_error *error)
{
	if (family)
		family->impl = NULL;
	if ((int)mode < SMX_GAUGE_LIVE_ALL || (int)mode > SMX_GAUGE_MOST_RECENT)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"gauge %.80s: mode %d is none of smx_gauge_mode",
				definition && definition->name ? definition->name : "", (int)mode);
	if (mode >= SMX_GAUGE_ALL)
		return smx_fail(error, SMX_ERR_UNSUPPORTED, 0,
				"gauge %.80s: the mode %s, which includes dead processes, is not "
				"served yet",
				definition && definition->name ? definition->name : "",
				smx_gauge_mode_name(mode));
	return define_kind(segment, definition, SMX_GAUGE, mode, NULL, 0,
			   family ? &family->impl : NULL, error);
}

smx_status smx_histogram_define(smx_segment *segment, const smx_definition *definition,
				const double *bounds, size_t bound_count,
				smx_histogram_family *family, smx_error *error)
{
	const char *name = definition && definition->name ? definition->name : "";
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
	return define_kind(segment, definition, SMX_HISTOGRAM, (smx_gauge_mode)0, bounds,
			   bound_count, family ? &family->impl : NULL, error);
}
