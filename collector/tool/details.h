/* SPDX-License-Identifier: MIT */
/*
 * details.h - what `ls` and `dump` both tell of a segment as JSON
 */
#ifndef SHMETRICS_TOOL_DETAILS_H
#define SHMETRICS_TOOL_DETAILS_H

#include "json.h"
#include "shmetrics/reader.h"

/* Members of the object that is open. */
void details_information(struct json *json, const smx_reader_info *info);
/* The processes that hold the segment, to be freed; NULL: out of memory. */
smx_writer_view *details_copy_writers(const smx_reader *reader, size_t *count);
/* The member "writers". */
void details_writers(struct json *json, const smx_writer_view *writers, size_t count);

#endif
