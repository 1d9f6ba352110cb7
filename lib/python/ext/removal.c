/* SPDX-License-Identifier: MIT */
/*
 * removal.c - removing series of a metric, and setting one back
 *
 * A child that is held from before records to nothing that is served until labels() brings the
 * series back. So what is removed here is forgotten by the cache of children; what another process
 * removed, labels() sees for itself (metric_child).
 *
 * All kinds of metric have one union of handles, and what the library takes here is the pointer
 * that each of them is.
 */
#include "metric.h"

#include <string.h>

static struct smx_family_record *family_of(const struct metric *metric)
{
	return metric->family.counter.impl;
}

/* The texts of a tuple of str, or None for any; data NULL stands for that. */
static int take_values(PyObject *values, smx_text *texts, PyObject **owners, size_t *owned,
		       bool *any, bool *exact)
{
	size_t count = (size_t)PyTuple_GET_SIZE(values);

	for (size_t i = 0; i < count; i++) {
		PyObject *value = PyTuple_GET_ITEM(values, (Py_ssize_t)i);

		texts[i] = (smx_text){NULL, 0};
		if (value == Py_None) {
			*any = true;
			continue;
		}
		if (!PyUnicode_Check(value)) {
			PyErr_SetString(PyExc_TypeError, "label values must be str or None");
			return -1;
		}
		*exact = *exact && PyUnicode_CheckExact(value);
		if (core_text(value, &texts[i], &owners[*owned]))
			return -1;
		++*owned;
	}
	return 0;
}

static void forget_child(struct metric *metric, PyObject *const *values)
{
	Py_hash_t hash = label_values_hash(values, metric->label_count);
	PyObject *evicted[2] = {NULL, NULL};

	CORE_BEGIN_CRITICAL_SECTION(metric);
	label_cache_remove(&metric->cache, hash, values, metric->label_count, evicted);
	CORE_END_CRITICAL_SECTION();
	Py_XDECREF(evicted[0]);
	Py_XDECREF(evicted[1]);
}

static void forget_children(struct metric *metric)
{
	struct label_cache old;

	CORE_BEGIN_CRITICAL_SECTION(metric);
	old = metric->cache;
	memset(&metric->cache, 0, sizeof(metric->cache));
	CORE_END_CRITICAL_SECTION();
	label_cache_clear(&old);
}

PyObject *metric_remove_series(PyObject *self, PyObject *values)
{
	struct metric *metric = (struct metric *)self;
	PyObject *owners[METRIC_LABEL_MAX], *result = NULL;
	smx_text texts[METRIC_LABEL_MAX];
	size_t owned = 0, removed;
	bool any = false, exact = true;

	if (!PyTuple_Check(values) || PyTuple_GET_SIZE(values) != metric->label_count ||
	    metric->label_count == 0 || metric->label_values)
		return PyErr_Format(PyExc_TypeError,
				    "_remove() takes a tuple with a value for each label, of a "
				    "metric that has labels()");
	if (take_values(values, texts, owners, &owned, &any, &exact))
		goto out;
	if (any) {
		/* Looks at the whole segment. */
		Py_BEGIN_ALLOW_THREADS;
		removed = smx_series_remove_matching(family_of(metric), texts);
		Py_END_ALLOW_THREADS;
	} else {
		removed = smx_series_remove(family_of(metric), texts);
	}
	/* A subclass of str may have a hash of its own. */
	if (any || !exact)
		forget_children(metric);
	else
		forget_child(metric, &PyTuple_GET_ITEM(values, 0));
	result = PyLong_FromSize_t(removed);
out:
	while (owned > 0)
		Py_DECREF(owners[--owned]);
	return result;
}

PyObject *metric_reset_series(PyObject *self, PyObject *Py_UNUSED(ignored))
{
	struct metric *metric = (struct metric *)self;

	if (!metric->observable)
		return metric_raise_unobservable(metric);
	smx_series_reset(metric->series.counter.impl);
	Py_RETURN_NONE;
}
