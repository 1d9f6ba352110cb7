/* SPDX-License-Identifier: MIT */
/*
 * text.c - from Python's strings to the library's texts
 */
#include "core.h"

#include <string.h>

#define REPLACEMENT_CHARACTER 0xfffd

static PyObject *without_surrogates(PyObject *string)
{
	Py_ssize_t length = PyUnicode_GetLength(string);
	Py_UCS4 *characters = PyUnicode_AsUCS4Copy(string);
	PyObject *result;

	if (!characters)
		return NULL;
	for (Py_ssize_t i = 0; i < length; i++) {
		if (Py_UNICODE_IS_SURROGATE(characters[i]))
			characters[i] = REPLACEMENT_CHARACTER;
	}
	result = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, characters, length);
	PyMem_Free(characters);
	return result;
}

int core_text(PyObject *string, smx_text *text, PyObject **owner)
{
	Py_ssize_t size;
	const char *data = PyUnicode_AsUTF8AndSize(string, &size);

	if (data) {
		Py_INCREF(string);
		*owner = string;
	} else {
		if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
			return -1;
		PyErr_Clear();
		*owner = without_surrogates(string);
		if (!*owner)
			return -1;
		data = PyUnicode_AsUTF8AndSize(*owner, &size);
		if (!data) {
			Py_CLEAR(*owner);
			return -1;
		}
	}
	text->data = data;
	text->size = (size_t)size;
	return 0;
}

const char *core_name(PyObject *string, const char *what)
{
	Py_ssize_t size;
	const char *data;

	if (!PyUnicode_Check(string)) {
		PyErr_Format(PyExc_TypeError, "%s must be str, not %.100s", what,
			     Py_TYPE(string)->tp_name);
		return NULL;
	}
	data = PyUnicode_AsUTF8AndSize(string, &size);
	if (!data && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
		PyErr_Clear();
		PyErr_Format(PyExc_ValueError, "%s must be UTF-8, without surrogates: %R", what,
			     string);
	}
	if (data && strlen(data) != (size_t)size) {
		PyErr_Format(PyExc_ValueError, "%s must not contain a NUL character: %R", what,
			     string);
		return NULL;
	}
	return data;
}

PyObject *core_str(PyObject *object)
{
	PyObject *string = PyObject_Str(object);
	PyObject *exact;

	/* __str__ may return an instance of a subclass, with a hash and an equality of its own. */
	if (!string || PyUnicode_CheckExact(string))
		return string;
	exact = PyUnicode_FromObject(string);
	Py_DECREF(string);
	return exact;
}
