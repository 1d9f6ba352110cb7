/* SPDX-License-Identifier: MIT */
/*
 * reader_slots.c - who lives, which families they have, what their gauges hold
 *
 * A slot of generation g is held by a live process exactly if the kernel says that its lock is
 * held: no pid, no heartbeat. A generation that was once seen free never lives again (the next
 * owner has the next one), so each dead one costs one probe in a reader's life.
 */
#include "reader_internal.h"

#include <fcntl.h>
#include <stdlib.h>

static const smx_layout_slot *slot_at(const smx_reader *reader, uint32_t slot)
{
	return (const smx_layout_slot *)(const void *)(reader->base + reader->slots) + slot;
}

/*
 * Asked through the reader's own description of the file: it sees the locks of this process, too.
 */
static bool is_held(const smx_reader *reader, uint32_t slot, uint64_t generation)
{
	uint64_t offset = SMX_LOCK_SLOTS + ((uint64_t)slot << SMX_LOCK_SLOT_SHIFT) + generation;

	if (reader->private || reader->descriptor < 0)
		return reader->private && slot == 0;
	if (generation > SMX_LOCK_GENERATION_MAX)
		return false;
#ifdef F_OFD_GETLK
	struct flock range = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = 1};

	/* Where the system would not say, it is not dead: that would be for ever. */
	return fcntl(reader->descriptor, F_OFD_GETLK, &range) != 0 || range.l_type != F_UNLCK;
#else
	(void)offset;
	return false;
#endif
}

void reader_find_blocks(smx_reader *reader, struct reader_writer *writer)
{
	uint64_t directory =
		smx_read_acquire(&slot_at(reader, writer->view.slot)->directory_offset);
	const smx_layout_directory *at;

	memset(writer->blocks, 0, sizeof writer->blocks);
	if (!directory)
		return;
	if (!reader_in_arena(reader, directory, sizeof *at, SMX_LAYOUT_ALIGNMENT)) {
		if (!reader_is_ahead(reader, directory, sizeof *at))
			reader->info.damaged_count++;
		return;
	}
	at = (const smx_layout_directory *)(const void *)(reader->base + directory);
	for (unsigned i = 0; i < SMX_LAYOUT_GAUGE_BLOCKS; i++) {
		uint64_t offset = smx_read_acquire(&at->live[i]);
		uint64_t size = ((uint64_t)SMX_LAYOUT_GAUGE_BLOCK_FIRST << i) *
				sizeof(smx_layout_gauge_cell);

		if (!offset)
			continue;
		if (reader_in_arena(reader, offset, size, SMX_LAYOUT_ALIGNMENT))
			writer->blocks[i] =
				(const smx_layout_gauge_cell *)(const void *)(reader->base +
									      offset);
		else if (!reader_is_ahead(reader, offset, size))
			reader->info.damaged_count++;
	}
}

/* Looks at one slot. True: a live process holds it, and *writer says which. */
static bool look_at_slot(smx_reader *reader, uint32_t number, struct reader_writer *writer)
{
	const smx_layout_slot *slot = slot_at(reader, number);
	uint64_t generation = smx_read_acquire(&slot->generation);

	/* A second look when the slot changed hands meanwhile; a third would need a third owner. */
	for (int attempt = 0; attempt < 3; attempt++) {
		uint64_t again;

		if (!generation)
			return false;
		if (reader->dead[number] == generation)
			break;
		/*
		 * Before the probe: an adopter writes these only after the owner has died, so if
		 * the owner lives at the probe they are the owner's.
		 */
		writer->view.pid = smx_read_u32_acquire(&slot->pid);
		writer->view.claimed_monotonic_ns = smx_read_acquire(&slot->claimed_ns);
		if (!is_held(reader, number, generation)) {
			reader->dead[number] = generation;
			break;
		}
		writer->view.slot = number;
		writer->view.slot_generation = generation;
		writer->view.live = true;
		again = smx_read_acquire(&slot->generation);
		if (again == generation) {
			reader_find_blocks(reader, writer);
			reader->live[number] = reader->walk;
			return true;
		}
		generation = again;
	}
	reader->info.slots_dead++;
	return false;
}

const smx_layout_gauge_cell *reader_gauge_cell(const struct reader_writer *writer, uint64_t gauge)
{
	uint32_t block = reader_block_of(gauge);
	uint64_t first = SMX_LAYOUT_GAUGE_BLOCK_FIRST * ((UINT64_C(1) << block) - 1);
	const smx_layout_gauge_cell *cells = writer->blocks[block];

	return cells ? cells + (gauge - first) : NULL;
}

