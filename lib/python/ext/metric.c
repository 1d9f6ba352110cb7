/* SPDX-License-Identifier: MIT */
/*
 * metric.c - the type Metric: definition, labels() and children of all kinds
 */
#include "metric.h"

#include <string.h>

#include "segment.h"

/* ---- definition ---- */

const char *const metric_define_names[METRIC_DEFINE_ARGUMENTS + 1] = {
	"segment", "name", "documentation", "unit", "labelnames", NULL};

static int take_label_names(PyObject *names, struct metric_definition *begun)
{
	Py_ssize_t count;

	if (!PyTuple_Check(names)) {
		PyErr_SetString(PyExc_TypeError, "labelnames must be a tuple");
		return -1;
	}
	count = PyTuple_GET_SIZE(names);
	if (count > (Py_ssize_t)METRIC_LABEL_MAX) {
		PyErr_Format(PyExc_ValueError, "a metric has at most %u labels, not %zd",
			     METRIC_LABEL_MAX, count);
		return -1;
	}
	for (Py_ssize_t i = 0; i < count; i++) {
		begun->label_names[i] = core_name(PyTuple_GET_ITEM(names, i), "label name");
		if (!begun->label_names[i])
			return -1;
	}
	begun->definition.label_names = begun->label_names;
	begun->definition.label_count = (size_t)count;
	return 0;
}

int metric_definition_begin(struct metric *metric, PyTypeObject *defining_class,
			    PyObject *const *values, struct metric_definition *begun)
{
	core_state *state = PyType_GetModuleState(defining_class);
	smx_text help;

	memset(begun, 0, sizeof(*begun));
	if (!PyObject_TypeCheck(values[0], state->segment_type)) {
		PyErr_Format(PyExc_TypeError, "segment must be a Segment, not %.100s",
			     Py_TYPE(values[0])->tp_name);
		return -1;
	}
	begun->segment = segment_of(values[0]);
	begun->definition.name = core_name(values[1], "name");
	if (!begun->definition.name || take_label_names(values[4], begun))
		return -1;
	begun->definition.unit = core_name(values[3], "unit");
	if (!begun->definition.unit)
		return -1;
	if (begun->definition.unit[0] == '\0')
		begun->definition.unit = NULL;
	if (!PyUnicode_Check(values[2])) {
		PyErr_Format(PyExc_TypeError, "documentation must be str, not %.100s",
			     Py_TYPE(values[2])->tp_name);
		return -1;
	}
	/* A NUL ends the documentation; nobody could show it. */
	if (core_text(values[2], &help, &begun->help_owner))
		return -1;
	begun->definition.help = help.data;
	/* Last, as what fails above leaves the metric undefined. One thread alone goes on. */
	if (__atomic_exchange_n(&metric->defining, true, __ATOMIC_ACQ_REL)) {
		Py_CLEAR(begun->help_owner);
		PyErr_SetString(PyExc_RuntimeError, "the metric is defined already");
		return -1;
	}
	return 0;
}

PyObject *metric_definition_done(struct metric *metric, smx_kind kind, PyObject *const *values,
				 struct metric_definition *begun, const smx_error *error)
{
	Py_XDECREF(begun->help_owner);
	if (error->status == SMX_ERR_INVALID || error->status == SMX_ERR_CONFLICT ||
	    error->status == SMX_ERR_UNSUPPORTED) {
		__atomic_store_n(&metric->defining, false, __ATOMIC_RELEASE);
		return core_raise(error);
	}

	PyObject **const members[METRIC_DEFINE_ARGUMENTS] = {&metric->segment, &metric->name,
							     &metric->documentation, &metric->unit,
							     &metric->label_names};
	for (size_t i = 0; i < METRIC_DEFINE_ARGUMENTS; i++) {
		Py_INCREF(values[i]);
		*members[i] = values[i];
	}
	metric->kind = (uint8_t)kind;
	metric->label_count = (uint8_t)begun->definition.label_count;
	metric->observable = metric->label_count == 0;
	if (error->status != SMX_OK)
		return PyUnicode_FromString(error->message);
	Py_RETURN_NONE;
}

PyObject *metric_raise_unobservable(const struct metric *metric)
{
	if (!metric->kind)
		return PyErr_Format(PyExc_RuntimeError,
				    "the metric is not defined: __init__() was not called");
	return PyErr_Format(PyExc_ValueError, "%s metric is missing label values",
			    smx_kind_name((smx_kind)metric->kind));
}

