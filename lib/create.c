/* SPDX-License-Identifier: MIT */
/*
 * create.c - the header, the table of contents and the defaults of a new segment
 */
#include "create.h"

#include "error.h"
#include "platform.h"

#define DEFAULT_SIZE_MAX (UINT64_C(256) << 20)
#define DEFAULT_SERIES_MAX 200000u
#define DEFAULT_FAMILY_SERIES_MAX 10000u
#define DEFAULT_SLOT_MAX 1024u
#define DEFAULT_STRIPES_AT_MOST 4u
#define SERIES_MAX_AT_MOST 16777216u
#define FIRST_ARENA_BYTES 32768u
#define PAGE 4096u

static uint32_t default_stripes(void)
{
	unsigned processors = smx_platform_processors();
	uint32_t stripes = 1;

	while (stripes < processors && stripes < DEFAULT_STRIPES_AT_MOST)
		stripes *= 2;
	return stripes;
}

static uint64_t root_words(unsigned bits)
{
	return UINT64_C(1) << bits;
}

/* Where each part of a segment of slot_max slots begins. */
struct parts {
	uint64_t slots, family_root, series_root, arena;
};

static struct parts parts_of(uint32_t slot_max)
{
	struct parts parts;

	parts.slots = SMX_LAYOUT_HEADER_SIZE;
	parts.family_root = parts.slots + (uint64_t)slot_max * sizeof(smx_layout_slot);
	parts.series_root = parts.family_root + root_words(SMX_LAYOUT_FAMILY_ROOT_BITS) * 8;
	parts.arena = parts.series_root + root_words(SMX_LAYOUT_SERIES_ROOT_BITS) * 8;
	/* The first tile begins a stripe's 512 bytes; so does everything that follows it. */
	parts.arena =
		(parts.arena + SMX_LAYOUT_TILE_SIZE - 1) & ~(uint64_t)(SMX_LAYOUT_TILE_SIZE - 1);
	return parts;
}

static smx_status check(const smx_segment_options *options, smx_error *error)
{
	uint32_t stripes = options->stripe_count;

	if (options->size_max_bytes && (options->size_max_bytes < SMX_LAYOUT_SIZE_MAX_LEAST ||
					options->size_max_bytes > SMX_LAYOUT_SIZE_MAX))
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"size_max_bytes %llu: must be 1 MiB to 64 GiB",
				(unsigned long long)options->size_max_bytes);
	if (options->series_max > SERIES_MAX_AT_MOST)
		return smx_fail(error, SMX_ERR_INVALID, 0, "series_max %u: must be at most %u",
				options->series_max, SERIES_MAX_AT_MOST);
	if (options->slot_max > SMX_LAYOUT_SLOT_MAX)
		return smx_fail(error, SMX_ERR_INVALID, 0, "slot_max %u: must be at most %u",
				options->slot_max, SMX_LAYOUT_SLOT_MAX);
	if (stripes > SMX_LAYOUT_STRIPE_MAX || (stripes & (stripes - 1)) != 0)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"stripe_count %u: must be 1, 2, 4, 8 or 16", stripes);
	if (options->flags & ~(SMX_SEGMENT_KEEP | SMX_SEGMENT_NO_CREATE))
		return smx_fail(error, SMX_ERR_INVALID, 0, "flags 0x%x: unknown", options->flags);
	return SMX_OK;
}

smx_status smx_create_plan(const smx_segment_options *options, struct smx_create_plan *plan,
			   smx_error *error)
{
	static const smx_segment_options defaults;
	smx_status status;
	uint64_t size;

	if (!options)
		options = &defaults;
	status = check(options, error);
	if (status != SMX_OK)
		return status;
	plan->size_max = options->size_max_bytes ? options->size_max_bytes : DEFAULT_SIZE_MAX;
	plan->size_max &= ~(uint64_t)(PAGE - 1);
	plan->series_max = options->series_max ? options->series_max : DEFAULT_SERIES_MAX;
	plan->family_series_max =
		options->family_series_max ? options->family_series_max : DEFAULT_FAMILY_SERIES_MAX;
	plan->slot_max = options->slot_max ? options->slot_max : DEFAULT_SLOT_MAX;
	plan->stripe_count = options->stripe_count ? options->stripe_count : default_stripes();
	plan->group_id = options->group_id;
	size = parts_of(plan->slot_max).arena + FIRST_ARENA_BYTES;
	plan->size = (size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	if (plan->size > plan->size_max)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"slot_max %u: its slots do not fit size_max_bytes %llu",
				plan->slot_max, (unsigned long long)plan->size_max);
	return SMX_OK;
}

