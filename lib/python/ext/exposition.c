/* SPDX-License-Identifier: MIT */
/*
 * exposition.c - what Python needs of a rendered text, without reading all of it in Python
 *
 * The text is one that a segment was rendered to: lines that end in a newline, comments, and
 * samples without a time, so that a sample's value is what follows the last space of its line.
 */
#include "core.h"

#include <string.h>

#include "shmetrics/exposition.h"

/* More labels than any sample of a segment has; those of an info are not sorted beyond it. */
#define PAIRS_MAX 128u

static const char *line_end(const char *line, const char *end)
{
	const char *newline = memchr(line, '\n', (size_t)(end - line));

	return newline ? newline : end;
}

/* Whether the line is a sample with a value of digits alone. */
static bool has_whole_value(const char *line, const char *end)
{
	const char *value = end;

	if (line == end || *line == '#')
		return false;
	while (value > line && value[-1] >= '0' && value[-1] <= '9')
		value--;
	if (value == end)
		return false;
	if (value > line && value[-1] == '-')
		value--;
	return value > line && value[-1] == ' ';
}

static Py_ssize_t count_whole_values(const char *text, const char *end)
{
	Py_ssize_t count = 0;

	for (const char *line = text, *stop; line < end; line = stop + 1) {
		stop = line_end(line, end);
		count += has_whole_value(line, stop);
	}
	return count;
}

/* One label of a sample, name="value" or "name"="value", or first a name in quotes alone. */
struct pair {
	const char *begin;
	const char *name_end;
	const char *end;
};

/* Behind the quotes that begin at `at`; NULL: they do not end. */
static const char *behind_quotes(const char *at, const char *stop)
{
	for (at++; at < stop && *at != '"'; at++)
		at += *at == '\\';
	return at < stop ? at + 1 : NULL;
}

static const char *take_pair(const char *at, const char *stop, struct pair *pair)
{
	pair->begin = at;
	if (at < stop && *at == '"')
		pair->name_end = behind_quotes(at, stop);
	else
		pair->name_end = memchr(at, '=', (size_t)(stop - at));
	if (!pair->name_end || pair->name_end >= stop)
		return NULL;
	pair->end = pair->name_end;
	if (*pair->name_end == '=')
		pair->end = pair->name_end + 1 < stop && pair->name_end[1] == '"'
				    ? behind_quotes(pair->name_end + 1, stop)
				    : NULL;
	return pair->end;
}

/*
 * Takes apart what stands behind the brace at `at`; *close: the other brace. 0: nothing, or too
 * much, or not as expected.
 */
static size_t take_pairs(const char *at, const char *stop, struct pair *pairs, const char **close)
{
	size_t count = 0;

	while (count < PAIRS_MAX) {
		at = take_pair(at, stop, &pairs[count++]);
		if (!at || at >= stop)
			return 0;
		*close = at;
		if (*at == '}')
			return count;
		if (*at++ != ',')
			return 0;
	}
	return 0;
}

/* The name without its quotes. */
static size_t name_of(const struct pair *pair, const char **name)
{
	size_t quotes = *pair->begin == '"';

	*name = pair->begin + quotes;
	return (size_t)(pair->name_end - pair->begin) - 2 * quotes;
}

/* The name of the metric is first. */
static bool comes_after(const struct pair *a, const struct pair *b)
{
	const char *name_a, *name_b;
	size_t size_a = name_of(a, &name_a), size_b = name_of(b, &name_b);
	int order = memcmp(name_a, name_b, size_a < size_b ? size_a : size_b);

	if (a->end == a->name_end || b->end == b->name_end)
		return b->end == b->name_end;
	return order > 0 || (order == 0 && size_a > size_b);
}

/* Whether anything moved. */
static bool sort_pairs(struct pair *pairs, size_t count)
{
	bool moved = false;

	for (size_t i = 1; i < count; i++) {
		struct pair pair = pairs[i];
		size_t place = i;

		for (; place > 0 && comes_after(&pairs[place - 1], &pair); place--)
			pairs[place] = pairs[place - 1];
		pairs[place] = pair;
		moved |= place != i;
	}
	return moved;
}

static char *append(char *out, const char *from, const char *to)
{
	memcpy(out, from, (size_t)(to - from));
	return out + (to - from);
}

