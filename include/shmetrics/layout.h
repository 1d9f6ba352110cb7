/* SPDX-License-Identifier: MIT */
/*
 * layout.h - the segment format, version 1: the only specification
 *
 * A segment is one file, "NAME.smx1", mapped by every writer (read-write) and every reader
 * (read-only). All integers are in the byte order of the machine, which the header states; all
 * offsets are bytes from the start of the file; 0 as an offset means "none". Doubles are IEEE 754
 * binary64. "atomic" marks words that change after they can be seen; every other byte is written
 * before it is published and never again.
 *
 *   0        +---------------------------------------------------------------+
 *            | header, 4,096 bytes: identity, limits, sizes, table of        |
 *            | contents, drop counts (struct smx_layout_header)              |
 *   toc[0]   +---------------------------------------------------------------+
 *            | slots: slot_max x 64 bytes, one a live process                |
 *   toc[1]   +---------------------------------------------------------------+
 *            | family root: 16 words, the top of the index of families and   |
 *            | texts                                                         |
 *   toc[2]   +---------------------------------------------------------------+
 *            | series root: 256 words, the top of the index of series        |
 *   toc[3]   +---------------------------------------------------------------+
 *            | arena: given out from the bottom in pieces aligned to 64:     |
 *            |   family, series and text records, index nodes,               |
 *            |   tiles of cells, gauge directories and gauge blocks          |
 *   arena_   +- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - -+
 *   next     | free: zero bytes                                              |
 *   size     +---------------------------------------------------------------+
 *            | not there yet: extended in steps up to size_max               |
 *   size_max +---------------------------------------------------------------+
 *
 * THE PUBLISHING RULE. Whatever is new is reserved (compare-and-swap on arena_next, never beyond
 * size), filled while nobody can see it, and made visible by ONE release store or compare-and-swap
 * of a word that leads to it. A process killed before that leaks the reserved bytes and nothing
 * else. The words that lead to things: index words, smx_layout_family.help_offset and
 * .overflow_offset, smx_layout_series.cells_or_gauge, .spares and .exemplar_offset,
 * smx_layout_slot.directory_offset, the directory's words, smx_layout_slot.generation,
 * smx_layout_header.size. Exemplars and the outcomes of health checks are written over and over
 * where others may look; each is valid exactly if its checksum is right.
 *
 * PLACES. The table of contents says where the parts are, and in version 1 they are always in this
 * order, each directly behind the other, the arena at the next multiple of 512; record sizes are 64
 * (slots), 8 (roots: count words) and 1 (arena: count 0). The file may be longer than `size`.
 *
 * WHO WRITES WHAT. The creator writes the header before the file gets its name. Any writer adds to
 * the atomic words of the header and publishes records, removes series and brings them back. A
 * slot's words and live blocks are written by the process that holds the slot's lock, and by nobody
 * else; its retired blocks, and its words on the way to a new owner, by the process that holds its
 * claim lock. Readers write nothing.
 *
 * THE INDEX is a trie on the 64 bits of a key's hash, most significant first: the root takes 4
 * (families, texts) or 8 (series) bits, each node 4 more. An index word is 0 (empty), the offset of
 * a record, or the offset of a node with bit 0 set. A word goes from 0 to a record to a node, by
 * compare-and-swap, and never back; the node that replaces a record holds it. So a key has one
 * place and can be published once.
 *
 * CELLS. A cell is an aligned pair {u64 count; f64 sum}. A counter has one: its value is count +
 * sum, where count takes whole increments and sum the others. A histogram has bound_count + 1, one
 * a bucket, not cumulative, changed by one 16-byte compare-and-swap. Every cell exists stripe_count
 * times: cells lie in tiles of 32, the stripes of a tile adjacent, 512 bytes each. With t = offset
 * & ~511 (the tile) and n = (offset & 511) / 16 + i, cell i of a series in stripe s is at
 *     t + (n / 32) * 512 * stripe_count + s * 512 + (n % 32) * 16.
 * The series' number is the sum over all stripes. Tiles begin at multiples of 512; the place in
 * cells_or_gauge and cell_next are offsets in stripe 0.
 *
 * SERIES. One word decides what a series is, cells_or_gauge:
 *     bit 63: removed | bits 62..36: incarnation | bits 35..0: place
 * where the place is the offset of the first cell, a gauge number, or of an info the offset of a
 * text; a new series is of incarnation 0 and not removed, so that its word is the place. Each of
 * these is one compare-and-swap of the word: removing sets the bit; coming back, when the label
 * values are asked for again, clears it and adds 1 to the incarnation; a reset adds 1 to the
 * incarnation of a series that is not removed. The last two also give other cells, all zero (a
 * gauge keeps its number: the incarnation tells its cells apart; an info has the empty text). The
 * cells they replace are kept for this series and no other: `spares` leads to a stack of
 * smx_layout_spare, bits 63..36 of which count its changes; a spare is taken from it, its cells are
 * set to zero, and it is put back with the cells that were replaced. An addition through a word
 * that was read before lands in the cells of that time: it is of whichever incarnation has them.
 * Before any of the three removal_begun grows by 1, and after it removal_epoch: while both are
 * equal, nothing is on its way and no cells are being set to zero. Overflow series and the series
 * of families without labels are never removed.
 *
 * GAUGES. A gauge series has a number, the place in cells_or_gauge, and one cell a slot:
 * {f64 value; u64 tag}. In the modes *_MOST_RECENT the tag is the CLOCK_MONOTONIC time in ns of the
 * update, and the cell is present if the tag is after the series' since_ns and, in the LIVE mode,
 * not before the slot's claimed_ns. In the others it says who wrote the cell:
 *     bits 63..42: incarnation of the series, its low bits | bits 41..40: fold | bits 39..0:
 *     generation of the slot
 * and the cell is present if it is of the series' incarnation and, in the LIVE modes and ALL, of
 * the slot's present generation. So cells are never cleared. (A cell that nobody has written during
 * 4,194,304 incarnations would be taken for one of the present.) The cells of a slot lie in up to
 * 16 blocks, block k holding 64 << k cells: gauge g is in block k = floor(log2(g / 64 + 1)), at g -
 * 64 * ((1 << k) - 1). A slot's directory has 16 offsets of live blocks, then 16 of retired blocks.
 * Families have a gauge number too: a present cell there says that the slot's process has defined
 * the family, by its generation alone in every mode.
 *
 * THE DEAD. What the dead owners of a slot held of SUM, MIN and MAX gauges is in its retired cells,
 * {f64 value; u64 tag}, beside the live ones. These modes have a fold, SMX_FOLD_*, in their tags.
 * The next owner, before it publishes its generation, folds each live cell that has one into the
 * retired cell by one 16-byte compare-and-swap that also takes over its tag, unless the retired tag
 * is of the same incarnation and a generation that is not older, or of a newer incarnation; an
 * older incarnation is replaced. A live cell counts beside a retired one exactly if it would be
 * folded. Such a gauge is recorded only where the slot has the retired block: bit k of fold_blocks
 * says that block k holds such gauges, and who claims a slot then makes both blocks. A slot whose
 * owner has a gauge of mode ALL has SMX_SLOT_KEEP in its flags: dead, it still stands for its
 * owner, and is the last to be taken over, but for the oldest beyond SMX_KEPT_MAX. MOST_RECENT
 * looks at all slots.
 *
 * NATIVE HISTOGRAMS (since minor version 1) have cells as histograms have. With base =
 * 2^(2^-schema) bucket i holds the magnitudes in (base^(i-1), base^i], each bound the greatest
 * double not above it; those of a sign are first to first + side - 2, and one for what is above. In
 * ascending order of value: if there are negative ones, what is above the range, then their buckets
 * from the last to the first; the zero bucket, which has magnitudes up to base^(first-1) and, if
 * there are no negative ones, all below; the positive ones from the first to the last, and what is
 * above. Where there are bounds, too, a value in native bucket n with c bounds below it has cell n
 * + c: both grow with it, so each of the bound_count cells more stands for one native bucket and
 * one of the bounds.
 *
 * SUMMARIES have one cell: how many values, and their sum, changed by one 16-byte compare-and-swap.
 *
 * STATE SETS are gauges of the mode LIVE_MOST_RECENT whose value is the index of the present state.
 *
 * INFOS. The place in the series' word is the offset of a text that holds the labels: for
 * each u16 size and bytes of the name, u16 size and bytes of the value; in ascending order of the
 * names' bytes, no name twice, at most 64 of them and 4,096 bytes. An info that nobody has set
 * leads to the empty text. The label set given last is served.
 *
 * EXEMPLARS. exemplar_offset of a counter's or histogram's series, where it is not 0, is that of an
 * array of smx_layout_exemplar: one for a counter, bound_count + 1, one a bucket, for a histogram;
 * for a native histogram the same where it has bounds, else SMX_LAYOUT_NATIVE_EXEMPLARS, of native
 * bucket n that of n modulo their number, so that neighbours do not displace each other. Writers
 * store the 32 words of one in any order and do not wait for each other: where two met, or one was
 * killed, the checksum is wrong and there is no exemplar until the next is written.
 *
 * HEALTH CHECKS are records of their own in the family root. Each has two outcomes: who reports
 * writes over the one that is not valid, else the older, so whoever is killed while it writes
 * leaves the other. The valid one with the later reported_ns counts.
 *
 * LIVENESS. The process that holds slot s in generation g (from 1) holds a write lock (an
 * open-file-description lock, or a POSIX one) on the byte SMX_LOCK_SLOTS + (s << 40) + g of the
 * file; beyond its end, so it stands for no data. Slots change hands under a second lock, on the
 * byte SMX_LOCK_CLAIMS + s: to take over a slot, lock that byte; see the slot's generation g, and
 * that its byte is not locked; lock the byte of g + 1; fill in the slot; store g + 1; unlock the
 * claim; add 1 to claim_count. (Filling in: SMX_SLOT_KEEP is taken away before anything else is
 * changed.) So the byte of a generation is never locked by anybody but its owner. The byte
 * SMX_LOCK_LIFE is held while a generation of the segment is replaced or a first slot claimed.
 */