/* ---- children ---- */

static void look_up_series(struct metric *child, const struct metric *parent, const smx_text *texts)
{
	switch ((smx_kind)parent->kind) {
	case SMX_COUNTER:
		child->series.counter = smx_counter_with_text(parent->family.counter, texts);
		break;
	case SMX_GAUGE:
		child->series.gauge = smx_gauge_with_text(parent->family.gauge, texts);
		break;
	case SMX_NATIVE_HISTOGRAM:
		child->series.native_histogram =
			smx_native_histogram_with_text(parent->family.native_histogram, texts);
		break;
	case SMX_SUMMARY:
		child->series.summary = smx_summary_with_text(parent->family.summary, texts);
		break;
	case SMX_INFO:
		child->series.info = smx_info_with_text(parent->family.info, texts);
		break;
	case SMX_STATE_SET:
		child->series.state_set = smx_state_set_with_text(parent->family.state_set, texts);
		break;
	default:
		child->series.histogram = smx_histogram_with_text(parent->family.histogram, texts);
		break;
	}
}

/*
 * A child of the parent's type, made without its __init__. *cacheable: whether no value is longer
 * than the format takes; those all lead to the overflow series, and keeping them would let a client
 * fill the memory.
 */
static PyObject *make_child(struct metric *parent, PyObject *const *values, bool *cacheable)
{
	PyTypeObject *type = Py_TYPE(parent);
	size_t count = parent->label_count, owned = 0;
	smx_text texts[METRIC_LABEL_MAX];
	PyObject *owners[METRIC_LABEL_MAX];
	struct metric *child = NULL;

	*cacheable = true;
	for (; owned < count; owned++) {
		if (core_text(values[owned], &texts[owned], &owners[owned]))
			goto out;
		if (texts[owned].size > SMX_LAYOUT_LABEL_VALUE_MAX)
			*cacheable = false;
	}
	child = (struct metric *)type->tp_alloc(type, 0);
	if (!child)
		goto out;
	Py_INCREF(parent);
	child->parent = (PyObject *)parent;
	child->kind = parent->kind;
	child->label_count = parent->label_count;
	child->set_only = parent->set_only;
	child->defining = true;
	child->observable = true;
	child->label_values = PyTuple_New((Py_ssize_t)count);
	if (!child->label_values) {
		Py_CLEAR(child);
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		Py_INCREF(values[i]);
		PyTuple_SET_ITEM(child->label_values, (Py_ssize_t)i, values[i]);
	}
	look_up_series(child, parent, texts);
out:
	for (size_t i = 0; i < owned; i++)
		Py_DECREF(owners[i]);
	return (PyObject *)child;
}

/* The child with these exact strings, from the cache or new. */
static PyObject *find_or_make_child(struct metric *parent, PyObject *const *values)
{
	Py_hash_t hash = label_values_hash(values, parent->label_count);
	PyObject *evicted[2] = {NULL, NULL};
	PyObject *child, *made;
	bool cacheable;

	CORE_BEGIN_CRITICAL_SECTION(parent);
	child = label_cache_find(&parent->cache, hash, values, parent->label_count, &evicted[0]);
	CORE_END_CRITICAL_SECTION();
	Py_XDECREF(evicted[0]);
	if (child)
		return child;
	made = make_child(parent, values, &cacheable);
	if (!made || !cacheable)
		return made;

	/* Another thread may have made one meanwhile: all shall have the same. */
	evicted[0] = NULL;
	CORE_BEGIN_CRITICAL_SECTION(parent);
	child = label_cache_find(&parent->cache, hash, values, parent->label_count, &evicted[0]);
	if (!child) {
		label_cache_insert(&parent->cache, hash, metric_label_values(made), made, evicted);
		child = made;
		made = NULL;
	}
	CORE_END_CRITICAL_SECTION();
	Py_XDECREF(evicted[0]);
	Py_XDECREF(evicted[1]);
	Py_XDECREF(made);
	return child;
}

/* ---- labels() ---- */

