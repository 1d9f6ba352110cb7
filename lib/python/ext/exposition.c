/* SPDX-License-Identifier: MIT */
/*
 * exposition.c - a rendered text as prometheus_client writes it, without reading it in Python
 *
 * The text is one that a segment was rendered to: lines that end in a newline, comments, and
 * samples without a time. Of a sample the numbers stand behind the labels: its value, and behind
 * those of an exemplar the exemplar's value and time.
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

/* Behind the braces that begin at `at`, or the end. */
static const char *behind_braces(const char *at, const char *stop)
{
	while (at && at < stop && *at != '}')
		at = *at == '"' ? behind_quotes(at, stop) : at + 1;
	return at && at < stop ? at + 1 : stop;
}

/* The name and the labels of a sample, as long as they were. *numbers: what stands behind them. */
static char *copy_head(char *out, const char *line, const char *stop, const char **numbers)
{
	const char *brace = memchr(line, '{', (size_t)(stop - line)), *close = NULL;
	const char *blank = memchr(line, ' ', (size_t)((brace ? brace : stop) - line));
	struct pair pairs[PAIRS_MAX];
	size_t count = 0;

	if (blank || !brace) { /* without labels; the brace is an exemplar's */
		*numbers = blank ? blank : stop;
		return append(out, line, *numbers);
	}
	count = take_pairs(brace + 1, stop, pairs, &close);
	*numbers = count ? close + 1 : behind_braces(brace, stop);
	if (!sort_pairs(pairs, count))
		return append(out, line, *numbers);
	out = append(out, line, brace + 1);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*out++ = ',';
		out = append(out, pairs[i].begin, pairs[i].end);
	}
	return append(out, close, *numbers);
}

/* Whether there are digits alone, but for a sign. */
static bool is_whole(const char *word, const char *end)
{
	word += word < end && *word == '-';
	for (const char *at = word; at < end; at++) {
		if (*at < '0' || *at > '9')
			return false;
	}
	return word < end;
}

/* Behind the blank at `at`: a number, the mark of an exemplar, or its labels. */
static const char *word_end(const char *at, const char *stop)
{
	const char *end = at + 1;

	if (end < stop && *end == '{')
		return behind_braces(end, stop);
	while (end < stop && *end != ' ')
		end++;
	return end;
}

/* A value, and an exemplar's value and time. */
#define NUMBERS_MAX 3

/* What stands behind the labels, with a point in each whole number. */
static char *copy_numbers(char *out, const char *at, const char *stop)
{
	static const char point[] = ".0";
	int count = 0;

	for (const char *end; at < stop; at = end) {
		end = word_end(at, stop);
		out = append(out, at, end);
		if (count < NUMBERS_MAX && is_whole(at + 1, end)) {
			out = append(out, point, point + 2);
			count++;
		}
	}
	return out;
}

/* How much longer it gets, at most. */
static Py_ssize_t growth(const char *text, const char *end)
{
	Py_ssize_t lines = 1;

	for (const char *at = text; at < end; at = line_end(at, end) + 1)
		lines++;
	return lines * NUMBERS_MAX * 2;
}

/* Returns the end. */
static char *copy(char *out, const char *text, const char *end)
{
	for (const char *line = text, *stop, *numbers; line < end; line = stop + 1) {
		stop = line_end(line, end);
		if (*line == '#') {
			out = append(out, line, stop);
		} else {
			out = copy_head(out, line, stop, &numbers);
			out = copy_numbers(out, numbers, stop);
		}
		if (stop < end)
			*out++ = '\n';
	}
	return out;
}

PyObject *core_client_text(PyObject *Py_UNUSED(module), PyObject *text)
{
	const char *begin, *end;
	Py_ssize_t size;
	PyObject *result;
	char *out;

	if (!PyBytes_Check(text))
		return PyErr_Format(PyExc_TypeError, "the text must be bytes, not %.100s",
				    Py_TYPE(text)->tp_name);
	begin = PyBytes_AS_STRING(text);
	size = PyBytes_GET_SIZE(text);
	end = begin + size;
	Py_BEGIN_ALLOW_THREADS;
	size += growth(begin, end);
	Py_END_ALLOW_THREADS;
	result = PyBytes_FromStringAndSize(NULL, size);
	if (!result)
		return NULL;
	out = PyBytes_AS_STRING(result);
	/* Nobody else has it yet. */
	Py_BEGIN_ALLOW_THREADS;
	size = copy(out, begin, end) - out;
	Py_END_ALLOW_THREADS;
	(void)_PyBytes_Resize(&result, size);
	return result;
}
