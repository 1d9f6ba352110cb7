/* SPDX-License-Identifier: MIT */
/*
 * observe.h - observe(amount, exemplar=None) of the histograms
 */
#ifndef SHMETRICS_PYTHON_OBSERVE_H
#define SHMETRICS_PYTHON_OBSERVE_H

#include "exemplar.h"
#include "metric.h"

#define OBSERVE_DOC "observe($self, /, amount, exemplar=None)\n--\n\nObserve the given amount."

/*
 * What is not one float to an observable metric: other numbers, keywords, exemplars, mistakes.
 * record: what the kind does with them.
 */
CORE_SLOW PyObject *observe_any(struct metric *metric, PyObject *const *args, Py_ssize_t nargs,
				PyObject *kwnames,
				void (*record)(const struct metric *metric, double amount,
					       const struct exemplar *exemplar));

#endif
