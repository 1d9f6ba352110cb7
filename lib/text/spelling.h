/* SPDX-License-Identifier: MIT */
/*
 * spelling.h - families with names beyond the older character set, as one scraper gets them
 *
 * Nearly every family is plain: the text of its series is made once, and is the same for every
 * scraper. What is not plain has a spelling for each escaping, and the texts of its series are
 * written anew by it at each scrape.
 */
#ifndef SMX_TEXT_SPELLING_H
#define SMX_TEXT_SPELLING_H

#include "text/merge.h"

struct smx_spelling {
	/* Without a suffix; as between the quotes if it is quoted. */
	smx_text name;
	smx_text *label_names; /* with their quotes; of a state set its own label behind them */
	size_t label_count;
	bool is_quoted;
	bool is_fit; /* its labels can be told apart, and mean nothing to Prometheus */
	smx_buffer text, head, tails;
	size_t *tail_ends; /* of state sets alone */
};

/* Makes what a family that is not plain has for this escaping. False: no memory. */
bool smx_spelling_make(struct smx_family *family, smx_escaping escaping);
void smx_spelling_free(struct smx_spelling *spelling);

/* The family's name as it is written, without a suffix and without quotes. */
static inline smx_text smx_spelling_name(const struct smx_family *family, smx_escaping escaping)
{
	return family->is_plain ? family->name : family->spellings[escaping]->name;
}

/*
 * A copy for rendering, whose names are those of the spelling; it lives as long as the family. Its
 * pairs are its own.
 */
struct smx_family smx_spelling_apply(const struct smx_family *family, smx_escaping escaping);

/*
 * The series of such a copy, in `scratch`: it lives until the next one. NULL: no memory, and
 * scratch->failed is set.
 */
const struct smx_series *smx_spelling_series(const struct smx_family *copy,
					     const struct smx_series *series, smx_buffer *scratch);

#endif
