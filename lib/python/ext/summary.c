/* SPDX-License-Identifier: MIT */
/*
 * summary.c - the type Summary
 */
#include "metric.h"

PyDoc_STRVAR(summary_observe_doc, "observe($self, /, amount)\n--\n\nObserve the given amount.");

CORE_SLOW static PyObject *observe_any(struct metric *metric, PyObject *const *args,
				       Py_ssize_t nargs, PyObject *kwnames)
{
	static const char *const names[] = {"amount", NULL};
	PyObject *values[1] = {NULL};
	double amount;

	if (core_arguments("observe", names, 1, args, nargs, kwnames, values))
		return NULL;
	if (!metric->observable)
		return metric_raise_unobservable(metric);
	if (core_double(values[0], &amount))
		return NULL;
	smx_summary_observe(metric->series.summary, amount);
	Py_RETURN_NONE;
}

static PyObject *summary_observe(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
				 PyObject *kwnames)
{
	struct metric *metric = (struct metric *)self;

	if (core_likely(nargs == 1 && !kwnames && metric->series.summary.impl &&
			PyFloat_CheckExact(args[0]))) {
		smx_summary_observe(metric->series.summary, PyFloat_AS_DOUBLE(args[0]));
		Py_RETURN_NONE;
	}
	return observe_any(metric, args, nargs, kwnames);
}

PyDoc_STRVAR(summary_define_doc,
	     "_define($self, segment, name, documentation, unit, labelnames, /)\n--\n\n"
	     "Define the family, once. None, or why it will not be recorded.");

static PyObject *summary_define(PyObject *self, PyTypeObject *defining_class, PyObject *const *args,
				Py_ssize_t nargs, PyObject *kwnames)
{
	struct metric *metric = (struct metric *)self;
	PyObject *values[METRIC_DEFINE_ARGUMENTS] = {NULL};
	struct metric_definition begun;
	smx_error error = {0};

	if (core_arguments("_define", metric_define_names, METRIC_DEFINE_ARGUMENTS, args, nargs,
			   kwnames, values) ||
	    metric_definition_begin(metric, defining_class, values, &begun))
		return NULL;
	smx_summary_define(begun.segment, &begun.definition, &metric->family.summary, &error);
	if (begun.definition.label_count == 0)
		metric->series.summary = smx_summary_with(metric->family.summary, NULL);
	return metric_definition_done(metric, SMX_SUMMARY, values, &begun, &error);
}

static PyMethodDef summary_methods[] = {
	{"observe", (PyCFunction)(void (*)(void))summary_observe, METH_FASTCALL | METH_KEYWORDS,
	 summary_observe_doc},
	{"_define", (PyCFunction)(void (*)(void))summary_define,
	 METH_METHOD | METH_FASTCALL | METH_KEYWORDS, summary_define_doc},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot summary_slots[] = {
	{Py_tp_doc, "The recording half of Summary."},
	{Py_tp_methods, summary_methods},
	{0, NULL},
};

PyType_Spec core_summary_spec = {
	.name = "shmetrics._core.Summary",
	.basicsize = (int)sizeof(struct metric),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | CORE_TPFLAGS_IMMUTABLE,
	.slots = summary_slots,
};
