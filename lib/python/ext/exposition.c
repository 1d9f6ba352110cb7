/* SPDX-License-Identifier: MIT */
/*
 * exposition.c - what Python needs of a rendered text, without reading all of it in Python
 *
 * The text is one that a segment was rendered to: lines that end in a newline, comments, and
 * samples without a time, so that a sample's value is what follows the last space of its line.
 */
#include "core.h"

#include <string.h>

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

static void copy_with_points(char *out, const char *text, const char *end)
{
	const char *copied = text;

	for (const char *line = text, *stop; line < end; line = stop + 1) {
		stop = line_end(line, end);
		if (!has_whole_value(line, stop))
			continue;
		memcpy(out, copied, (size_t)(stop - copied));
		out += stop - copied;
		memcpy(out, ".0", 2);
		out += 2;
		copied = stop;
	}
	memcpy(out, copied, (size_t)(end - copied));
}

PyObject *core_pointed(PyObject *Py_UNUSED(module), PyObject *text)
{
	const char *begin, *end;
	PyObject *result;
	Py_ssize_t count;

	if (!PyBytes_Check(text))
		return PyErr_Format(PyExc_TypeError, "the text must be bytes, not %.100s",
				    Py_TYPE(text)->tp_name);
	begin = PyBytes_AS_STRING(text);
	end = begin + PyBytes_GET_SIZE(text);
	Py_BEGIN_ALLOW_THREADS
	count = count_whole_values(begin, end);
	Py_END_ALLOW_THREADS
	result = PyBytes_FromStringAndSize(NULL, end - begin + 2 * count);
	if (!result)
		return NULL;
	/* Nobody else has it yet. */
	Py_BEGIN_ALLOW_THREADS
	copy_with_points(PyBytes_AS_STRING(result), begin, end);
	Py_END_ALLOW_THREADS
	return result;
}

static int append_name(PyObject *names, const char *name, const char *end)
{
	const char *space = memchr(name, ' ', (size_t)(end - name));
	PyObject *string;
	int status;

	string = PyUnicode_DecodeUTF8(name, (space ? space : end) - name, "replace");
	if (!string)
		return -1;
	status = PyList_Append(names, string);
	Py_DECREF(string);
	return status;
}

PyObject *core_family_names(PyObject *Py_UNUSED(module), PyObject *text)
{
	static const char type[] = "# TYPE ";
	const size_t size = sizeof(type) - 1;
	const char *line, *stop, *end;
	PyObject *names;

	if (!PyBytes_Check(text))
		return PyErr_Format(PyExc_TypeError, "the text must be bytes, not %.100s",
				    Py_TYPE(text)->tp_name);
	names = PyList_New(0);
	line = PyBytes_AS_STRING(text);
	end = line + PyBytes_GET_SIZE(text);
	for (; names && line < end; line = stop + 1) {
		stop = line_end(line, end);
		if ((size_t)(stop - line) > size && memcmp(line, type, size) == 0 &&
		    append_name(names, line + size, stop))
			Py_CLEAR(names);
	}
	return names;
}
