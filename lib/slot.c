/* SPDX-License-Identifier: MIT */
/*
 * slot.c - claiming a slot, and the gauge cells that come with it
 *
 *  S1. At most one live process holds a slot. Only the holder of the slot's claim lock changes its
 *      generation, and only after it has seen that nobody holds the lock of the present one.
 *  S2. The lock of a generation is only ever taken by its owner, before the generation is
 *      published: whoever finds a published generation's lock held sees a live owner, and whoever
 *      finds it free sees one that is dead for ever. (A single lock, of generation g + 1, is not
 *      enough: a late adopter that saw g takes it for a moment after the owner of g + 1 died, and
 *      shows a dead process as live.)
 *      A process killed while claiming leaves the slot as it was: the last store publishes g + 1.
 *      One that is stopped there keeps this slot from the others, who take another.
 *  S3. Nothing of the last owner is ever taken for the new one's: every cell says of which
 *      generation it is (or, most recent, at what time it was set), so nothing needs to be cleared.
 *      What the dead leave to modes that include them is folded first (fold.c).
 *  S4. A slot's directory and blocks stay with it: the segment grows with the most processes alive
 *      at once, and at most SMX_KEPT_MAX dead ones, never with restarts: a slot that nobody has had
 *      is only taken when none other is to be had.
 *  S5. A dead owner that is kept (mode ALL) is shown with its own pid or not at all: who takes its
 *      slot over first takes SMX_SLOT_KEEP away, then changes the words; a reader that finds the
 *      flag, reads them and finds it and the generation again has read the dead one's.
 */
#include "slot.h"

#include "arena.h"
#include "error.h"
#include "fold.h"
#include "index.h"
#include "platform.h"
#include "word.h"

#include <unistd.h>

static uint64_t lock_offset(uint32_t slot, uint64_t generation)
{
	return SMX_LOCK_SLOTS + ((uint64_t)slot << SMX_LOCK_SLOT_SHIFT) + generation;
}

static smx_layout_slot *slot_at(const struct smx_segment *segment, uint32_t slot)
{
	smx_layout_slot *slots = smx_at(segment, segment->header->toc[SMX_TOC_SLOTS].offset);

	return &slots[slot];
}

/* ---- gauge cells ---- */

/* A word that leads to `size` bytes of the arena: what is there, or made now. 0: no room. */
static uint64_t ensure_word(struct smx_segment *segment, uint64_t *word, uint64_t size)
{
	uint64_t seen = smx_read_acquire(word), mine;

	if (seen)
		return seen;
	mine = smx_arena_reserve(segment, size);
	if (!mine)
		return 0;
	if (smx_publish_if(word, &seen, mine))
		return mine;
	smx_arena_return(segment, mine, size);
	return seen;
}

static uint64_t block_bytes(uint32_t block)
{
	return ((uint64_t)SMX_LAYOUT_GAUGE_BLOCK_FIRST << block) * sizeof(smx_layout_gauge_cell);
}

/* The retired block before the live one: a cell that can be written can be folded. */
bool smx_slot_ensure(struct smx_segment *segment, uint32_t gauge, bool folds)
{
	struct smx_local *local = smx_local_of(segment);
	uint32_t block = smx_slot_block(gauge);
	uint64_t directory, cells;
	smx_layout_directory *at;

	if (!smx_read_acquire(&local->generation)) /* another thread may be claiming */
		return false;
	if (__atomic_load_n(&local->blocks[block], __ATOMIC_RELAXED) &&
	    (!folds || (smx_read_u32(&local->retired_blocks) >> block) & 1))
		return true;
	directory = ensure_word(segment, &slot_at(segment, local->slot)->directory_offset,
				sizeof(smx_layout_directory));
	if (!directory)
		return false;
	at = smx_at(segment, directory);
	if (folds) {
		if (!ensure_word(segment, &at->retired[block], block_bytes(block)))
			return false;
		smx_set_flags(&local->retired_blocks, 1u << block);
	}
	cells = ensure_word(segment, &at->live[block], block_bytes(block));
	if (!cells)
		return false;
	__atomic_store_n(&local->blocks[block], (char *)smx_at(segment, cells), __ATOMIC_RELEASE);
	return true;
}

