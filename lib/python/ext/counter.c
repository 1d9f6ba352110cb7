/* SPDX-License-Identifier: MIT */
/*
 * counter.c - the type Counter
 */
#include "exemplar.h"
#include "metric.h"

static PyObject *raise_negative(void)
{
	PyErr_SetString(PyExc_ValueError,
			"Counters can only be incremented by non-negative amounts.");
	return NULL;
}

/* Whole amounts stay exact beyond 2^53, which a double would not hold. */
__attribute__((noinline)) static PyObject *add_int(smx_counter counter, PyObject *amount)
{
	unsigned long long whole;
	double value;
	int overflow;
	long long number = PyLong_AsLongLongAndOverflow(amount, &overflow);

	if (number == -1 && !overflow && PyErr_Occurred())
		return NULL;
	if (overflow < 0 || (!overflow && number < 0))
		return raise_negative();
	if (!overflow) {
		smx_counter_add_whole(counter, (uint64_t)number);
		Py_RETURN_NONE;
	}
	whole = PyLong_AsUnsignedLongLong(amount);
	if (!PyErr_Occurred()) {
		smx_counter_add_whole(counter, whole);
		Py_RETURN_NONE;
	}
	PyErr_Clear();
	value = PyLong_AsDouble(amount);
	if (value == -1.0 && PyErr_Occurred())
		return NULL;
	smx_counter_add(counter, value);
	Py_RETURN_NONE;
}

static PyObject *inc_exemplar(struct metric *metric, PyObject *amount, PyObject *labels)
{
	struct exemplar exemplar;
	double value = 1;

	if (amount && core_double(amount, &value))
		return NULL;
	if (value < 0)
		return raise_negative();
	if (exemplar_begin(&exemplar, labels))
		return NULL;
	smx_counter_add_exemplar(metric->series.counter, value, exemplar.labels, exemplar.count);
	exemplar_end(&exemplar);
	Py_RETURN_NONE;
}

static bool has_labels(PyObject *exemplar)
{
	return exemplar && exemplar != Py_None &&
	       !(PyDict_Check(exemplar) && PyDict_GET_SIZE(exemplar) == 0);
}

CORE_SLOW static PyObject *inc_any(struct metric *metric, PyObject *const *args, Py_ssize_t nargs,
				   PyObject *kwnames)
{
	static const char *const names[] = {"amount", "exemplar", NULL};
	PyObject *values[2] = {NULL, NULL};
	double amount;

	if (core_arguments("inc", names, 0, args, nargs, kwnames, values))
		return NULL;
	if (!metric->observable)
		return metric_raise_unobservable(metric);
	if (has_labels(values[1]))
		return inc_exemplar(metric, values[0], values[1]);
	if (!values[0]) {
		smx_counter_inc(metric->series.counter);
		Py_RETURN_NONE;
	}
	if (PyLong_Check(values[0]))
		return add_int(metric->series.counter, values[0]);
	if (core_double(values[0], &amount))
		return NULL;
	if (amount < 0)
		return raise_negative();
	smx_counter_add(metric->series.counter, amount);
	Py_RETURN_NONE;
}

/* inc(amount): a float, mostly. */
__attribute__((noinline)) static PyObject *inc_by(struct metric *metric, PyObject *const *args,
						  Py_ssize_t nargs, PyObject *kwnames)
{
	if (core_likely(nargs == 1 && !kwnames && metric->observable)) {
		if (PyFloat_CheckExact(args[0]) && PyFloat_AS_DOUBLE(args[0]) >= 0) {
			smx_counter_add(metric->series.counter, PyFloat_AS_DOUBLE(args[0]));
			Py_RETURN_NONE;
		}
		if (PyLong_CheckExact(args[0]))
			return add_int(metric->series.counter, args[0]);
	}
	return inc_any(metric, args, nargs, kwnames);
}

PyDoc_STRVAR(counter_inc_doc, "inc($self, /, amount=1, exemplar=None)\n--\n\n"
			      "Increment by the given amount, which is not negative.");

static PyObject *counter_inc(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
			     PyObject *kwnames)
{
	struct metric *metric = (struct metric *)self;

	/* A series means: observable, and there was room. The rest is said or counted elsewhere. */
	if (core_likely(nargs == 0 && !kwnames && metric->series.counter.impl)) {
		PyObject *none = Py_None;

		Py_INCREF(none);
		smx_counter_inc(metric->series.counter);
		return none;
	}
	return inc_by(metric, args, nargs, kwnames);
}

PyDoc_STRVAR(counter_define_doc,
	     "_define($self, segment, name, documentation, unit, labelnames, /)\n--\n\n"
	     "Define the family, once. None, or why it will not be recorded.");

static PyObject *counter_define(PyObject *self, PyTypeObject *defining_class, PyObject *const *args,
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
	smx_counter_define(begun.segment, &begun.definition, &metric->family.counter, &error);
	if (begun.definition.label_count == 0)
		metric->series.counter = smx_counter_with(metric->family.counter, NULL);
	return metric_definition_done(metric, SMX_COUNTER, values, &begun, &error);
}

static PyMethodDef counter_methods[] = {
	{"inc", (PyCFunction)(void (*)(void))counter_inc, METH_FASTCALL | METH_KEYWORDS,
	 counter_inc_doc},
	{"_define", (PyCFunction)(void (*)(void))counter_define,
	 METH_METHOD | METH_FASTCALL | METH_KEYWORDS, counter_define_doc},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot counter_slots[] = {
	{Py_tp_doc, "The recording half of Counter."},
	{Py_tp_methods, counter_methods},
	{0, NULL},
};

PyType_Spec core_counter_spec = {
	.name = "shmetrics._core.Counter",
	.basicsize = (int)sizeof(struct metric),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | CORE_TPFLAGS_IMMUTABLE,
	.slots = counter_slots,
};