/* The line without its newline, as long as it was. */
static char *copy_line(char *out, const char *line, const char *stop)
{
	const char *brace = memchr(line, '{', (size_t)(stop - line)), *close = NULL;
	struct pair pairs[PAIRS_MAX];
	size_t count = brace && *line != '#' ? take_pairs(brace + 1, stop, pairs, &close) : 0;

	if (!sort_pairs(pairs, count))
		return append(out, line, stop);
	out = append(out, line, brace + 1);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*out++ = ',';
		out = append(out, pairs[i].begin, pairs[i].end);
	}
	return append(out, close, stop);
}

static void copy(char *out, const char *text, const char *end)
{
	static const char point[] = ".0";

	for (const char *line = text, *stop; line < end; line = stop + 1) {
		stop = line_end(line, end);
		out = copy_line(out, line, stop);
		if (has_whole_value(line, stop))
			out = append(out, point, point + 2);
		if (stop < end)
			*out++ = '\n';
	}
}

PyObject *core_client_text(PyObject *Py_UNUSED(module), PyObject *text)
{
	const char *begin, *end;
	PyObject *result;
	Py_ssize_t count;

	if (!PyBytes_Check(text))
		return PyErr_Format(PyExc_TypeError, "the text must be bytes, not %.100s",
				    Py_TYPE(text)->tp_name);
	begin = PyBytes_AS_STRING(text);
	end = begin + PyBytes_GET_SIZE(text);
	Py_BEGIN_ALLOW_THREADS;
	count = count_whole_values(begin, end);
	Py_END_ALLOW_THREADS;
	result = PyBytes_FromStringAndSize(NULL, end - begin + 2 * count);
	if (!result)
		return NULL;
	/* Nobody else has it yet. */
	Py_BEGIN_ALLOW_THREADS;
	copy(PyBytes_AS_STRING(result), begin, end);
	Py_END_ALLOW_THREADS;
	return result;
}

/* What stands behind "# TYPE " in a line. */
static const char *name_of_type(const char *line, const char *stop)
{
	static const char type[] = "# TYPE ";
	const size_t size = sizeof(type) - 1;

	return (size_t)(stop - line) > size && memcmp(line, type, size) == 0 ? line + size : NULL;
}

/* Appends where each family's name begins, as offsets. */
static void find_names(smx_buffer *offsets, const char *text, const char *end)
{
	for (const char *line = text, *stop; line < end; line = stop + 1) {
		const char *name;
		size_t offset;

		stop = line_end(line, end);
		name = name_of_type(line, stop);
		if (!name)
			continue;
		offset = (size_t)(name - text);
		smx_buffer_append(offsets, &offset, sizeof(offset));
	}
}

/* Without its quotes; what is escaped in them stays so. */
static int append_name(PyObject *names, const char *name, const char *end)
{
	const char *line = line_end(name, end);
	const char *stop =
		*name == '"' ? behind_quotes(name, line) : memchr(name, ' ', (size_t)(line - name));
	size_t quotes = *name == '"' && stop;
	PyObject *string;
	int status;

	if (!stop)
		stop = line;
	string = PyUnicode_DecodeUTF8(name + quotes, stop - name - (Py_ssize_t)(2 * quotes),
				      "replace");
	if (!string)
		return -1;
	status = PyList_Append(names, string);
	Py_DECREF(string);
	return status;
}

static PyObject *names_at(const smx_buffer *offsets, const char *text, const char *end)
{
	PyObject *names = PyList_New(0);

	for (size_t at = 0; names && at < offsets->size; at += sizeof(size_t)) {
		size_t offset;

		memcpy(&offset, offsets->data + at, sizeof(offset));
		if (append_name(names, text + offset, end))
			Py_CLEAR(names);
	}
	return names;
}

PyObject *core_family_names(PyObject *Py_UNUSED(module), PyObject *text)
{
	smx_buffer offsets = {0};
	const char *begin, *end;
	PyObject *names;

	if (!PyBytes_Check(text))
		return PyErr_Format(PyExc_TypeError, "the text must be bytes, not %.100s",
				    Py_TYPE(text)->tp_name);
	begin = PyBytes_AS_STRING(text);
	end = begin + PyBytes_GET_SIZE(text);
	Py_BEGIN_ALLOW_THREADS;
	find_names(&offsets, begin, end);
	Py_END_ALLOW_THREADS;
	names = offsets.failed ? PyErr_NoMemory() : names_at(&offsets, begin, end);
	smx_buffer_free(&offsets);
	return names;
}
