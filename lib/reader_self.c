/* SPDX-License-Identifier: MIT */
/*
 * reader_self.c - reading a segment that this process writes to: through its own mapping
 *
 * The one place where reader and writer meet. Who lives is asked through a description of the file
 * that is not the one that carries the slot's lock, which would call it free. It is opened for each
 * walk and closed behind it: a reader that a worker keeps costs it no descriptor, and what the
 * application does to descriptors (close_range, a number used again) cannot mislead the next walk.
 * Nor can a fork: all else is private memory, and the mapping is the segment's.
 */
#include "platform.h"
#include "reader_internal.h"

#include <unistd.h>

static bool begin_walk(smx_reader *reader)
{
	smx_lock lock = smx_platform_lock_open(reader->self);

	reader->descriptor = lock.descriptor;
	/* With the POSIX fall-back it is the kept descriptor, which must not be closed here. */
	reader->owns_descriptor = !lock.posix;
	return lock.descriptor >= 0;
}

static void end_walk(smx_reader *reader)
{
	if (reader->owns_descriptor)
		smx_platform_lock_close((smx_lock){.descriptor = reader->descriptor});
	reader->descriptor = -1;
}

smx_status smx_reader_open_segment(struct smx_segment *segment, smx_reader **reader,
				   smx_error *error)
{
	smx_status status;

	if (!segment || !reader)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"reader: segment and reader must not be NULL");
	*reader = NULL;
	status = smx_reader_over(smx_base(segment), segment->header, -1, false, segment->path,
				 reader, error);
	if (status != SMX_OK)
		return status;
	if (!segment->private) {
		(*reader)->self = segment;
		(*reader)->begin_walk = begin_walk;
		(*reader)->end_walk = end_walk;
	}
	(*reader)->info.device = segment->device;
	(*reader)->info.inode = segment->inode;
	status = smx_reader_walk(*reader, error);
	if (status != SMX_OK) {
		smx_reader_close(*reader);
		*reader = NULL;
	}
	return status;
}
