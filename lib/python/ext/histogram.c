/* SPDX-License-Identifier: MIT */
/*
 * histogram.c - the type Histogram
 */
#include "observe.h"

static void record(const struct metric *metric, double amount, const struct exemplar *exemplar)
{
	if (exemplar->count)
		smx_histogram_observe_exemplar(metric->series.histogram, amount, exemplar->labels,
					       exemplar->count);
	else
		smx_histogram_observe(metric->series.histogram, amount);
}

static PyObject *histogram_observe(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
				   PyObject *kwnames)
{
	struct metric *metric = (struct metric *)self;

	if (core_likely(nargs == 1 && !kwnames && metric->series.histogram.impl &&
			PyFloat_CheckExact(args[0]))) {
		smx_histogram_observe(metric->series.histogram, PyFloat_AS_DOUBLE(args[0]));
		Py_RETURN_NONE;
	}
	return observe_any(metric, args, nargs, kwnames, record);
}

/* ---- definition ---- */

double *metric_take_bounds(PyObject *tuple, size_t *count)
{
	double *bounds;

	if (!PyTuple_Check(tuple)) {
		PyErr_SetString(PyExc_TypeError, "bounds must be a tuple");
		return NULL;
	}
	*count = (size_t)PyTuple_GET_SIZE(tuple);
	bounds = PyMem_New(double, *count + 1);
	if (!bounds) {
		PyErr_NoMemory();
		return NULL;
	}
	for (size_t i = 0; i < *count; i++) {
		if (core_double(PyTuple_GET_ITEM(tuple, (Py_ssize_t)i), &bounds[i])) {
			PyMem_Free(bounds);
			return NULL;
		}
	}
	return bounds;
}

PyDoc_STRVAR(histogram_define_doc,
	     "_define($self, segment, name, documentation, unit, labelnames, bounds, /)\n--\n\n"
	     "Define the family, once. None, or why it will not be recorded.");

static PyObject *histogram_define(PyObject *self, PyTypeObject *defining_class,
				  PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
	static const char *const names[] = {
		"segment", "name", "documentation", "unit", "labelnames", "bounds", NULL};
	struct metric *metric = (struct metric *)self;
	PyObject *values[METRIC_DEFINE_ARGUMENTS + 1] = {NULL};
	struct metric_definition begun;
	smx_error error = {0};
	size_t bound_count;
	double *bounds;

	if (core_arguments("_define", names, METRIC_DEFINE_ARGUMENTS + 1, args, nargs, kwnames,
			   values))
		return NULL;
	bounds = metric_take_bounds(values[METRIC_DEFINE_ARGUMENTS], &bound_count);
	if (!bounds)
		return NULL;
	if (metric_definition_begin(metric, defining_class, values, &begun)) {
		PyMem_Free(bounds);
		return NULL;
	}
	smx_histogram_define(begun.segment, &begun.definition, bounds, bound_count,
			     &metric->family.histogram, &error);
	PyMem_Free(bounds);
	if (begun.definition.label_count == 0)
		metric->series.histogram = smx_histogram_with(metric->family.histogram, NULL);
	return metric_definition_done(metric, SMX_HISTOGRAM, values, &begun, &error);
}

static PyMethodDef histogram_methods[] = {
	{"observe", (PyCFunction)(void (*)(void))histogram_observe, METH_FASTCALL | METH_KEYWORDS,
	 OBSERVE_DOC},
	{"_define", (PyCFunction)(void (*)(void))histogram_define,
	 METH_METHOD | METH_FASTCALL | METH_KEYWORDS, histogram_define_doc},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot histogram_slots[] = {
	{Py_tp_doc, "The recording half of Histogram."},
	{Py_tp_methods, histogram_methods},
	{0, NULL},
};

PyType_Spec core_histogram_spec = {
	.name = "shmetrics._core.Histogram",
	.basicsize = (int)sizeof(struct metric),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | CORE_TPFLAGS_IMMUTABLE,
	.slots = histogram_slots,
};
