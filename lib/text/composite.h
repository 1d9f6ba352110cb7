/* SPDX-License-Identifier: MIT */
/*
 * composite.h - a histogram or a summary as one sample of OpenMetrics 2.0
 */
#ifndef SMX_TEXT_COMPOSITE_H
#define SMX_TEXT_COMPOSITE_H

#include "text/render.h"

/* `x{a="b"} {count:3,sum:1.5,bucket:[1.0:2,+Inf:3]} st@1700000000 # {} 0.5 1700000000.125` */
void smx_composite_histogram(const struct smx_rendering *rendering, const struct smx_family *family,
			     const struct smx_series *series);
void smx_composite_summary(const struct smx_rendering *rendering, const struct smx_family *family,
			   const struct smx_series *series);

#endif
