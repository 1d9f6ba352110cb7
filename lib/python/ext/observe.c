/* SPDX-License-Identifier: MIT */
/*
 * observe.c - observe(amount, exemplar=None) of the histograms
 */
#include "observe.h"

PyObject *observe_any(struct metric *metric, PyObject *const *args, Py_ssize_t nargs,
		      PyObject *kwnames,
		      void (*record)(const struct metric *metric, double amount,
				     const struct exemplar *exemplar))
{
	static const char *const names[] = {"amount", "exemplar", NULL};
	PyObject *values[2] = {NULL, NULL};
	struct exemplar exemplar;
	double amount;

	if (core_arguments("observe", names, 1, args, nargs, kwnames, values))
		return NULL;
	if (!metric->observable)
		return metric_raise_unobservable(metric);
	if (core_double(values[0], &amount) || exemplar_begin(&exemplar, values[1]))
		return NULL;
	record(metric, amount, &exemplar);
	exemplar_end(&exemplar);
	Py_RETURN_NONE;
}