static void set_toc(smx_layout_header *header, unsigned index, uint64_t offset, size_t record_size,
		    uint64_t count)
{
	smx_layout_toc *entry = &header->toc[index];

	entry->type = index + 1;
	entry->record_size = (uint32_t)record_size;
	entry->offset = offset;
	entry->count = count;
}

void smx_create_fill(smx_layout_header *header, const struct smx_create_plan *plan)
{
	struct parts parts = parts_of(plan->slot_max);

	header->magic = SMX_LAYOUT_MAGIC;
	header->version_major = SMX_LAYOUT_VERSION_MAJOR;
	header->version_minor = SMX_LAYOUT_VERSION_MINOR;
	header->byte_order = SMX_LAYOUT_BYTE_ORDER;
	header->header_size = SMX_LAYOUT_HEADER_SIZE;
	header->toc_count = SMX_TOC_ARENA + 1;
	if (!smx_platform_random(header->generation_id, sizeof header->generation_id) ||
	    !smx_platform_random(&header->hash_seed, sizeof header->hash_seed))
		header->hash_seed = smx_platform_monotonic_ns();
	header->created_unix_ns = smx_platform_unix_ns();
	header->created_monotonic_ns = smx_platform_monotonic_ns();
	smx_platform_boot_id(header->boot_id);
	header->size_max = plan->size_max;
	header->stripe_count = plan->stripe_count;
	header->tile_size = SMX_LAYOUT_TILE_SIZE;
	header->series_max = plan->series_max;
	header->family_series_max = plan->family_series_max;
	header->slot_max = plan->slot_max;
	set_toc(header, SMX_TOC_SLOTS, parts.slots, sizeof(smx_layout_slot), plan->slot_max);
	set_toc(header, SMX_TOC_FAMILY_ROOT, parts.family_root, 8,
		root_words(SMX_LAYOUT_FAMILY_ROOT_BITS));
	set_toc(header, SMX_TOC_SERIES_ROOT, parts.series_root, 8,
		root_words(SMX_LAYOUT_SERIES_ROOT_BITS));
	set_toc(header, SMX_TOC_ARENA, parts.arena, 1, 0);
	header->arena_next = parts.arena;
	header->size = plan->size;
}

const char *smx_create_fault(const smx_layout_header *header, uint64_t file_size)
{
	struct parts parts;

	if (header->magic != SMX_LAYOUT_MAGIC)
		return "not a shmetrics segment";
	if (header->byte_order != SMX_LAYOUT_BYTE_ORDER)
		return "a segment of a machine with another byte order";
	if (header->version_major != SMX_LAYOUT_VERSION_MAJOR)
		return "a segment of another layout version";
	if (header->header_size != SMX_LAYOUT_HEADER_SIZE ||
	    header->tile_size != SMX_LAYOUT_TILE_SIZE)
		return "damaged header: sizes";
	if (header->size > file_size || header->size > header->size_max ||
	    header->size_max > SMX_LAYOUT_SIZE_MAX || header->size_max % PAGE != 0)
		return "damaged header: the file is smaller than the header says";
	if (header->stripe_count == 0 || header->stripe_count > SMX_LAYOUT_STRIPE_MAX ||
	    (header->stripe_count & (header->stripe_count - 1)) != 0)
		return "damaged header: stripes";
	if (header->slot_max == 0 || header->slot_max > SMX_LAYOUT_SLOT_MAX)
		return "damaged header: slots";
	parts = parts_of(header->slot_max);
	if (header->toc[SMX_TOC_SLOTS].offset != parts.slots ||
	    header->toc[SMX_TOC_FAMILY_ROOT].offset != parts.family_root ||
	    header->toc[SMX_TOC_SERIES_ROOT].offset != parts.series_root ||
	    header->toc[SMX_TOC_ARENA].offset != parts.arena)
		return "damaged header: table of contents";
	/* Not against size: the header was copied while other processes may have changed both. */
	if (header->arena_next < parts.arena || header->arena_next > header->size_max ||
	    header->arena_next % SMX_LAYOUT_ALIGNMENT != 0)
		return "damaged header: arena";
	return NULL;
}
