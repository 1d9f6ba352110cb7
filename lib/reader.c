/* SPDX-License-Identifier: MIT */
/*
 * reader.c - opening a segment that is not trusted, and walking it
 *
 *  R1. Nothing is mapped before the header has been read with pread(2) and checked.
 *  R2. Nothing beyond `limit` is read: the least of what the header says, what the file has and
 *      what is mapped. Within it every page is allocated: files with holes are refused, pages are
 *      populated when they first come within the limit (a fault there is an error, not a signal),
 *      and a page that vanishes later (truncation) is the guard's case.
 *  R3. A walk ends: it visits each word of the roots and each node once; a record is looked at once
 *      in the reader's life, or twice if its family was not there yet.
 *  R4. Memory is bounded by a multiple of the file's size: a state byte per 64 bytes, and copies of
 *      keys that together are never larger than the file. Nor is what is served: the cells of all
 *      series together are no more than the file has.
 *  R5. Nothing is written and no lock is taken. Probing a slot's lock asks the kernel who holds it.
 */
#include "reader_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef O_CLOEXEC
#define O_CLOEXEC 0
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

#define PAGE 4096u

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the header ---- */

/*
 * One line of the table of contents: inside the file, with the record size and count it must have.
 */
static bool toc_is_sound(const smx_layout_header *header, unsigned index, uint64_t record_size,
			 uint64_t count)
{
	const smx_layout_toc *entry = &header->toc[index];

	return entry->type == index + 1 && entry->record_size == record_size &&
	       entry->count == count && entry->offset >= SMX_LAYOUT_HEADER_SIZE &&
	       entry->offset % SMX_LAYOUT_ALIGNMENT == 0 && entry->offset <= header->size &&
	       record_size * count <= header->size - entry->offset;
}

/* What is wrong with a header of a file of file_size bytes; NULL: nothing. */
static const char *header_fault(const smx_layout_header *header, uint64_t file_size,
				uint64_t size_limit)
{
	uint32_t stripes = header->stripe_count;

	if (header->magic != SMX_LAYOUT_MAGIC)
		return "not a shmetrics segment";
	if (header->byte_order != SMX_LAYOUT_BYTE_ORDER)
		return "of a machine with another byte order";
	if (header->version_major != SMX_LAYOUT_VERSION_MAJOR)
		return "of another layout version than 1";
	if (header->header_size != SMX_LAYOUT_HEADER_SIZE ||
	    header->tile_size != SMX_LAYOUT_TILE_SIZE)
		return "damaged header: header_size or tile_size";
	if (header->size > file_size)
		return "truncated: the file is smaller than its header says";
	if (header->size_max > size_limit)
		return "its maximum size is beyond this reader's limit";
	if (header->size < SMX_LAYOUT_HEADER_SIZE || header->size > header->size_max)
		return "damaged header: size";
	if (stripes == 0 || stripes > SMX_LAYOUT_STRIPE_MAX || (stripes & (stripes - 1)) != 0)
		return "damaged header: stripe_count";
	if (header->slot_max == 0 || header->slot_max > SMX_LAYOUT_SLOT_MAX)
		return "damaged header: slot_max";
	if (!toc_is_sound(header, SMX_TOC_SLOTS, sizeof(smx_layout_slot), header->slot_max) ||
	    !toc_is_sound(header, SMX_TOC_FAMILY_ROOT, 8, 1u << SMX_LAYOUT_FAMILY_ROOT_BITS) ||
	    !toc_is_sound(header, SMX_TOC_SERIES_ROOT, 8, 1u << SMX_LAYOUT_SERIES_ROOT_BITS) ||
	    !toc_is_sound(header, SMX_TOC_ARENA, 1, 0))
		return "damaged header: table of contents";
	return NULL;
}

static void keep_header(smx_reader *reader, const smx_layout_header *header)
{
	smx_reader_info *info = &reader->info;

	memcpy(info->generation_id, header->generation_id, sizeof info->generation_id);
	memcpy(info->boot_id, header->boot_id, sizeof info->boot_id);
	info->created_unix_ns = header->created_unix_ns;
	info->size_max_bytes = header->size_max;
	info->series_max = header->series_max;
	info->stripe_count = header->stripe_count;
	info->slot_max = header->slot_max;
	reader->size_max = header->size_max;
	reader->slots = header->toc[SMX_TOC_SLOTS].offset;
	reader->family_root = header->toc[SMX_TOC_FAMILY_ROOT].offset;
	reader->series_root = header->toc[SMX_TOC_SERIES_ROOT].offset;
	reader->arena = header->toc[SMX_TOC_ARENA].offset;
	reader->private = header->flags & SMX_LAYOUT_FLAG_PRIVATE;
}

