/* SPDX-License-Identifier: MIT */
/*
 * native_histogram.c - the type NativeHistogram
 */
#include "observe.h"

#include <limits.h>

static void record(const struct metric *metric, double amount, const struct exemplar *exemplar)
{
	if (exemplar->count)
		smx_native_histogram_observe_exemplar(metric->series.native_histogram, amount,
						      exemplar->labels, exemplar->count);
	else
		smx_native_histogram_observe(metric->series.native_histogram, amount);
}

static PyObject *observe(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
	struct metric *metric = (struct metric *)self;

	if (core_likely(nargs == 1 && !kwnames && metric->series.native_histogram.impl &&
			PyFloat_CheckExact(args[0]))) {
		smx_native_histogram_observe(metric->series.native_histogram,
					     PyFloat_AS_DOUBLE(args[0]));
		Py_RETURN_NONE;
	}
	return observe_any(metric, args, nargs, kwnames, record);
}

/* ---- definition ---- */

enum { SCHEMA = METRIC_DEFINE_ARGUMENTS, LEAST, GREATEST, NEGATIVE, BOUNDS, ARGUMENTS };

/* What is the kind's own among the arguments; *bounds is to be freed, also after a failure. */
static int take_options(PyObject *const *values, smx_native_options *options, double **bounds)
{
	int overflow, negative;
	long schema = PyLong_AsLongAndOverflow(values[SCHEMA], &overflow);

	if (schema == -1 && PyErr_Occurred())
		return -1;
	/* One that is no int is none of the few that the library takes. */
	options->schema = overflow || schema < INT_MIN || schema > INT_MAX ? INT_MAX : (int)schema;
	if (core_double(values[LEAST], &options->least) ||
	    core_double(values[GREATEST], &options->greatest))
		return -1;
	negative = PyObject_IsTrue(values[NEGATIVE]);
	if (negative < 0)
		return -1;
	options->negative = negative;
	*bounds = metric_take_bounds(values[BOUNDS], &options->bound_count);
	options->bounds = *bounds;
	return *bounds ? 0 : -1;
}

PyDoc_STRVAR(define_doc,
	     "_define($self, segment, name, documentation, unit, labelnames, schema, least, "
	     "greatest, negative, bounds, /)\n--\n\n"
	     "Define the family, once. None, or why it will not be recorded.");

static PyObject *define(PyObject *self, PyTypeObject *defining_class, PyObject *const *args,
			Py_ssize_t nargs, PyObject *kwnames)
{
	static const char *const names[] = {
		"segment", "name",     "documentation", "unit",	  "labelnames", "schema",
		"least",   "greatest", "negative",	"bounds", NULL};
	struct metric *metric = (struct metric *)self;
	PyObject *values[ARGUMENTS] = {NULL};
	struct metric_definition begun;
	smx_native_options options = {0};
	smx_error error = {0};
	double *bounds = NULL;

	if (core_arguments("_define", names, ARGUMENTS, args, nargs, kwnames, values) ||
	    take_options(values, &options, &bounds) ||
	    metric_definition_begin(metric, defining_class, values, &begun)) {
		PyMem_Free(bounds);
		return NULL;
	}
	smx_native_histogram_define(begun.segment, &begun.definition, &options,
				    &metric->family.native_histogram, &error);
	PyMem_Free(bounds);
	if (begun.definition.label_count == 0)
		metric->series.native_histogram =
			smx_native_histogram_with(metric->family.native_histogram, NULL);
	return metric_definition_done(metric, SMX_NATIVE_HISTOGRAM, values, &begun, &error);
}

static PyMethodDef methods[] = {
	{"observe", (PyCFunction)(void (*)(void))observe, METH_FASTCALL | METH_KEYWORDS,
	 OBSERVE_DOC},
	{"_define", (PyCFunction)(void (*)(void))define,
	 METH_METHOD | METH_FASTCALL | METH_KEYWORDS, define_doc},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
	{Py_tp_doc, "The recording half of NativeHistogram."},
	{Py_tp_methods, methods},
	{0, NULL},
};

PyType_Spec core_native_histogram_spec = {
	.name = "shmetrics._core.NativeHistogram",
	.basicsize = (int)sizeof(struct metric),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | CORE_TPFLAGS_IMMUTABLE,
	.slots = slots,
};
