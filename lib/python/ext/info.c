/* SPDX-License-Identifier: MIT */
/*
 * info.c - the type Info
 */
#include "metric.h"

#define LABELS_MAX 64u

/* Its texts live as long as the items of `pairs` and the owners. */
struct taken {
	smx_label labels[LABELS_MAX];
	PyObject *owners[2 * LABELS_MAX];
	size_t owner_count;
};

static int take_text(struct taken *taken, PyObject *object, smx_text *text)
{
	if (!PyUnicode_Check(object)) {
		PyErr_Format(PyExc_TypeError, "the labels of an info must be str, not %.100s",
			     Py_TYPE(object)->tp_name);
		return -1;
	}
	if (core_text(object, text, &taken->owners[taken->owner_count]))
		return -1;
	taken->owner_count++;
	return 0;
}

static int take(struct taken *taken, PyObject *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		PyObject *pair = PyTuple_GET_ITEM(pairs, (Py_ssize_t)i);

		if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
			PyErr_SetString(PyExc_TypeError, "labels must be a tuple of pairs");
			return -1;
		}
		if (take_text(taken, PyTuple_GET_ITEM(pair, 0), &taken->labels[i].name) ||
		    take_text(taken, PyTuple_GET_ITEM(pair, 1), &taken->labels[i].value))
			return -1;
	}
	return 0;
}

PyDoc_STRVAR(info_set_doc, "_set($self, labels, /)\n--\n\n"
			   "Set all labels: a tuple of pairs of str. None, or why they are not "
			   "recorded.");

static PyObject *info_set(PyObject *self, PyObject *labels)
{
	struct metric *metric = (struct metric *)self;
	struct taken taken = {.owner_count = 0};
	PyObject *result = NULL;
	smx_error error = {0};
	size_t count;

	if (!metric->observable)
		return metric_raise_unobservable(metric);
	if (!PyTuple_Check(labels))
		return PyErr_Format(PyExc_TypeError, "labels must be a tuple of pairs");
	count = (size_t)PyTuple_GET_SIZE(labels);
	if (count > LABELS_MAX)
		return PyErr_Format(PyExc_ValueError, "an info has at most %u labels, not %zu",
				    LABELS_MAX, count);
	if (take(&taken, labels, count))
		goto out;
	smx_info_set(metric->series.info, taken.labels, count, &error);
	if (error.status == SMX_ERR_INVALID)
		core_raise(&error);
	else if (error.status != SMX_OK)
		result = PyUnicode_FromString(error.message);
	else {
		Py_INCREF(Py_None);
		result = Py_None;
	}
out:
	while (taken.owner_count)
		Py_DECREF(taken.owners[--taken.owner_count]);
	return result;
}

PyDoc_STRVAR(info_define_doc,
	     "_define($self, segment, name, documentation, unit, labelnames, /)\n--\n\n"
	     "Define the family, once. None, or why it will not be recorded.");

static PyObject *info_define(PyObject *self, PyTypeObject *defining_class, PyObject *const *args,
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
	smx_info_define(begun.segment, &begun.definition, &metric->family.info, &error);
	if (begun.definition.label_count == 0)
		metric->series.info = smx_info_with(metric->family.info, NULL);
	return metric_definition_done(metric, SMX_INFO, values, &begun, &error);
}

static PyMethodDef info_methods[] = {
	{"_set", info_set, METH_O, info_set_doc},
	{"_define", (PyCFunction)(void (*)(void))info_define,
	 METH_METHOD | METH_FASTCALL | METH_KEYWORDS, info_define_doc},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot info_slots[] = {
	{Py_tp_doc, "The recording half of Info."},
	{Py_tp_methods, info_methods},
	{0, NULL},
};

PyType_Spec core_info_spec = {
	.name = "shmetrics._core.Info",
	.basicsize = (int)sizeof(struct metric),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | CORE_TPFLAGS_IMMUTABLE,
	.slots = info_slots,
};