static int refuse_labels(struct metric *metric)
{
	if (metric->label_values) {
		struct metric *parent = (struct metric *)metric->parent;
		PyObject *labels = PyDict_New();

		for (Py_ssize_t i = 0; labels && i < PyTuple_GET_SIZE(metric->label_values); i++) {
			if (PyDict_SetItem(labels, PyTuple_GET_ITEM(parent->label_names, i),
					   PyTuple_GET_ITEM(metric->label_values, i)))
				Py_CLEAR(labels);
		}
		if (labels)
			PyErr_Format(
				PyExc_ValueError,
				"%S already has labels set (%S); can not chain calls to .labels()",
				metric, labels);
		Py_XDECREF(labels);
		return -1;
	}
	if (metric->label_count == 0) {
		PyErr_Format(PyExc_ValueError, "No label names were set when constructing %S",
			     metric);
		return -1;
	}
	return 0;
}

/* Brings keyword arguments into the order of the label names. */
static int order_keywords(struct metric *metric, PyObject *const *args, PyObject *kwnames,
			  PyObject **ordered)
{
	Py_ssize_t count = metric->label_count;

	if (PyTuple_GET_SIZE(kwnames) != count)
		goto incorrect;
	for (Py_ssize_t i = 0; i < count; i++) {
		PyObject *name = PyTuple_GET_ITEM(metric->label_names, i);
		Py_ssize_t k = 0;

		/* Mostly both are interned and in the same order. */
		if (PyTuple_GET_ITEM(kwnames, i) == name)
			k = i;
		else
			while (k < count &&
			       PyUnicode_Compare(PyTuple_GET_ITEM(kwnames, k), name) != 0)
				k++;
		if (k == count)
			goto incorrect;
		ordered[i] = args[k];
	}
	return 0;
incorrect:
	if (!PyErr_Occurred())
		PyErr_SetString(PyExc_ValueError, "Incorrect label names");
	return -1;
}

static PyObject *labels_of_any(struct metric *metric, PyObject *const *args)
{
	PyObject *strings[METRIC_LABEL_MAX];
	size_t count = metric->label_count, converted = 0, exact = 0;
	PyObject *child = NULL;

	while (exact < count && PyUnicode_CheckExact(args[exact]))
		exact++;
	if (exact == count)
		return find_or_make_child(metric, args);
	for (; converted < count; converted++) {
		strings[converted] = core_str(args[converted]);
		if (!strings[converted])
			goto out;
	}
	child = find_or_make_child(metric, strings);
out:
	for (size_t i = 0; i < converted; i++)
		Py_DECREF(strings[i]);
	return child;
}

/* A series that was removed is asked for again: it comes back, as the same record. */
CORE_SLOW static PyObject *bring_back(struct metric *parent, PyObject *child)
{
	PyObject *values = metric_label_values(child), *owners[METRIC_LABEL_MAX];
	smx_text texts[METRIC_LABEL_MAX];
	size_t owned = 0;

	for (; owned < parent->label_count; owned++) {
		if (core_text(PyTuple_GET_ITEM(values, (Py_ssize_t)owned), &texts[owned],
			      &owners[owned])) {
			Py_CLEAR(child);
			break;
		}
	}
	if (child)
		look_up_series((struct metric *)child, parent, texts);
	while (owned > 0)
		Py_DECREF(owners[--owned]);
	return child;
}

PyObject *metric_child(struct metric *parent, PyObject *const *values)
{
	PyObject *child;

	CORE_BEGIN_CRITICAL_SECTION(parent);
	child = label_cache_find_identical(&parent->cache, values, parent->label_count);
	CORE_END_CRITICAL_SECTION();
	if (!core_likely(child != NULL))
		child = labels_of_any(parent, values);
	if (child && smx_series_is_removed(((struct metric *)child)->series.counter.impl))
		return bring_back(parent, child);
	return child;
}

PyDoc_STRVAR(metric_labels_doc,
	     "labels($self, /, *labelvalues, **labelkwargs)\n--\n\n"
	     "The child with these label values: by position, or all by keyword.");

static PyObject *metric_labels(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
			       PyObject *kwnames)
{
	struct metric *metric = (struct metric *)self;
	PyObject *ordered[METRIC_LABEL_MAX];

	if (kwnames || nargs != metric->label_count || nargs == 0 || metric->label_values) {
		if (refuse_labels(metric))
			return NULL;
		if (!kwnames || PyTuple_GET_SIZE(kwnames) == 0) {
			if (nargs != metric->label_count)
				return PyErr_Format(PyExc_ValueError, "Incorrect label count");
		} else {
			if (nargs)
				return PyErr_Format(PyExc_ValueError,
						    "Can't pass both *args and **kwargs");
			if (order_keywords(metric, args, kwnames, ordered))
				return NULL;
			args = ordered;
		}
	}
	return metric_child(metric, args);
}

