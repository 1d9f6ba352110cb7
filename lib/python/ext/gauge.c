/* SPDX-License-Identifier: MIT */
/*
 * gauge.c - the type Gauge
 */
#include "metric.h"

#include <string.h>

/* Whether inc() and dec() are allowed; sets the exception prometheus_client would. */
static bool may_add(const struct metric *metric, const char *method)
{
	if (metric->set_only) {
		PyErr_Format(PyExc_RuntimeError, "%s must not be used with the mostrecent mode",
			     method);
		return false;
	}
	if (!metric->observable)
		metric_raise_unobservable(metric);
	return metric->observable;
}

CORE_SLOW static PyObject *add(struct metric *metric, const char *method, double sign,
			       PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
	static const char *const names[] = {"amount", NULL};
	PyObject *values[1] = {NULL};
	double amount = 1;

	if (core_arguments(method, names, 0, args, nargs, kwnames, values) ||
	    !may_add(metric, method))
		return NULL;
	if (values[0] && core_double(values[0], &amount))
		return NULL;
	smx_gauge_add(metric->series.gauge, sign * amount);
	Py_RETURN_NONE;
}

PyDoc_STRVAR(gauge_inc_doc, "inc($self, /, amount=1)\n--\n\nIncrement by the given amount.");

static PyObject *gauge_inc(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
			   PyObject *kwnames)
{
	struct metric *metric = (struct metric *)self;

	if (core_likely(nargs == 0 && !kwnames && metric->series.gauge.impl && !metric->set_only)) {
		smx_gauge_inc(metric->series.gauge);
		Py_RETURN_NONE;
	}
	return add(metric, "inc", 1, args, nargs, kwnames);
}

PyDoc_STRVAR(gauge_dec_doc, "dec($self, /, amount=1)\n--\n\nDecrement by the given amount.");

static PyObject *gauge_dec(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
			   PyObject *kwnames)
{
	struct metric *metric = (struct metric *)self;

	if (core_likely(nargs == 0 && !kwnames && metric->series.gauge.impl && !metric->set_only)) {
		smx_gauge_dec(metric->series.gauge);
		Py_RETURN_NONE;
	}
	return add(metric, "dec", -1, args, nargs, kwnames);
}

PyDoc_STRVAR(gauge_set_doc,
	     "set($self, /, value)\n--\n\nSet to the given value, which float() understands.");

CORE_SLOW static PyObject *set_any(struct metric *metric, PyObject *const *args, Py_ssize_t nargs,
				   PyObject *kwnames)
{
	static const char *const names[] = {"value", NULL};
	PyObject *values[1] = {NULL};
	PyObject *number;

	if (core_arguments("set", names, 1, args, nargs, kwnames, values))
		return NULL;
	if (!metric->observable)
		return metric_raise_unobservable(metric);
	number = PyNumber_Float(values[0]);
	if (!number)
		return NULL;
	smx_gauge_set(metric->series.gauge, PyFloat_AsDouble(number));
	Py_DECREF(number);
	Py_RETURN_NONE;
}

static PyObject *gauge_set(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
			   PyObject *kwnames)
{
	struct metric *metric = (struct metric *)self;

	if (core_likely(nargs == 1 && !kwnames && metric->series.gauge.impl &&
			PyFloat_CheckExact(args[0]))) {
		smx_gauge_set(metric->series.gauge, PyFloat_AS_DOUBLE(args[0]));
		Py_RETURN_NONE;
	}
	return set_any(metric, args, nargs, kwnames);
}

/* ---- definition ---- */

static int parse_mode(PyObject *name, smx_gauge_mode *mode)
{
	const char *text = core_name(name, "multiprocess_mode");

	if (!text)
		return -1;
	for (int number = SMX_GAUGE_LIVE_ALL; number <= SMX_GAUGE_MOST_RECENT; number++) {
		*mode = (smx_gauge_mode)number;
		if (strcmp(text, smx_gauge_mode_name(*mode)) == 0)
			return 0;
	}
	PyErr_Format(PyExc_ValueError, "Invalid multiprocess mode: %U", name);
	return -1;
}

/*
 * In a private segment there is one process, and its value needs no pid to tell it from others: as
 * prometheus_client serves it without its multiprocess mode.
 */
static smx_gauge_mode served_mode(smx_segment *segment, smx_gauge_mode mode)
{
	if ((mode == SMX_GAUGE_LIVE_ALL || mode == SMX_GAUGE_ALL) &&
	    smx_segment_path(segment)[0] == '\0')
		return SMX_GAUGE_LIVE_SUM;
	return mode;
}

PyDoc_STRVAR(gauge_define_doc,
	     "_define($self, segment, name, documentation, unit, labelnames, mode, /)\n--\n\n"
	     "Define the family, once. None, or why it will not be recorded.");

static PyObject *gauge_define(PyObject *self, PyTypeObject *defining_class, PyObject *const *args,
			      Py_ssize_t nargs, PyObject *kwnames)
{
	static const char *const names[] = {
		"segment", "name", "documentation", "unit", "labelnames", "mode", NULL};
	struct metric *metric = (struct metric *)self;
	PyObject *values[METRIC_DEFINE_ARGUMENTS + 1] = {NULL};
	struct metric_definition begun;
	smx_error error = {0};
	smx_gauge_mode mode;

	if (core_arguments("_define", names, METRIC_DEFINE_ARGUMENTS + 1, args, nargs, kwnames,
			   values) ||
	    parse_mode(values[METRIC_DEFINE_ARGUMENTS], &mode))
		return NULL;
	if (metric_definition_begin(metric, defining_class, values, &begun))
		return NULL;
	metric->set_only = mode == SMX_GAUGE_LIVE_MOST_RECENT || mode == SMX_GAUGE_MOST_RECENT;
	smx_gauge_define(begun.segment, &begun.definition, served_mode(begun.segment, mode),
			 &metric->family.gauge, &error);
	if (begun.definition.label_count == 0)
		metric->series.gauge = smx_gauge_with(metric->family.gauge, NULL);
	return metric_definition_done(metric, SMX_GAUGE, values, &begun, &error);
}

static PyMethodDef gauge_methods[] = {
	{"inc", (PyCFunction)(void (*)(void))gauge_inc, METH_FASTCALL | METH_KEYWORDS,
	 gauge_inc_doc},
	{"dec", (PyCFunction)(void (*)(void))gauge_dec, METH_FASTCALL | METH_KEYWORDS,
	 gauge_dec_doc},
	{"set", (PyCFunction)(void (*)(void))gauge_set, METH_FASTCALL | METH_KEYWORDS,
	 gauge_set_doc},
	{"_define", (PyCFunction)(void (*)(void))gauge_define,
	 METH_METHOD | METH_FASTCALL | METH_KEYWORDS, gauge_define_doc},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot gauge_slots[] = {
	{Py_tp_doc, "The recording half of Gauge."},
	{Py_tp_methods, gauge_methods},
	{0, NULL},
};

PyType_Spec core_gauge_spec = {
	.name = "shmetrics._core.Gauge",
	.basicsize = (int)sizeof(struct metric),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | CORE_TPFLAGS_IMMUTABLE,
	.slots = gauge_slots,
};
