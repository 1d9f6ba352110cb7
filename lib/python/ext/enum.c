/* SPDX-License-Identifier: MIT */
/*
 * enum.c - the type Enum: a state set
 */
#include "metric.h"

PyDoc_STRVAR(enum_set_doc, "_set($self, state, /)\n--\n\nSet the state of this index.");

static PyObject *enum_set(PyObject *self, PyObject *state)
{
	struct metric *metric = (struct metric *)self;
	size_t index;

	if (!metric->observable)
		return metric_raise_unobservable(metric);
	index = PyLong_AsSize_t(state);
	if (index == (size_t)-1 && PyErr_Occurred())
		return NULL;
	smx_state_set_set(metric->series.state_set, index);
	Py_RETURN_NONE;
}

/* A new array of the strings of a tuple, which own them; PyMem_Free it. */
static const char **take_states(PyObject *tuple, size_t *count)
{
	const char **states;

	if (!PyTuple_Check(tuple)) {
		PyErr_SetString(PyExc_TypeError, "states must be a tuple");
		return NULL;
	}
	*count = (size_t)PyTuple_GET_SIZE(tuple);
	states = PyMem_New(const char *, *count + 1);
	if (!states) {
		PyErr_NoMemory();
		return NULL;
	}
	for (size_t i = 0; i < *count; i++) {
		states[i] = core_name(PyTuple_GET_ITEM(tuple, (Py_ssize_t)i), "state");
		if (!states[i]) {
			PyMem_Free(states);
			return NULL;
		}
	}
	return states;
}

PyDoc_STRVAR(enum_define_doc,
	     "_define($self, segment, name, documentation, unit, labelnames, states, /)\n--\n\n"
	     "Define the family, once. None, or why it will not be recorded.");

static PyObject *enum_define(PyObject *self, PyTypeObject *defining_class, PyObject *const *args,
			     Py_ssize_t nargs, PyObject *kwnames)
{
	static const char *const names[] = {
		"segment", "name", "documentation", "unit", "labelnames", "states", NULL};
	struct metric *metric = (struct metric *)self;
	PyObject *values[METRIC_DEFINE_ARGUMENTS + 1] = {NULL};
	struct metric_definition begun;
	smx_error error = {0};
	const char **states;
	size_t state_count;

	if (core_arguments("_define", names, METRIC_DEFINE_ARGUMENTS + 1, args, nargs, kwnames,
			   values))
		return NULL;
	states = take_states(values[METRIC_DEFINE_ARGUMENTS], &state_count);
	if (!states)
		return NULL;
	if (metric_definition_begin(metric, defining_class, values, &begun)) {
		PyMem_Free(states);
		return NULL;
	}
	smx_state_set_define(begun.segment, &begun.definition, states, state_count,
			     &metric->family.state_set, &error);
	PyMem_Free(states);
	if (begun.definition.label_count == 0)
		metric->series.state_set = smx_state_set_with(metric->family.state_set, NULL);
	return metric_definition_done(metric, SMX_STATE_SET, values, &begun, &error);
}

static PyMethodDef enum_methods[] = {
	{"_set", enum_set, METH_O, enum_set_doc},
	{"_define", (PyCFunction)(void (*)(void))enum_define,
	 METH_METHOD | METH_FASTCALL | METH_KEYWORDS, enum_define_doc},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot enum_slots[] = {
	{Py_tp_doc, "The recording half of Enum."},
	{Py_tp_methods, enum_methods},
	{0, NULL},
};

PyType_Spec core_enum_spec = {
	.name = "shmetrics._core.Enum",
	.basicsize = (int)sizeof(struct metric),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | CORE_TPFLAGS_IMMUTABLE,
	.slots = enum_slots,
};