/* ---- attributes ---- */

static PyObject *metric_attribute(PyObject *self, void *offset)
{
	struct metric *metric = (struct metric *)self;
	PyObject *value;

	if (metric->parent)
		metric = (struct metric *)metric->parent;
	value = *(PyObject **)((char *)metric + (size_t)offset);
	if (!value) {
		metric_raise_unobservable(metric);
		return NULL;
	}
	Py_INCREF(value);
	return value;
}

static PyObject *metric_parent_attribute(PyObject *self, void *Py_UNUSED(closure))
{
	PyObject *parent = ((struct metric *)self)->parent;

	if (!parent)
		parent = Py_None;
	Py_INCREF(parent);
	return parent;
}

static PyObject *metric_label_values_attribute(PyObject *self, void *Py_UNUSED(closure))
{
	PyObject *values = metric_label_values(self);

	if (!values)
		return PyTuple_New(0);
	Py_INCREF(values);
	return values;
}

/* ---- the type ---- */

static int metric_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct metric *metric = (struct metric *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(metric->parent);
	Py_VISIT(metric->label_values);
	Py_VISIT(metric->segment);
	Py_VISIT(metric->label_names);
	return label_cache_traverse(&metric->cache, visit, arg);
}

/*
 * Breaks the cycle between a parent and its children at the cache only: the handles stay valid as
 * long as the segment, which a child holds through its parent, and code run by other finalizers may
 * still record.
 */
static int metric_clear(PyObject *self)
{
	label_cache_clear(&((struct metric *)self)->cache);
	return 0;
}

static void metric_dealloc(PyObject *self)
{
	struct metric *metric = (struct metric *)self;
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	metric_clear(self);
	Py_XDECREF(metric->label_values);
	Py_XDECREF(metric->name);
	Py_XDECREF(metric->documentation);
	Py_XDECREF(metric->unit);
	Py_XDECREF(metric->label_names);
	Py_XDECREF(metric->segment);
	Py_XDECREF(metric->parent);
	type->tp_free(self);
	Py_DECREF(type);
}

PyDoc_STRVAR(metric_remove_doc,
	     "_remove($self, values, /)\n--\n\n"
	     "Remove the series with these label values, a tuple of str, None for any. How many.");

PyDoc_STRVAR(metric_reset_doc, "_reset($self, /)\n--\n\n"
			       "Set the series back to nothing, for all processes.");

static PyMethodDef metric_methods[] = {
	{"labels", (PyCFunction)(void (*)(void))metric_labels, METH_FASTCALL | METH_KEYWORDS,
	 metric_labels_doc},
	{"_remove", metric_remove_series, METH_O, metric_remove_doc},
	{"_reset", metric_reset_series, METH_NOARGS, metric_reset_doc},
	{NULL, NULL, 0, NULL},
};

#define METRIC_MEMBER(name, member, doc)                                                           \
	{                                                                                          \
		name, metric_attribute, NULL, doc, (void *)offsetof(struct metric, member)         \
	}

static PyGetSetDef metric_getset[] = {
	METRIC_MEMBER("_name", name, "The full name, without _total."),
	METRIC_MEMBER("_documentation", documentation, "The help text."),
	METRIC_MEMBER("_unit", unit, "The unit, or ''."),
	METRIC_MEMBER("_labelnames", label_names, "The label names, a tuple."),
	METRIC_MEMBER("_segment", segment, "The Segment it records to."),
	{"_parent", metric_parent_attribute, NULL, "Of a child: whose it is; else None.", NULL},
	{"_labelvalues", metric_label_values_attribute, NULL,
	 "The label values of a child, a tuple.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot metric_slots[] = {
	{Py_tp_doc, "What all kinds of metric have in common."},
	{Py_tp_traverse, metric_traverse},
	{Py_tp_clear, metric_clear},
	{Py_tp_dealloc, metric_dealloc},
	{Py_tp_methods, metric_methods},
	{Py_tp_getset, metric_getset},
	{0, NULL},
};

PyType_Spec core_metric_spec = {
	.name = "shmetrics._core.Metric",
	.basicsize = (int)sizeof(struct metric),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |
		 CORE_TPFLAGS_IMMUTABLE,
	.slots = metric_slots,
};
