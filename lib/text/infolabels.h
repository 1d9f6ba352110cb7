/* SPDX-License-Identifier: MIT */
/*
 * infolabels.h - the labels of an info, which are values and have names of any kind
 */
#ifndef SMX_TEXT_INFOLABELS_H
#define SMX_TEXT_INFOLABELS_H

#include "text/merge.h"

#define SMX_INFOLABELS_MAX 64u /* of one info; of more the first are looked at */

/*
 * The labels that an info was given, under the names by which they are written behind those of the
 * family, without those that cannot be. family: as it is written. is_quoted: names that need it
 * stand in quotes. labels: room for SMX_INFOLABELS_MAX. names: where their names are. Returns how
 * many there are. On want of memory names->failed is set.
 */
size_t smx_infolabels_spell(const struct smx_family *family, smx_escaping escaping, bool is_quoted,
			    const smx_label *given, size_t count, smx_label *labels,
			    smx_buffer *names);

#endif