/* ---- opening ---- */

static bool is_trusted(const struct stat *status, const smx_reader_options *options)
{
	if (options->flags & SMX_READER_ANY_OWNER)
		return true;
	if (status->st_mode & S_IWOTH)
		return false;
	return status->st_uid == geteuid() || status->st_uid == 0 ||
	       (options->owner_id > 0 && status->st_uid == (uid_t)options->owner_id);
}

static smx_status open_file(const char *path, const smx_reader_options *options, int *descriptor,
			    smx_error *error)
{
	struct stat status;
	int os_errno;

	*descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*descriptor < 0) {
		os_errno = errno;
		if (os_errno == ENOENT || os_errno == ENOTDIR)
			return smx_fail(error, SMX_ERR_NOT_FOUND, os_errno, "segment %s", path);
		if (os_errno == ELOOP)
			return smx_fail(error, SMX_ERR_PERMISSION, 0,
					"segment %s: is a symbolic link", path);
		return smx_fail(error,
				os_errno == EACCES || os_errno == EPERM ? SMX_ERR_PERMISSION
									: SMX_ERR_SYSTEM,
				os_errno, "segment %s", path);
	}
	if (fstat(*descriptor, &status) != 0)
		return smx_fail(error, SMX_ERR_SYSTEM, errno, "segment %s", path);
	if (!S_ISREG(status.st_mode))
		return smx_fail(error, SMX_ERR_FORMAT, 0, "segment %s: not a regular file", path);
	if (!is_trusted(&status, options))
		return smx_fail(
			error, SMX_ERR_PERMISSION, 0,
			"segment %s: belongs to user %u with mode %04o, which is not trusted", path,
			(unsigned)status.st_uid, (unsigned)status.st_mode & 07777);
	return SMX_OK;
}

smx_status smx_reader_over(const char *base, const smx_layout_header *header, int descriptor,
			   bool owns_descriptor, const char *path, smx_reader **out,
			   smx_error *error)
{
	smx_reader *reader = calloc(1, sizeof *reader);

	*out = NULL;
	if (!reader || !(reader->path = strdup(path))) {
		free(reader);
		return smx_fail(error, SMX_ERR_NO_MEMORY, 0, "segment %s", path);
	}
	reader->base = base;
	reader->map_size = header->size_max;
	reader->descriptor = descriptor;
	reader->owns_descriptor = owns_descriptor;
	reader->guard = -1;
	reader->claims = UINT64_MAX; /* no segment has seen as many */
	if (getentropy(&reader->seed, sizeof reader->seed) != 0)
		reader->seed = now_ns();
	keep_header(reader, header);
	*out = reader;
	return SMX_OK;
}

/* The header as the file has it now, checked. */
static smx_status read_header(int descriptor, const char *path, uint64_t size_limit,
			      smx_layout_header *header, struct stat *status, smx_error *error)
{
	const char *fault = NULL;
	ssize_t got = pread(descriptor, header, sizeof *header, 0);

	/* After the header: the file may grow meanwhile, and its size is published last. */
	if (fstat(descriptor, status) != 0)
		return smx_fail(error, SMX_ERR_SYSTEM, errno, "segment %s", path);
	if (got != (ssize_t)sizeof *header)
		fault = "shorter than a header";
	else
		fault = header_fault(header, (uint64_t)status->st_size, size_limit);
	if (fault)
		return smx_fail(error, SMX_ERR_FORMAT, 0, "segment %s: %s", path, fault);
	return SMX_OK;
}

