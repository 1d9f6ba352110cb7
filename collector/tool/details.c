/* SPDX-License-Identifier: MIT */
/*
 * details.c - what `ls` and `dump` both tell of a segment as JSON
 */
#include "details.h"

#include <stdio.h>
#include <stdlib.h>

static void put_id(struct json *json, const char *name, const uint8_t id[16])
{
	char text[33];

	for (int i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
	json_string(json, name, text);
}

void details_information(struct json *json, const smx_reader_info *info)
{
	put_id(json, "generation_id", info->generation_id);
	json_time(json, "created", info->created_unix_ns);
	json_whole(json, "size_bytes", info->size_bytes);
	json_whole(json, "size_max_bytes", info->size_max_bytes);
	json_whole(json, "used_bytes", info->used_bytes);
	json_whole(json, "families", info->family_count);
	json_whole(json, "conflicts", info->conflict_count);
	json_whole(json, "series", info->series_count);
	json_whole(json, "series_max", info->series_max);
	json_whole(json, "stripes", info->stripe_count);
	json_whole(json, "slots_max", info->slot_max);
	json_whole(json, "slots_live", info->slots_live);
	json_whole(json, "slots_dead", info->slots_dead);
	json_whole(json, "damaged", info->damaged_count);
	json_open(json, "dropped", '{');
	for (int i = 0; i < SMX_DROP_COUNT; i++)
		json_whole(json, smx_drop_name((smx_drop)i), info->dropped[i]);
	json_close(json, '}');
}

smx_writer_view *details_copy_writers(const smx_reader *reader, size_t *count)
{
	smx_writer_view *writers;

	*count = smx_reader_writer_count(reader);
	writers = calloc(*count + 1, sizeof(*writers));
	for (size_t i = 0; writers && i < *count; i++)
		writers[i] = *smx_reader_writer(reader, i);
	return writers;
}

void details_writers(struct json *json, const smx_writer_view *writers, size_t count)
{
	json_open(json, "writers", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(json, NULL, '{');
		json_whole(json, "pid", writers[i].pid);
		json_whole(json, "slot", writers[i].slot);
		json_whole(json, "slot_generation", writers[i].slot_generation);
		json_whole(json, "claimed_monotonic_ns", writers[i].claimed_monotonic_ns);
		json_close(json, '}');
	}
	json_close(json, ']');
}