/* ---- definitions ---- */

/* How many live processes have defined what has this gauge number. */
static uint32_t count_definers(const smx_reader *reader, uint32_t presence_gauge)
{
	uint32_t count = 0;

	if (presence_gauge >= SMX_LAYOUT_GAUGE_MAX)
		return 0;
	for (size_t i = 0; i < reader->writer_count; i++) {
		const struct reader_writer *writer = &reader->writers[i];
		const smx_layout_gauge_cell *cell = reader_gauge_cell(writer, presence_gauge);

		if (cell && smx_read_relaxed(&cell->tag) == writer->view.slot_generation)
			count++;
	}
	return count;
}

/* Whether a is to be served rather than b, both of one name. */
static bool is_preferred(const smx_family_view *a, const smx_family_view *b)
{
	if (a->live_writers != b->live_writers)
		return a->live_writers > b->live_writers;
	if (a->created_unix_ns != b->created_unix_ns)
		return a->created_unix_ns > b->created_unix_ns;
	return a->id > b->id;
}

/* Of the definitions of one name, the one that most live processes have is served. */
static void choose_definitions(smx_reader *reader)
{
	reader->info.conflict_count = 0;
	for (size_t i = 0; i < reader->family_count; i++) {
		struct reader_family *family = reader->families[i];

		family->view.live_writers = count_definers(reader, family->presence_gauge);
		family->view.served = family->group == i;
	}
	/* The served one of a group is where its first member stands now: `best` moves with it. */
	for (size_t i = 0; i < reader->family_count; i++) {
		struct reader_family *family = reader->families[i];
		struct reader_family *first = reader->families[family->group], *best = first->best;

		if (family == first) {
			first->best = first;
			first->is_conflict = false;
			continue;
		}
		if (family->view.live_writers && best->view.live_writers && !first->is_conflict) {
			first->is_conflict = true;
			reader->info.conflict_count++;
		}
		if (is_preferred(&family->view, &best->view)) {
			best->view.served = false;
			family->view.served = true;
			first->best = family;
		}
	}
}

/* Looks at every slot that was ever claimed. */
static void look_at_all(smx_reader *reader, uint64_t used)
{
	reader->writer_count = 0;
	reader->info.slots_dead = 0;
	for (uint32_t slot = 0; slot < used; slot++)
		if (look_at_slot(reader, slot, &reader->writers[reader->writer_count]))
			reader->writer_count++;
}

/*
 * Without a claim since the last walk nobody can be alive who was not then: the dead cost nothing.
 */
static void look_at_live(smx_reader *reader)
{
	size_t before = reader->writer_count;

	reader->writer_count = 0;
	for (size_t i = 0; i < before; i++) {
		uint32_t slot = reader->writers[i].view.slot;

		if (look_at_slot(reader, slot, &reader->writers[reader->writer_count]))
			reader->writer_count++;
	}
}

bool reader_slots_walk(smx_reader *reader)
{
	const smx_layout_header *header = (const smx_layout_header *)(const void *)reader->base;
	uint64_t claims = smx_read_acquire(&header->claim_count);
	uint64_t used = smx_read_acquire(&header->slots_used);

	if (used > reader->info.slot_max)
		used = reader->info.slot_max;
	if (!reader->dead)
		reader->dead = calloc(reader->info.slot_max, sizeof *reader->dead);
	if (!reader->live)
		reader->live = calloc(reader->info.slot_max, sizeof *reader->live);
	if (!reader->writers)
		reader->writers = calloc(reader->info.slot_max, sizeof *reader->writers);
	if (!reader->dead || !reader->live || !reader->writers)
		return false;
	if (claims != reader->claims)
		look_at_all(reader, used);
	else
		look_at_live(reader);
	reader->claims = claims;
	reader->info.claim_count = claims;
	reader->info.slots_live = (uint32_t)reader->writer_count;
	choose_definitions(reader);
	for (size_t i = 0; i < reader->health_count; i++)
		reader->healths[i]->view.live_writers =
			count_definers(reader, reader->healths[i]->presence_gauge);
	return reader_dead_walk(reader, used);
}

size_t smx_reader_writer_count(const smx_reader *reader)
{
	return reader->writer_count;
}

size_t smx_reader_holder_count(const smx_reader *reader)
{
	return reader->writer_count + reader->kept_count;
}

const smx_writer_view *smx_reader_writer(const smx_reader *reader, size_t index)
{
	return index < smx_reader_holder_count(reader) ? &reader->writers[index].view : NULL;
}