static smx_status map_file(const char *path, int descriptor, const smx_layout_header *header,
			   const struct stat *status, smx_reader **out, smx_error *error)
{
	void *base =
		mmap(NULL, header->size_max, PROT_READ, MAP_SHARED | MAP_NORESERVE, descriptor, 0);
	smx_status result;

	if (base == MAP_FAILED)
		return smx_fail(error, SMX_ERR_NO_MEMORY, errno, "segment %s: mmap of %llu bytes",
				path, (unsigned long long)header->size_max);
	result = smx_reader_over(base, header, descriptor, true, path, out, error);
	if (result != SMX_OK) {
		munmap(base, header->size_max);
		return result;
	}
	(*out)->private = false;
	(*out)->owns_mapping = true;
	(*out)->guard = smx_guard_add(base, header->size_max);
	(*out)->info.device = status->st_dev;
	(*out)->info.inode = status->st_ino;
	return SMX_OK;
}

smx_status smx_reader_open(const char *path, const smx_reader_options *options, smx_reader **reader,
			   smx_error *error)
{
	static const smx_reader_options defaults;
	smx_layout_header header;
	struct stat status;
	uint64_t size_limit;
	int descriptor;
	smx_status result;

	if (!reader || !path)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"reader: path and reader must not be NULL");
	*reader = NULL;
	if (!options)
		options = &defaults;
	size_limit = options->size_limit_bytes ? options->size_limit_bytes : SMX_LAYOUT_SIZE_MAX;
	if (size_limit > SMX_LAYOUT_SIZE_MAX)
		size_limit = SMX_LAYOUT_SIZE_MAX;
	result = open_file(path, options, &descriptor, error);
	if (result == SMX_OK)
		result = read_header(descriptor, path, size_limit, &header, &status, error);
	if (result == SMX_OK)
		result = map_file(path, descriptor, &header, &status, reader, error);
	if (result != SMX_OK) {
		if (descriptor >= 0)
			close(descriptor);
		return result;
	}
	if (!reader_added_keep(*reader, options))
		result = smx_fail(error, SMX_ERR_NO_MEMORY, 0, "no memory for a label");
	if (result == SMX_OK)
		result = smx_reader_walk(*reader, error);
	if (result != SMX_OK) {
		smx_reader_close(*reader);
		*reader = NULL;
	}
	return result;
}

void smx_reader_close(smx_reader *reader)
{
	if (!reader)
		return;
	smx_guard_remove(reader->guard);
	if (reader->owns_mapping)
		munmap((void *)(uintptr_t)reader->base, reader->map_size);
	if (reader->owns_descriptor && reader->descriptor >= 0)
		close(reader->descriptor);
	reader_index_free(reader);
	free(reader->labels);
	reader_added_free(reader);
	free(reader->cells);
	free(reader->writers);
	free(reader->dead);
	free(reader->live);
	free(reader->holders);
	free(reader->gauges);
	free(reader->seen);
	free(reader->path);
	free(reader);
}

/* ---- walking ---- */

/*
 * Touches the pages that came within the limit: an error instead of a signal. Never allocates:
 * there are no holes.
 */
