/* SPDX-License-Identifier: MIT */
/*
 * exemplar.h - the exemplar argument of inc() and observe()
 */
#ifndef SHMETRICS_PYTHON_EXEMPLAR_H
#define SHMETRICS_PYTHON_EXEMPLAR_H

#include "core.h"

#define EXEMPLAR_LABELS_MAX 64u /* more than fit into an exemplar's 216 bytes */

struct exemplar {
	smx_label labels[EXEMPLAR_LABELS_MAX];
	size_t count; /* 0: there is none */
	PyObject *owners[2 * EXEMPLAR_LABELS_MAX];
	size_t owner_count;
};

/*
 * argument: NULL, None, or a dict of str. -1 with an exception set if it is not as it should be;
 * otherwise end it with exemplar_end().
 */
int exemplar_begin(struct exemplar *exemplar, PyObject *argument);
void exemplar_end(struct exemplar *exemplar);

#endif
