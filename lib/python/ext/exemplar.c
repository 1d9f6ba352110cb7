/* SPDX-License-Identifier: MIT */
/*
 * exemplar.c - the exemplar argument of inc() and observe()
 *
 * The segment does not keep exemplars yet (prometheus_client's multiprocess mode does not either).
 * A wrong one is refused all the same, so that what runs now still runs when they are kept.
 */
#include "core.h"

#define EXEMPLAR_RUNES_MAX 128

/* In the dict's critical section: its keys and values are borrowed, and other threads may have it.
 */
static int check_labels(PyObject *exemplar)
{
	PyObject *key, *value;
	Py_ssize_t position = 0, runes = 0;

	while (PyDict_Next(exemplar, &position, &key, &value)) {
		if (!PyUnicode_Check(key) || !PyUnicode_Check(value)) {
			PyErr_SetString(PyExc_TypeError, "the labels of an exemplar must be str");
			return -1;
		}
		if (PyUnicode_GET_LENGTH(key) >= 2 && PyUnicode_READ_CHAR(key, 0) == '_' &&
		    PyUnicode_READ_CHAR(key, 1) == '_') {
			PyErr_Format(PyExc_ValueError, "Reserved label metric name: %U", key);
			return -1;
		}
		runes += PyUnicode_GET_LENGTH(key) + PyUnicode_GET_LENGTH(value);
	}
	if (runes > EXEMPLAR_RUNES_MAX) {
		PyErr_Format(PyExc_ValueError,
			     "Exemplar labels have %zd UTF-8 characters, exceeding the limit of %d",
			     runes, EXEMPLAR_RUNES_MAX);
		return -1;
	}
	return 0;
}

int core_check_exemplar(PyObject *exemplar)
{
	int result;

	if (!exemplar || exemplar == Py_None)
		return 0;
	if (!PyDict_Check(exemplar)) {
		PyErr_Format(PyExc_TypeError, "exemplar must be a dict, not %.100s",
			     Py_TYPE(exemplar)->tp_name);
		return -1;
	}
	CORE_BEGIN_CRITICAL_SECTION(exemplar);
	result = check_labels(exemplar);
	CORE_END_CRITICAL_SECTION();
	return result;
}
