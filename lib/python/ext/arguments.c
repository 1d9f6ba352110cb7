/* SPDX-License-Identifier: MIT */
/*
 * arguments.c - arguments of vectorcalls, off the fast path
 */
#include "core.h"

static int place_keyword(const char *function, const char *const *names, PyObject *keyword,
			 PyObject *value, Py_ssize_t nargs, PyObject **values)
{
	for (Py_ssize_t i = 0; names[i]; i++) {
		if (PyUnicode_CompareWithASCIIString(keyword, names[i]) != 0)
			continue;
		if (i < nargs) {
			PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%s'",
				     function, names[i]);
			return -1;
		}
		values[i] = value;
		return 0;
	}
	PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", function,
		     keyword);
	return -1;
}

int core_arguments(const char *function, const char *const *names, size_t required,
		   PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, PyObject **values)
{
	Py_ssize_t keyword_count = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
	Py_ssize_t maximum = 0;

	while (names[maximum])
		maximum++;
	if (nargs > maximum) {
		PyErr_Format(PyExc_TypeError, "%s() takes at most %zd arguments (%zd given)",
			     function, maximum, nargs);
		return -1;
	}
	for (Py_ssize_t i = 0; i < nargs; i++)
		values[i] = args[i];
	for (Py_ssize_t i = 0; i < keyword_count; i++) {
		if (place_keyword(function, names, PyTuple_GET_ITEM(kwnames, i), args[nargs + i],
				  nargs, values))
			return -1;
	}
	for (size_t i = 0; i < required; i++) {
		if (!values[i]) {
			PyErr_Format(PyExc_TypeError, "%s() missing required argument: '%s'",
				     function, names[i]);
			return -1;
		}
	}
	return 0;
}

int core_double(PyObject *object, double *value)
{
	if (PyFloat_CheckExact(object)) {
		*value = PyFloat_AS_DOUBLE(object);
		return 0;
	}
	*value = PyFloat_AsDouble(object);
	return *value == -1.0 && PyErr_Occurred() ? -1 : 0;
}