void smx_slot_keep(char *base)
{
	struct smx_local *local = smx_local_at(base);
	smx_layout_slot *slots =
		(smx_layout_slot *)(void *)(base + ((smx_layout_header *)(void *)base)
							   ->toc[SMX_TOC_SLOTS]
							   .offset);

	if (!smx_read_acquire(&local->generation))
		return;
	smx_set_flags(&slots[local->slot].flags, SMX_SLOT_KEEP);
	smx_set_flags(&local->keeps, 1);
}

/* The least stamp that belongs to this owner and this incarnation: any update is more recent. */
static void start_stamped(struct smx_segment *segment, const smx_layout_series *series,
			  smx_layout_gauge_cell *cell)
{
	uint64_t since = smx_read_relaxed(&series->since_ns) + 1;
	uint64_t claimed =
		smx_read_relaxed(&slot_at(segment, smx_local_of(segment)->slot)->claimed_ns);
	smx_pair seen = smx_pair_guess(cell), zero = {smx_bits(0.0), since};

	/* A dead owner's value may be the most recent. */
	if (series->mode == SMX_GAUGE_LIVE_MOST_RECENT && claimed > since)
		zero.second = claimed;
	while (seen.second < zero.second && !smx_pair_swap(cell, &seen, zero))
		;
}

static void start_owned(const struct smx_local *local, const smx_layout_series *series,
			smx_layout_gauge_cell *cell)
{
	smx_pair seen = smx_pair_guess(cell), zero = {smx_bits(0.0), 0};

	do {
		smx_fence_loads(); /* as in gauge.c */
		zero.second = smx_gauge_tag(smx_word_of(series), smx_mode_fold(series->mode),
					    local->generation);
	} while (seen.second != zero.second && !smx_pair_swap(cell, &seen, zero));
}

void smx_slot_start(struct smx_segment *segment, const smx_layout_series *series)
{
	const struct smx_local *local = smx_local_of(segment);
	uint32_t gauge = (uint32_t)smx_word_target(smx_word_of(series));

	if (!smx_slot_ensure(segment, gauge, smx_mode_fold(series->mode) != 0))
		return;
	if (series->mode == SMX_GAUGE_ALL && !smx_read_u32(&local->keeps))
		smx_slot_keep(smx_base(segment));
	if (smx_mode_is_stamped(series->mode))
		start_stamped(segment, series, smx_slot_cell(local, gauge));
	else
		start_owned(local, series, smx_slot_cell(local, gauge));
}

/* Blocks for every gauge that exists: handles made before a fork work in the child. */
static void ensure_all(struct smx_segment *segment)
{
	uint64_t next = smx_read_acquire(&segment->header->gauge_next);
	uint64_t folds = smx_read_acquire(&segment->header->fold_blocks);

	for (uint32_t block = 0; block < SMX_LAYOUT_GAUGE_BLOCKS; block++) {
		uint64_t first = SMX_LAYOUT_GAUGE_BLOCK_FIRST * ((UINT64_C(1) << block) - 1);

		if (first >= next ||
		    !smx_slot_ensure(segment, (uint32_t)first, (folds >> block) & 1))
			break;
	}
}

/* ---- claiming ---- */

static uint64_t claim_offset(uint32_t slot)
{
	return SMX_LOCK_CLAIMS + slot;
}

/* Whether the slot's present owner, if it ever had one, is dead. */
static bool is_free(smx_lock lock, uint32_t number, uint64_t generation)
{
	return generation < SMX_LOCK_GENERATION_MAX &&
	       (generation == 0 ||
		smx_platform_lock_held(lock, lock_offset(number, generation), 1) == 0);
}

