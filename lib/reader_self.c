/* SPDX-License-Identifier: MIT */
/*
 * reader_self.c - reading a segment that this process writes to: through its own mapping
 *
 * The one place where reader and writer meet. Who lives is asked through a description of the file
 * that is not the one that carries the slot's lock, which would call it free.
 */
#include "platform.h"
#include "reader_internal.h"

#include <unistd.h>

smx_status smx_reader_open_segment(struct smx_segment *segment, smx_reader **reader,
				   smx_error *error)
{
	smx_lock lock = {.descriptor = -1};
	smx_status status;

	if (!segment || !reader)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"reader: segment and reader must not be NULL");
	*reader = NULL;
	if (!segment->private) {
		lock = smx_platform_lock_open(segment);
		if (lock.descriptor < 0)
			return smx_fail(error, SMX_ERR_SYSTEM, 0,
					"segment %s: cannot be opened again for reading",
					segment->path);
	}
	/* With the POSIX fall-back it is the kept descriptor, which must not be closed here. */
	status = smx_reader_over(smx_base(segment), segment->header, lock.descriptor, !lock.posix,
				 segment->path, reader, error);
	if (status == SMX_OK) {
		(*reader)->info.device = segment->device;
		(*reader)->info.inode = segment->inode;
		status = smx_reader_walk(*reader, error);
		if (status != SMX_OK) {
			smx_reader_close(*reader);
			*reader = NULL;
		}
	} else {
		smx_platform_lock_close(lock);
	}
	return status;
}
