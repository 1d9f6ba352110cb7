/* SPDX-License-Identifier: MIT */
/*
 * emit.c - metrics that live in no segment, such as the collector's own
 */
#include "text/buffer.h"
#include "text/number.h"
#include "text/protobuf.h"
#include "text/words.h"

/* Whoever asks for an unknown format gets the one that is always understood. */
static const struct smx_text_format *any_format(smx_exposition_type type)
{
	const struct smx_text_format *found = smx_text_format_of(type);

	return found ? found : &smx_text_format_text004;
}

size_t smx_emit_family(smx_buffer *buffer, smx_exposition_type type, const char *name,
		       const char *help, smx_kind kind)
{
	const smx_text name_text = smx_words_text_of(name), help_text = smx_words_text_of(help);
	const struct smx_text_format *format = any_format(type);
	size_t start = buffer->size;

	if (!smx_words_is_metric_name(name_text))
		return start;
	if (format->is_protobuf)
		smx_protobuf_begin_family(buffer, kind, name_text, help_text);
	else
		smx_words_header(buffer, format, kind, name_text, smx_words_text_of(NULL),
				 help_text);
	return start;
}

void smx_emit_family_end(smx_buffer *buffer, smx_exposition_type type, size_t start)
{
	/* Nothing was begun where the name was none. */
	if (any_format(type)->is_protobuf && buffer->size > start)
		smx_protobuf_end_family(buffer, start);
}

/* A label at a time, so that no allocation besides the buffer's can fail. */
static void append_labels(smx_buffer *buffer, const char *const *names, const char *const *values,
			  size_t count)
{
	const char *before = "{";

	for (size_t i = 0; i < count; i++) {
		smx_text name = smx_words_text_of(names[i]), value = smx_words_text_of(values[i]);

		if (value.size == 0 || !smx_words_is_label_name(name))
			continue;
		smx_words_label(buffer, before, name, value);
		before = ",";
	}
	smx_buffer_append_string(buffer, *before == '{' ? " " : "} ");
}

void smx_emit_sample(smx_buffer *buffer, smx_exposition_type type, const char *name, smx_kind kind,
		     const char *const *label_names, const char *const *label_values,
		     size_t label_count, double value)
{
	if (!smx_words_is_metric_name(smx_words_text_of(name)))
		return;
	if (any_format(type)->is_protobuf) {
		smx_protobuf_append_sample(buffer, kind, label_names, label_values, label_count,
					   value);
		return;
	}
	/* The line is the same in all text formats. */
	smx_buffer_append_string(buffer, name);
	smx_buffer_append_string(buffer, smx_words_sample_suffix(kind));
	append_labels(buffer, label_names, label_values, label_count);
	smx_emit_double(buffer, value);
	smx_buffer_append_string(buffer, "\n");
}

void smx_emit_end(smx_buffer *buffer, smx_exposition_type type)
{
	smx_buffer_append_string(buffer, any_format(type)->end);
}

void smx_emit_double(smx_buffer *buffer, double value)
{
	char *out = smx_buffer_reserve(buffer, SMX_NUMBER_ROOM);

	if (out)
		smx_buffer_commit(buffer, smx_number_double(out, value));
}