/* Under the slot's claim lock: makes this process the owner. */
static bool take(struct smx_segment *segment, smx_lock lock, uint32_t number)
{
	smx_layout_slot *slot = slot_at(segment, number);
	uint64_t generation = smx_read_acquire(&slot->generation);

	if (!is_free(lock, number, generation) ||
	    !smx_platform_lock_try(lock, lock_offset(number, generation + 1)))
		return false;
	if (!smx_platform_lock_carry(segment, lock)) {
		smx_platform_lock_release(lock, lock_offset(number, generation + 1));
		return false;
	}
	if (smx_read_flags(&slot->flags) & SMX_SLOT_KEEP) {
		smx_dropped(segment->header, SMX_DROP_RETIRED);
		smx_clear_flags(&slot->flags, SMX_SLOT_KEEP); /* S5 */
	}
	smx_fold_slot(segment, slot);
	smx_store_u32(&slot->pid, (uint32_t)getpid());
	smx_store_relaxed(&slot->claimed_ns, smx_platform_monotonic_ns());
	smx_raise(&segment->header->slots_used, (uint64_t)number + 1);
	smx_publish(&slot->generation, generation + 1); /* S2 */
	segment->slot = number;
	segment->slot_generation = generation + 1;
	return true;
}

/* Tries to take over one slot. True: this process is its owner. */
static bool try_slot(struct smx_segment *segment, smx_lock lock, uint32_t number)
{
	bool taken;

	/* A look without the claim lock first: most slots are held. */
	if (!is_free(lock, number, smx_read_acquire(&slot_at(segment, number)->generation)) ||
	    !smx_platform_lock_try(lock, claim_offset(number)))
		return false;
	taken = take(segment, lock, number);
	smx_platform_lock_release(lock, claim_offset(number));
	/* Last: a process that stands still before it has no gauge yet that a reader could miss. */
	if (taken)
		smx_publish_count(&segment->header->claim_count);
	return taken;
}

static bool is_kept(const smx_layout_slot *slot)
{
	return smx_read_flags(&slot->flags) & SMX_SLOT_KEEP;
}

/*
 * How many kept dead owners claimed their slots after this time, and the slot of the oldest of
 * them.
 */
static uint32_t count_kept(const struct smx_segment *segment, smx_lock lock, uint64_t after_ns,
			   uint32_t *oldest)
{
	uint64_t used = smx_read_acquire(&segment->header->slots_used), least = UINT64_MAX;
	uint32_t count = 0;

	for (uint32_t number = 0; number < used && number < segment->header->slot_max; number++) {
		const smx_layout_slot *slot = slot_at(segment, number);
		uint64_t claimed_ns = smx_read_relaxed(&slot->claimed_ns);

		if (!is_kept(slot) || claimed_ns <= after_ns ||
		    !is_free(lock, number, smx_read_acquire(&slot->generation)))
			continue;
		count++;
		if (claimed_ns < least) {
			least = claimed_ns;
			*oldest = number;
		}
	}
	return count;
}

/* Takes over the oldest of the kept dead owners, if there are more than `most`. */
static bool try_kept(struct smx_segment *segment, smx_lock lock, uint32_t most)
{
	uint64_t after_ns = 0;
	uint32_t oldest = 0;

	while (count_kept(segment, lock, after_ns, &oldest) > most) {
		/* Before: who is quicker changes it, and then the next oldest is tried. */
		after_ns = smx_read_relaxed(&slot_at(segment, oldest)->claimed_ns);
		if (try_slot(segment, lock, oldest))
			return true;
	}
	return false;
}

/* Tries the slots whose owners are dead and not kept, or those that nobody has had. */
static bool try_all(struct smx_segment *segment, smx_lock lock, bool fresh)
{
	for (uint32_t number = 0; number < segment->header->slot_max; number++) {
		const smx_layout_slot *slot = slot_at(segment, number);

		if ((smx_read_acquire(&slot->generation) == 0) == fresh && !is_kept(slot) &&
		    try_slot(segment, lock, number))
			return true;
	}
	return false;
}

/* S4, S5 */
static bool try_slots(struct smx_segment *segment, smx_lock lock)
{
	return try_all(segment, lock, false) || try_kept(segment, lock, SMX_KEPT_MAX) ||
	       try_all(segment, lock, true) || try_kept(segment, lock, 0);
}

/* Makes the slot this process's own, as the hot path sees it. */
static void settle(struct smx_segment *segment)
{
	struct smx_local *local = smx_local_of(segment);

	local->slot = segment->slot;
	smx_publish(&local->generation, segment->slot_generation);
	ensure_all(segment);
}

