/* SPDX-License-Identifier: MIT */
/*
 * exemplar.c - the exemplar argument of inc() and observe()
 */
#include "exemplar.h"

#define CHARACTERS_MAX 128

static int check_pair(PyObject *key, PyObject *value, Py_ssize_t *characters)
{
	if (!PyUnicode_Check(key) || !PyUnicode_Check(value)) {
		PyErr_SetString(PyExc_TypeError, "the labels of an exemplar must be str");
		return -1;
	}
	if (PyUnicode_GET_LENGTH(key) >= 2 && PyUnicode_READ_CHAR(key, 0) == '_' &&
	    PyUnicode_READ_CHAR(key, 1) == '_') {
		PyErr_Format(PyExc_ValueError, "Reserved label metric name: %U", key);
		return -1;
	}
	*characters += PyUnicode_GET_LENGTH(key) + PyUnicode_GET_LENGTH(value);
	return 0;
}

static int add_text(struct exemplar *exemplar, PyObject *string, smx_text *text)
{
	if (core_text(string, text, &exemplar->owners[exemplar->owner_count]))
		return -1;
	exemplar->owner_count++;
	return 0;
}

/* Calls no Python code between the items: nobody changes the dict meanwhile. */
static int take_labels(struct exemplar *exemplar, PyObject *dict)
{
	PyObject *key, *value;
	Py_ssize_t position = 0, characters = 0;

	while (PyDict_Next(dict, &position, &key, &value)) {
		if (check_pair(key, value, &characters))
			return -1;
		/* More could not fit; the library counts what is refused. */
		if (exemplar->count == EXEMPLAR_LABELS_MAX)
			continue;
		if (add_text(exemplar, key, &exemplar->labels[exemplar->count].name) ||
		    add_text(exemplar, value, &exemplar->labels[exemplar->count].value))
			return -1;
		exemplar->count++;
	}
	if (characters > CHARACTERS_MAX) {
		PyErr_Format(PyExc_ValueError,
			     "Exemplar labels have %zd UTF-8 characters, exceeding the limit of %d",
			     characters, CHARACTERS_MAX);
		return -1;
	}
	return 0;
}

int exemplar_begin(struct exemplar *exemplar, PyObject *argument)
{
	int result;

	exemplar->count = 0;
	exemplar->owner_count = 0;
	if (!argument || argument == Py_None)
		return 0;
	if (!PyDict_Check(argument)) {
		PyErr_Format(PyExc_TypeError, "exemplar must be a dict, not %.100s",
			     Py_TYPE(argument)->tp_name);
		return -1;
	}
	CORE_BEGIN_CRITICAL_SECTION(argument);
	result = take_labels(exemplar, argument);
	CORE_END_CRITICAL_SECTION();
	if (result)
		exemplar_end(exemplar);
	return result;
}

void exemplar_end(struct exemplar *exemplar)
{
	while (exemplar->owner_count)
		Py_DECREF(exemplar->owners[--exemplar->owner_count]);
}