#ifndef SHMETRICS_LAYOUT_H
#define SHMETRICS_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define SMX_LAYOUT_ASSERT(condition, text) static_assert(condition, text)
#else
#define SMX_LAYOUT_ASSERT(condition, text) _Static_assert(condition, text)
#endif
#define SMX_LAYOUT_AT(type, member, offset)                                                        \
	SMX_LAYOUT_ASSERT(offsetof(type, member) == (offset), #type "." #member " is at " #offset)

#define SMX_LAYOUT_MAGIC 0x31434952544d4853u /* "SHMTRIC1" in little-endian order */
#define SMX_LAYOUT_VERSION_MAJOR 1u	     /* another one has another file suffix */
#define SMX_LAYOUT_VERSION_MINOR 1u	     /* a higher one only uses what is reserved here */
#define SMX_LAYOUT_BYTE_ORDER 0x0102030405060708u
#define SMX_LAYOUT_HEADER_SIZE 4096u
#define SMX_LAYOUT_ALIGNMENT 64u /* of everything in the arena */

/* ---- limits of the format ---- */

#define SMX_LAYOUT_NAME_MAX 255u
#define SMX_LAYOUT_LABEL_MAX 32u
#define SMX_LAYOUT_LABEL_VALUE_MAX 1024u
#define SMX_LAYOUT_BOUND_MAX 1000u
#define SMX_LAYOUT_NATIVE_SCHEMA_MIN (-4)
#define SMX_LAYOUT_NATIVE_SCHEMA_MAX 8
#define SMX_LAYOUT_NATIVE_BUCKET_MAX 4096u /* native buckets in all, of both signs and of zero */
#define SMX_LAYOUT_NATIVE_EXEMPLARS 9u	   /* odd: values octaves apart have different ones */
#define SMX_LAYOUT_HELP_MAX 4096u
#define SMX_LAYOUT_STATE_MAX 128u /* of a state set; each at most SMX_LAYOUT_NAME_MAX bytes */
#define SMX_LAYOUT_INFO_MAX 4096u /* bytes of an info's labels */
#define SMX_LAYOUT_INFO_LABEL_MAX 64u
#define SMX_LAYOUT_EXEMPLAR_CHARACTERS 128u /* in all names and values of one */
#define SMX_LAYOUT_HEALTH_MAX 256u	    /* health checks of a segment */
#define SMX_LAYOUT_HEALTH_NAME_MAX 128u
#define SMX_LAYOUT_HEALTH_DETAIL_MAX 480u
#define SMX_LAYOUT_STRIPE_MAX 16u
#define SMX_LAYOUT_SLOT_MAX 32768u
#define SMX_LAYOUT_SIZE_MAX (UINT64_C(64) << 30)
#define SMX_LAYOUT_SIZE_MAX_LEAST (UINT64_C(1) << 20)

/* ---- the table of contents ---- */

enum {
	SMX_TOC_SLOTS = 0, /* in this order in toc[]; a type of 0 ends the table */
	SMX_TOC_FAMILY_ROOT = 1,
	SMX_TOC_SERIES_ROOT = 2,
	SMX_TOC_ARENA = 3,
	SMX_TOC_LANES = 4, /* reserved: processor lanes, beside the stripes */
	SMX_TOC_MAX = 16
};

typedef struct smx_layout_toc {
	uint32_t type;	      /* SMX_TOC_* + 1 */
	uint32_t record_size; /* bytes */
	uint64_t offset;
	uint64_t count; /* records; of the arena: 0 */
	uint64_t reserved;
} smx_layout_toc;
SMX_LAYOUT_ASSERT(sizeof(smx_layout_toc) == 32, "a line of the table of contents has 32 bytes");

/* ---- the header ---- */

#define SMX_LAYOUT_FLAG_PRIVATE 1u /* memory of one process, no file, no slots of others */

typedef struct smx_layout_header {
	/* identity and limits: written by the creator */
	uint64_t magic;
	uint32_t version_major;
	uint32_t version_minor;
	uint64_t byte_order;
	uint32_t header_size;
	uint32_t toc_count;
	uint8_t generation_id[16]; /* random */
	uint64_t created_unix_ns;
	uint64_t created_monotonic_ns;
	uint8_t boot_id[16]; /* CLOCK_MONOTONIC counts from this boot */
	uint64_t size_max;
	uint64_t hash_seed;    /* XXH3_64bits_withSeed */
	uint32_t stripe_count; /* a power of two */
	uint32_t tile_size;    /* 512: bytes of one stripe of a tile */
	uint64_t series_max;
	uint64_t family_series_max; /* the default of families */
	uint32_t slot_max;
	uint32_t flags;
	/* reserved for processor lanes */
	uint32_t lane_count;
	uint32_t lane_reserved;
	uint64_t lane_offset;
	uint64_t lane_stride;
	uint64_t reserved0[5];
	/* what grows: any writer, atomic, a cache line each */
	uint64_t size; /* bytes of the file that may be used; grows only */
	uint64_t reserved1[7];
	uint64_t arena_next; /* first byte not given out; multiple of 64 */
	uint64_t cell_next;  /* next free cell of the tile in use, 0: none */
	uint64_t reserved2[6];
	uint64_t series_count; /* reserved or published, without overflow series */
	uint64_t family_count;
	uint64_t gauge_next;  /* next gauge number */
	uint64_t slots_used;  /* slots 0 .. slots_used - 1 were ever claimed */
	uint64_t claim_count; /* claims so far; moved last by each */
	uint64_t reserved3[3];
	uint64_t removal_epoch; /* removals, returns and resets of series so far */
	uint64_t successor;	/* 1: another file has taken this one's name */
	uint64_t removal_begun; /* the same, each counted before it is done */
	uint64_t fold_blocks;	/* bit k: gauge block k has gauges of mode SUM, MIN or MAX */
	uint64_t reserved4[12];
	smx_layout_toc toc[SMX_TOC_MAX];
	uint64_t dropped[32]; /* by smx_drop, atomic */
	uint8_t reserved5[2816];
} smx_layout_header;
SMX_LAYOUT_AT(smx_layout_header, magic, 0);
SMX_LAYOUT_AT(smx_layout_header, version_major, 8);
SMX_LAYOUT_AT(smx_layout_header, version_minor, 12);
SMX_LAYOUT_AT(smx_layout_header, byte_order, 16);
SMX_LAYOUT_AT(smx_layout_header, header_size, 24);
SMX_LAYOUT_AT(smx_layout_header, toc_count, 28);
SMX_LAYOUT_AT(smx_layout_header, generation_id, 32);
SMX_LAYOUT_AT(smx_layout_header, created_unix_ns, 48);
SMX_LAYOUT_AT(smx_layout_header, created_monotonic_ns, 56);
SMX_LAYOUT_AT(smx_layout_header, boot_id, 64);
SMX_LAYOUT_AT(smx_layout_header, size_max, 80);
SMX_LAYOUT_AT(smx_layout_header, hash_seed, 88);
SMX_LAYOUT_AT(smx_layout_header, stripe_count, 96);
SMX_LAYOUT_AT(smx_layout_header, tile_size, 100);
SMX_LAYOUT_AT(smx_layout_header, series_max, 104);
SMX_LAYOUT_AT(smx_layout_header, family_series_max, 112);
SMX_LAYOUT_AT(smx_layout_header, slot_max, 120);
SMX_LAYOUT_AT(smx_layout_header, flags, 124);
SMX_LAYOUT_AT(smx_layout_header, lane_count, 128);
SMX_LAYOUT_AT(smx_layout_header, lane_offset, 136);
SMX_LAYOUT_AT(smx_layout_header, lane_stride, 144);
SMX_LAYOUT_AT(smx_layout_header, size, 192);
SMX_LAYOUT_AT(smx_layout_header, arena_next, 256);
SMX_LAYOUT_AT(smx_layout_header, cell_next, 264);
SMX_LAYOUT_AT(smx_layout_header, series_count, 320);
SMX_LAYOUT_AT(smx_layout_header, family_count, 328);
SMX_LAYOUT_AT(smx_layout_header, gauge_next, 336);
SMX_LAYOUT_AT(smx_layout_header, slots_used, 344);
SMX_LAYOUT_AT(smx_layout_header, claim_count, 352);
SMX_LAYOUT_AT(smx_layout_header, removal_epoch, 384);
SMX_LAYOUT_AT(smx_layout_header, successor, 392);
SMX_LAYOUT_AT(smx_layout_header, removal_begun, 400);
SMX_LAYOUT_AT(smx_layout_header, fold_blocks, 408);
SMX_LAYOUT_AT(smx_layout_header, toc, 512);
SMX_LAYOUT_AT(smx_layout_header, dropped, 1024);
SMX_LAYOUT_ASSERT(sizeof(smx_layout_header) == SMX_LAYOUT_HEADER_SIZE, "the header is one page");

/* ---- slots ---- */

typedef struct smx_layout_slot {
	uint64_t generation;	   /* atomic; 0: never claimed; the last word stored by a claim */
	uint64_t claimed_ns;	   /* CLOCK_MONOTONIC of the claim */
	uint32_t pid;		   /* in the owner's PID namespace */
	uint32_t flags;		   /* SMX_SLOT_*, atomic */
	uint64_t directory_offset; /* atomic; a smx_layout_directory, kept for the next owner */
	uint64_t reserved[4];
} smx_layout_slot;
SMX_LAYOUT_AT(smx_layout_slot, generation, 0);
SMX_LAYOUT_AT(smx_layout_slot, claimed_ns, 8);
SMX_LAYOUT_AT(smx_layout_slot, pid, 16);
SMX_LAYOUT_AT(smx_layout_slot, flags, 20);
SMX_LAYOUT_AT(smx_layout_slot, directory_offset, 24);
SMX_LAYOUT_ASSERT(sizeof(smx_layout_slot) == 64, "a slot is one cache line");

#define SMX_SLOT_KEEP 1u /* the owner has gauges of mode ALL: they outlive it */
#define SMX_KEPT_MAX 64u /* dead owners that are shown; more are taken over and counted */

#define SMX_LAYOUT_GAUGE_BLOCKS 16u
#define SMX_LAYOUT_GAUGE_BLOCK_FIRST 64u /* cells of block 0 */
#define SMX_LAYOUT_GAUGE_MAX (SMX_LAYOUT_GAUGE_BLOCK_FIRST * ((1u << SMX_LAYOUT_GAUGE_BLOCKS) - 1u))

typedef struct smx_layout_directory {
	uint64_t live[SMX_LAYOUT_GAUGE_BLOCKS];	   /* atomic; offsets of blocks of 64 << k cells */
	uint64_t retired[SMX_LAYOUT_GAUGE_BLOCKS]; /* atomic; the same, of the dead together */
} smx_layout_directory;
SMX_LAYOUT_ASSERT(sizeof(smx_layout_directory) == 256, "a directory has 32 words");

#define SMX_LOCK_SLOTS (UINT64_C(1) << 60)
#define SMX_LOCK_SLOT_SHIFT 40
#define SMX_LOCK_GENERATION_MAX ((UINT64_C(1) << SMX_LOCK_SLOT_SHIFT) - 1)
#define SMX_LOCK_SLOTS_LENGTH (UINT64_C(1) << 56)
#define SMX_LOCK_LIFE (UINT64_C(1) << 61)
#define SMX_LOCK_CLAIMS (UINT64_C(3) << 60) /* + slot */

/* ---- the index ---- */

#define SMX_LAYOUT_FAMILY_ROOT_BITS 4u
#define SMX_LAYOUT_SERIES_ROOT_BITS 8u
#define SMX_LAYOUT_NODE_BITS 4u
#define SMX_LAYOUT_NODE_TAG UINT64_C(1)

typedef struct smx_layout_node {
	uint64_t words[1u << SMX_LAYOUT_NODE_BITS]; /* atomic */
} smx_layout_node;
SMX_LAYOUT_ASSERT(sizeof(smx_layout_node) == 128, "a node has 16 words");

/* ---- cells ---- */

typedef struct smx_layout_cell {
	uint64_t count; /* atomic, together with sum */
	double sum;
} smx_layout_cell;
SMX_LAYOUT_ASSERT(sizeof(smx_layout_cell) == 16,
		  "a cell is changed by one 16-byte compare-and-swap");

#define SMX_LAYOUT_TILE_SIZE 512u
#define SMX_LAYOUT_TILE_CELLS 32u

typedef struct smx_layout_gauge_cell {
	double value; /* atomic, together with tag */
	uint64_t tag; /* who wrote it, or when; 0: absent */
} smx_layout_gauge_cell;
SMX_LAYOUT_ASSERT(sizeof(smx_layout_gauge_cell) == 16,
		  "a gauge cell is changed by one 16-byte swap");

/* The tag of a gauge cell that is no time. */
#define SMX_TAG_GENERATION_MASK ((UINT64_C(1) << 40) - 1)
#define SMX_TAG_FOLD_SHIFT 40
#define SMX_TAG_FOLD_MASK (UINT64_C(3) << SMX_TAG_FOLD_SHIFT)
#define SMX_TAG_INCARNATION_SHIFT 42
#define SMX_FOLD_SUM UINT64_C(1)
#define SMX_FOLD_MIN UINT64_C(2)
#define SMX_FOLD_MAX UINT64_C(3)

/* ---- records ---- */

enum {
	SMX_RECORD_FAMILY = 0x46585831, /* "1XXF" in little-endian order, and so on */
	SMX_RECORD_SERIES = 0x53585831,
	SMX_RECORD_TEXT = 0x54585831,
	SMX_RECORD_HEALTH = 0x48585831
};

typedef struct smx_layout_record {
	uint32_t type;
	uint32_t size;	      /* bytes of the record, a multiple of 64 */
	uint64_t hash;	      /* of the key: what the index is ordered by */
	uint64_t self_offset; /* where it lies: leads from a handle to the segment */
} smx_layout_record;
SMX_LAYOUT_ASSERT(sizeof(smx_layout_record) == 24, "a record begins with 24 bytes");

/*
 * A text (the help of families, the labels of infos): size, then the bytes; its key is the bytes,
 * its hash seeded with hash_seed + 1.
 */
typedef struct smx_layout_text {
	smx_layout_record record;
	uint32_t text_size;
	uint32_t reserved;
	/* bytes follow */
} smx_layout_text;
SMX_LAYOUT_AT(smx_layout_text, text_size, 24);
SMX_LAYOUT_ASSERT(sizeof(smx_layout_text) == 32, "the bytes of a text begin at 32");

/*
 * A family. Its key, at 128, is hashed with hash_seed and says what the family is:
 *   u16 kind, u16 mode (0 but for gauges and state sets), u16 label_count, u16 bound_count,
 *   bound_count x f64 bounds (strictly increasing, finite); of a state set in their place
 *   bound_count names of states, each as u16 size and bytes, valid UTF-8, not empty, none twice;
 *   of a native histogram, whose bound_count may be 0, a smx_layout_native behind the bounds;
 *   then name (of a counter without _total), unit (size 0: none) and label_count label names, each
 *   as u16 size and bytes. Names are UTF-8, not empty, none with a NUL; before minor version 1 they
 *   were of the letters, digits, underscores and colons of Prometheus before 3.
 * A family has help_offset 0 only until its definer has come to it; a text of size 0 is no help.
 * For histograms whose first bound is above 0 a search table may follow, at table_offset from the
 * beginning of the record: table_count u16. The top 14 bits of a double v >= 0 (sign, exponent, two
 * bits of mantissa) less table_low, held between 0 and table_count - 1, index it; the entry is the
 * first bucket that v may be in. table_count 0: no table, search the bounds.
 */
typedef struct smx_layout_family {
	smx_layout_record record;
	uint16_t kind; /* smx_kind */
	uint16_t mode; /* smx_gauge_mode; of state sets LIVE_MOST_RECENT; 0 for others */
	uint16_t label_count;
	uint16_t bound_count; /* of a state set: states */
	uint32_t key_size;
	uint32_t presence_gauge;  /* the gauge number whose cells say who has defined the family */
	uint64_t help_offset;	  /* atomic; of a smx_layout_text, 0: no help */
	uint64_t overflow_offset; /* atomic; of the overflow series; 0: no labels */
	uint64_t series_count;	  /* atomic; without the overflow series */
	uint64_t series_max;
	uint32_t table_offset;
	uint32_t table_count;
	uint32_t table_low;
	uint32_t stripe_count; /* as in the header */
	uint64_t created_unix_ns;
	/* of native histograms, as in the key: */
	int32_t native_schema;
	int32_t native_first;
	uint32_t native_side;
	uint32_t
		native_zero; /* index of the zero bucket: native_side, or 0 without negative ones */
	uint64_t reserved;
	/* key at 128, table */
} smx_layout_family;
SMX_LAYOUT_AT(smx_layout_family, kind, 24);
SMX_LAYOUT_AT(smx_layout_family, mode, 26);
SMX_LAYOUT_AT(smx_layout_family, label_count, 28);
SMX_LAYOUT_AT(smx_layout_family, bound_count, 30);
SMX_LAYOUT_AT(smx_layout_family, key_size, 32);
SMX_LAYOUT_AT(smx_layout_family, presence_gauge, 36);
SMX_LAYOUT_AT(smx_layout_family, help_offset, 40);
SMX_LAYOUT_AT(smx_layout_family, overflow_offset, 48);
SMX_LAYOUT_AT(smx_layout_family, series_count, 56);
SMX_LAYOUT_AT(smx_layout_family, series_max, 64);
SMX_LAYOUT_AT(smx_layout_family, table_offset, 72);
SMX_LAYOUT_AT(smx_layout_family, table_count, 76);
SMX_LAYOUT_AT(smx_layout_family, table_low, 80);
SMX_LAYOUT_AT(smx_layout_family, stripe_count, 84);
SMX_LAYOUT_AT(smx_layout_family, created_unix_ns, 88);
SMX_LAYOUT_AT(smx_layout_family, native_schema, 96);
SMX_LAYOUT_AT(smx_layout_family, native_first, 100);
SMX_LAYOUT_AT(smx_layout_family, native_side, 104);
SMX_LAYOUT_AT(smx_layout_family, native_zero, 108);
SMX_LAYOUT_ASSERT(sizeof(smx_layout_family) == 120, "the key of a family begins at 128");
#define SMX_LAYOUT_FAMILY_KEY 128u
#define SMX_LAYOUT_FAMILY_BOUNDS 136u /* within the record: behind the four u16 of the key */

/*
 * How the native buckets lie. The lower bound of the first is 2^-1022 or more, the upper bound of
 * the last 2^1024 or less.
 */
typedef struct smx_layout_native {
	int32_t schema;
	int32_t first;	/* index of the bucket of the least magnitudes beside zero's */
	uint32_t side;	/* buckets of a sign, 2 or more: the last for what is above the range */
	uint32_t flags; /* SMX_NATIVE_* */
} smx_layout_native;
SMX_LAYOUT_AT(smx_layout_native, schema, 0);
SMX_LAYOUT_AT(smx_layout_native, first, 4);
SMX_LAYOUT_AT(smx_layout_native, side, 8);
SMX_LAYOUT_AT(smx_layout_native, flags, 12);
SMX_LAYOUT_ASSERT(sizeof(smx_layout_native) == 16, "16 bytes of a native histogram's key");
#define SMX_NATIVE_NEGATIVE 1u /* negative values have buckets of their own */

#define SMX_SERIES_OVERFLOW 1u

/* The word cells_or_gauge of a series; of `spares` the mask alone. */
#define SMX_WORD_REMOVED (UINT64_C(1) << 63)
#define SMX_LAYOUT_PLACE_BITS 36u /* where its numbers are; above them the incarnation */
#define SMX_LAYOUT_PLACE_MASK ((UINT64_C(1) << SMX_LAYOUT_PLACE_BITS) - 1)
#define SMX_LAYOUT_LIFE_MASK ((UINT64_C(1) << 27) - 1) /* of an incarnation */
SMX_LAYOUT_ASSERT(SMX_LAYOUT_SIZE_MAX - 1 == SMX_LAYOUT_PLACE_MASK, "a place is any offset");

/*
 * A series; the overflow series of a family is one of them, found under its key as the others are.
 * Its key, at 96, is label_count times u16 size and bytes, valid UTF-8; the hash is over
 * the family's offset (u64) and the key, seeded with hash_seed.
 */
typedef struct smx_layout_series {
	smx_layout_record record;
	uint64_t family_offset;
	uint64_t cells_or_gauge; /* atomic; SMX_WORD_*: removed, incarnation, cells or gauge */
	uint32_t stripe_mask;	 /* stripe_count - 1 */
	uint32_t flags;		 /* SMX_SERIES_* */
	uint16_t kind;
	uint16_t mode;
	uint32_t key_size;
	uint64_t created_unix_ns; /* atomic; of the present incarnation */
	uint64_t since_ns;	  /* atomic; CLOCK_MONOTONIC: older stamps are of no incarnation */
	uint64_t exemplar_offset; /* atomic; of an array of smx_layout_exemplar; 0: none yet */
	uint64_t spares;	  /* atomic; count of changes, offset of a smx_layout_spare */
				  /* key at 96 */
} smx_layout_series;
SMX_LAYOUT_AT(smx_layout_series, family_offset, 24);
SMX_LAYOUT_AT(smx_layout_series, cells_or_gauge, 32);
SMX_LAYOUT_AT(smx_layout_series, stripe_mask, 40);
SMX_LAYOUT_AT(smx_layout_series, flags, 44);
SMX_LAYOUT_AT(smx_layout_series, kind, 48);
SMX_LAYOUT_AT(smx_layout_series, mode, 50);
SMX_LAYOUT_AT(smx_layout_series, key_size, 52);
SMX_LAYOUT_AT(smx_layout_series, created_unix_ns, 56);
SMX_LAYOUT_AT(smx_layout_series, since_ns, 64);
SMX_LAYOUT_AT(smx_layout_series, exemplar_offset, 72);
SMX_LAYOUT_AT(smx_layout_series, spares, 80);
SMX_LAYOUT_ASSERT(sizeof(smx_layout_series) == 88, "the key of a series begins at 96");
#define SMX_LAYOUT_SERIES_KEY 96u

/* A set of cells that a series had before, and will have again. */
typedef struct smx_layout_spare {
	uint64_t next;	/* offset of another, 0: none */
	uint64_t cells; /* offset of the first cell */
} smx_layout_spare;
SMX_LAYOUT_ASSERT(sizeof(smx_layout_spare) == 16, "a spare has two words");
/*
 * An exemplar. It belongs to its series only while that is of the same
 * incarnation. Labels: for each u16
 * size and bytes of the name, u16 size and bytes of the value.
 */
typedef struct smx_layout_exemplar {
	uint64_t checksum; /* XXH3_64bits of the 248 bytes behind it */
	uint64_t life;	   /* bits 62 to 36 of the series' word */
	uint64_t unix_ns;
	double value;
	uint32_t label_size; /* bytes of all labels */
	uint32_t reserved;
	uint8_t labels[216];
} smx_layout_exemplar;
SMX_LAYOUT_AT(smx_layout_exemplar, checksum, 0);
SMX_LAYOUT_AT(smx_layout_exemplar, life, 8);
SMX_LAYOUT_AT(smx_layout_exemplar, unix_ns, 16);
SMX_LAYOUT_AT(smx_layout_exemplar, value, 24);
SMX_LAYOUT_AT(smx_layout_exemplar, label_size, 32);
SMX_LAYOUT_AT(smx_layout_exemplar, labels, 40);
SMX_LAYOUT_ASSERT(sizeof(smx_layout_exemplar) == 256, "an exemplar has 32 words");

/* ---- health checks ---- */

#define SMX_HEALTH_UP 1u

typedef struct smx_layout_outcome {
	uint64_t checksum;    /* XXH3_64bits of the 504 bytes behind it */
	uint64_t reported_ns; /* CLOCK_MONOTONIC */
	double duration_seconds;
	uint32_t flags; /* SMX_HEALTH_* */
	uint16_t detail_size;
	uint16_t reserved;
	uint8_t detail[SMX_LAYOUT_HEALTH_DETAIL_MAX]; /* UTF-8, then zeros */
} smx_layout_outcome;
SMX_LAYOUT_AT(smx_layout_outcome, checksum, 0);
SMX_LAYOUT_AT(smx_layout_outcome, reported_ns, 8);
SMX_LAYOUT_AT(smx_layout_outcome, duration_seconds, 16);
SMX_LAYOUT_AT(smx_layout_outcome, flags, 24);
SMX_LAYOUT_AT(smx_layout_outcome, detail_size, 28);
SMX_LAYOUT_AT(smx_layout_outcome, detail, 32);
SMX_LAYOUT_ASSERT(sizeof(smx_layout_outcome) == 512, "an outcome has 64 words");

/*
 * A health check. Its key, the name's bytes, at 1,088, is hashed with hash_seed + 2. A present cell
 * of its gauge says that the slot's process has defined it, as with families.
 */
typedef struct smx_layout_health {
	smx_layout_record record;
	uint64_t reserved0;
	uint32_t name_size;
	uint32_t presence_gauge; /* at the same place as a family's */
	double ttl_seconds;	 /* atomic; as given last */
	uint64_t reserved1[2];
	smx_layout_outcome outcomes[2];
	/* name at 1,088 */
} smx_layout_health;
SMX_LAYOUT_AT(smx_layout_health, name_size, 32);
SMX_LAYOUT_AT(smx_layout_health, presence_gauge, 36);
SMX_LAYOUT_AT(smx_layout_health, ttl_seconds, 40);
SMX_LAYOUT_AT(smx_layout_health, outcomes, 64);
SMX_LAYOUT_ASSERT(sizeof(smx_layout_health) == 1088, "the name of a health check begins at 1088");

#endif