static bool claim_private(struct smx_segment *segment)
{
	smx_layout_slot *slot = slot_at(segment, 0);

	slot->pid = (uint32_t)getpid();
	slot->claimed_ns = smx_platform_monotonic_ns();
	slot->generation = 1;
	segment->header->slots_used = 1;
	segment->slot = 0;
	segment->slot_generation = 1;
	settle(segment);
	return true;
}

bool smx_slot_claim(struct smx_segment *segment, smx_error *error)
{
	smx_lock lock;

	if (smx_local_of(segment)->generation)
		return true;
	if (segment->private)
		return claim_private(segment);
	segment->lock_page = NULL; /* in a child it is the parent's, and not mapped here */
	segment->slot_generation = 0;
	lock = smx_platform_lock_open(segment);
	if (lock.descriptor < 0) {
		smx_dropped(segment->header, SMX_DROP_NO_REOPEN);
		smx_dropped(segment->header, SMX_DROP_NO_SLOT);
		smx_fail(error, SMX_ERR_SYSTEM, 0, "segment %s: cannot be opened again for a slot",
			 segment->path);
		return false;
	}
	if (try_slots(segment, lock)) {
		smx_platform_lock_close(lock); /* the mapping carries it now */
		settle(segment);
		return true;
	}
	smx_platform_lock_close(lock);
	smx_dropped(segment->header, SMX_DROP_NO_SLOT);
	smx_fail(error, SMX_ERR_FULL, 0, "segment %s: all %u slots are held by live processes",
		 segment->path, segment->header->slot_max);
	return false;
}

/* ---- after a fork ---- */

struct inheritance {
	const struct smx_segment *segment;
	struct smx_local parent; /* a view of the parent's slot */
};

static void inherit_presence(smx_layout_record *record, void *data)
{
	const struct inheritance *from = data;
	const smx_layout_family *family = (const smx_layout_family *)(const void *)record;
	const smx_layout_gauge_cell *theirs;
	smx_layout_gauge_cell *mine;

	/* A health check has its number at the same place. */
	if (record->type != SMX_RECORD_FAMILY && record->type != SMX_RECORD_HEALTH)
		return;
	theirs = smx_slot_cell(&from->parent, family->presence_gauge);
	mine = smx_slot_cell(smx_local_of(from->segment), family->presence_gauge);
	if (theirs && mine && smx_read_acquire(&theirs->tag) == from->parent.generation)
		smx_publish(&mine->tag, smx_local_of(from->segment)->generation);
}

/* The blocks of the slot that was the parent's when this child was forked. */
static void view_parent(const struct smx_segment *segment, struct smx_local *view)
{
	uint64_t directory = smx_read_acquire(&slot_at(segment, segment->slot)->directory_offset);
	const smx_layout_directory *at = directory ? smx_at(segment, directory) : NULL;

	memset(view, 0, sizeof *view);
	view->generation = segment->slot_generation;
	for (unsigned i = 0; at && i < SMX_LAYOUT_GAUGE_BLOCKS; i++) {
		uint64_t cells = smx_read_acquire(&at->live[i]);

		view->blocks[i] = cells ? smx_at(segment, cells) : NULL;
	}
}

void smx_slot_after_fork(struct smx_segment *segment)
{
	struct inheritance from = {.segment = segment};

	if (segment->private) {
		slot_at(segment, 0)->pid = (uint32_t)getpid();
		return;
	}
	if (segment->slot_generation)
		view_parent(segment, &from.parent);
	memset(smx_local_of(segment), 0,
	       sizeof(struct smx_local)); /* where the kernel did not wipe it */
	if (smx_slot_claim(segment, NULL) && from.parent.generation)
		smx_index_each(segment, smx_index_families(segment), inherit_presence, &from);
}

void smx_slot_release(struct smx_segment *segment)
{
	struct smx_local *local = smx_local_of(segment);
	bool held = local->generation != 0;

	memset(local, 0, sizeof *local); /* before somebody else can have the slot */
	/*
	 * In a child that no handler saw, lock_page is the parent's: something else may lie there.
	 */
	if (held)
		smx_platform_lock_drop(segment);
	segment->lock_page = NULL;
	segment->slot_generation = 0;
}
