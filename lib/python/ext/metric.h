/* SPDX-License-Identifier: MIT */
/*
 * metric.h - what all kinds of metric have in common
 *
 * A metric is either a parent (it has label names and gives out children) or observable (it has a
 * series of its own: a child, or a metric without labels). Everything but the cache of children is
 * constant once the metric is defined, so recording looks at it without a lock.
 */
#ifndef SHMETRICS_PYTHON_METRIC_H
#define SHMETRICS_PYTHON_METRIC_H

#include "core.h"
#include "labels.h"
#include "shmetrics/layout.h"

#define METRIC_LABEL_MAX SMX_LAYOUT_LABEL_MAX

struct metric {
	PyObject ob_base;
	union {
		smx_counter counter;
		smx_gauge gauge;
		smx_histogram histogram;
		smx_native_histogram native_histogram;
		smx_summary summary;
		smx_info info;
		smx_state_set state_set;
	} series;
	bool observable;
	bool set_only; /* a gauge of a mostrecent mode */
	bool defining; /* or defined; a parent or a metric without labels */
	uint8_t kind;  /* smx_kind; 0 before it is defined */
	uint8_t label_count;
	union {
		smx_counter_family counter;
		smx_gauge_family gauge;
		smx_histogram_family histogram;
		smx_native_histogram_family native_histogram;
		smx_summary_family summary;
		smx_info_family info;
		smx_state_set_family state_set;
	} family;
	PyObject *parent;	/* of a child; it keeps the segment alive */
	PyObject *label_values; /* of a child: tuple of exact str, else NULL */
	/* of a parent or a metric without labels, else NULL */
	PyObject *segment;
	PyObject *name;
	PyObject *documentation;
	PyObject *unit;
	PyObject *label_names; /* tuple of str */
	struct label_cache cache;
};

static inline PyObject *metric_label_values(PyObject *child)
{
	return ((struct metric *)child)->label_values;
}

/* The child of a parent with these label values; a new reference, or NULL and an exception. */
PyObject *metric_child(struct metric *parent, PyObject *const *values);

/* ---- removal.c: methods ---- */

PyObject *metric_remove_series(PyObject *self, PyObject *values);
PyObject *metric_reset_series(PyObject *self, PyObject *ignored);

/* Sets "<kind> metric is missing label values"; returns NULL. */
PyObject *metric_raise_unobservable(const struct metric *metric);

/* What a family's definition points to while it is in use. */
struct metric_definition {
	smx_definition definition;
	smx_segment *segment;
	const char *label_names[METRIC_LABEL_MAX];
	PyObject *help_owner;
};

/*
 * Takes the arguments that all kinds have from values[]: segment, name, documentation, unit, label
 * names. Fails with an exception if the metric is defined already or one is not as it should be.
 * Ends with metric_definition_done, which makes the metric what `error` says; the kind's caller
 * sets the handles.
 */
#define METRIC_DEFINE_ARGUMENTS 5
extern const char *const metric_define_names[METRIC_DEFINE_ARGUMENTS + 1]; /* a NULL at the end */
int metric_definition_begin(struct metric *metric, PyTypeObject *defining_class,
			    PyObject *const *values, struct metric_definition *begun);
/*
 * Returns None; or, where there was no room for the family, the reason as a str: the metric is then
 * usable and records nothing. On a mistake of the caller's NULL and an exception.
 */
PyObject *metric_definition_done(struct metric *metric, smx_kind kind, PyObject *const *values,
				 struct metric_definition *begun, const smx_error *error);

/* histogram.c: a new array of the tuple's floats; PyMem_Free it. NULL with an exception set. */
double *metric_take_bounds(PyObject *tuple, size_t *count);

#endif