static bool populate(const smx_reader *reader, uint64_t from, uint64_t to)
{
#ifdef MADV_POPULATE_READ
	from &= ~(uint64_t)(PAGE - 1);
	to = (to + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	if (to > reader->map_size)
		to = reader->map_size;
	if (madvise((void *)(uintptr_t)(reader->base + from), to - from, MADV_POPULATE_READ) != 0)
		return errno == EINVAL || errno == EAGAIN ||
		       errno == ENOSYS; /* a kernel before 5.14 */
#else
	(void)reader, (void)from, (void)to;
#endif
	return true;
}

/* Moves the limit to the segment's present size; NULL, or what is wrong. */
static const char *advance_limit(smx_reader *reader)
{
	const smx_layout_header *header = (const smx_layout_header *)(const void *)reader->base;
	uint64_t size;
	struct stat status;

	if (reader->descriptor < 0 || reader->private) {
		reader->limit = smx_read_acquire(&header->size);
		if (reader->limit > reader->map_size)
			reader->limit = reader->map_size;
		return NULL;
	}
	if (fstat(reader->descriptor, &status) != 0)
		return "its size cannot be read";
	if ((uint64_t)status.st_size < reader->limit ||
	    status.st_size < (off_t)SMX_LAYOUT_HEADER_SIZE)
		return "truncated";
	if (reader->limit == 0 && reader->owns_mapping &&
	    !populate(reader, 0, SMX_LAYOUT_HEADER_SIZE))
		return "a page of it cannot be read";
	size = smx_read_acquire(&header->size);
	if (fstat(reader->descriptor, &status) != 0) /* again: the file may have grown meanwhile */
		return "its size cannot be read";
	if (size > (uint64_t)status.st_size || size > reader->map_size || size < reader->limit ||
	    size < reader->arena)
		return "truncated, or its size is damaged";
	if (size == reader->limit)
		return NULL;
	if (reader->owns_mapping) {
		if ((uint64_t)status.st_blocks * 512 < (uint64_t)status.st_size)
			return "full of holes";
		if (!populate(reader, reader->limit, size))
			return "a page of it cannot be read";
	}
	reader->limit = size;
	return NULL;
}

static bool grow_seen(smx_reader *reader)
{
	size_t count = (size_t)(reader->limit / SMX_LAYOUT_ALIGNMENT) + 1;
	uint8_t *seen;

	if (count <= reader->seen_count)
		return true;
	seen = realloc(reader->seen, count);
	if (!seen)
		return false;
	memset(seen + reader->seen_count, SEEN_NOT, count - reader->seen_count);
	reader->seen = seen;
	reader->seen_count = count;
	return true;
}

static void read_numbers(smx_reader *reader)
{
	const smx_layout_header *header = (const smx_layout_header *)(const void *)reader->base;
	smx_reader_info *info = &reader->info;

	info->size_bytes = reader->limit;
	info->used_bytes = smx_read_relaxed(&header->arena_next);
	if (info->used_bytes > reader->limit)
		info->used_bytes = reader->limit;
	for (unsigned i = 0; i < SMX_DROP_COUNT; i++)
		info->dropped[i] = smx_read_relaxed(&header->dropped[i]);
	info->removal_epoch = smx_read_relaxed(&header->removal_epoch);
	info->family_count = reader->family_count;
}

static smx_status walk(smx_reader *reader, smx_error *error)
{
	uint64_t began = now_ns();
	const char *fault = advance_limit(reader);

	if (!fault && smx_guard_hit(reader->guard))
		fault = "a page of it has vanished";
	if (fault)
		return smx_fail(error, SMX_ERR_FORMAT, 0, "segment %s: %s", reader->path, fault);
	reader->walk++;
	reader->info.damaged_count = 0;
	if (!grow_seen(reader) || !reader_index_walk(reader) || !reader_slots_walk(reader))
		return smx_fail(error, SMX_ERR_NO_MEMORY, 0, "segment %s: walking it",
				reader->path);
	reader_words_walk(reader);
	read_numbers(reader);
	if (smx_guard_hit(reader->guard))
		return smx_fail(error, SMX_ERR_FORMAT, 0, "segment %s: a page of it has vanished",
				reader->path);
	reader->info.walk_ns = now_ns() - began;
	return SMX_OK;
}

smx_status smx_reader_walk(smx_reader *reader, smx_error *error)
{
	smx_status status;

	if (!reader->begin_walk)
		return walk(reader, error);
	if (!reader->begin_walk(reader))
		return smx_fail(error, SMX_ERR_SYSTEM, 0,
				"segment %s: cannot be opened again for reading", reader->path);
	status = walk(reader, error);
	reader->end_walk(reader);
	return status;
}

/* ---- what the walk found ---- */

const smx_reader_info *smx_reader_information(const smx_reader *reader)
{
	return &reader->info;
}

const char *smx_reader_path(const smx_reader *reader)
{
	return reader->path;
}

bool smx_reader_is_current(const smx_reader *reader)
{
	struct stat named;

	if (reader->private)
		return true;
	return lstat(reader->path, &named) == 0 && named.st_dev == reader->info.device &&
	       named.st_ino == reader->info.inode;
}

size_t smx_reader_family_count(const smx_reader *reader)
{
	return reader->family_count;
}

const smx_family_view *smx_reader_family(const smx_reader *reader, size_t index)
{
	return index < reader->family_count ? &reader->families[index]->view : NULL;
}

const smx_series_view *smx_reader_series(const smx_reader *reader, const smx_family_view *family,
					 size_t index)
{
	const struct reader_family *of = (const struct reader_family *)(const void *)family;

	(void)reader;
	return index < family->series_count ? &of->series[index]->view : NULL;
}
