/* SPDX-License-Identifier: MIT */
/*
 * fold.h - what the dead owners of a slot held goes on counting
 */
#ifndef SMX_FOLD_H
#define SMX_FOLD_H

#include "segment.h"

/*
 * Folds the live cells of a slot's dead owner into its retired ones. Under the slot's claim lock,
 * before the next owner's generation is published. Allocates nothing.
 */
void smx_fold_slot(const struct smx_segment *segment, const smx_layout_slot *slot);

#endif
