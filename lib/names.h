/* SPDX-License-Identifier: MIT */
/*
 * names.h - which names are allowed, and which belong together
 */
#ifndef SMX_NAMES_H
#define SMX_NAMES_H

#include "shmetrics/shmetrics.h"

/*
 * Checks a definition as shmetrics.h describes it. *name_size: bytes of the name without a
 * counter's _total. Fails: INVALID, naming the family, the offending part and the rule.
 */
smx_status smx_names_check(const smx_definition *definition, smx_kind kind, smx_gauge_mode mode,
			   size_t *name_size, smx_error *error);

/* Whether it may name a label: UTF-8, 1 to 255 bytes, no "__" in front. */
bool smx_names_is_label(smx_text name);
/* Whether it means something to a Prometheus: le, of buckets, and quantile, of summaries. */
bool smx_names_is_reserved(smx_text name);
/* Of an exemplar, which no scraper reads with others: [a-zA-Z_][a-zA-Z0-9_]*, the rest as above. */
bool smx_names_is_exemplar_label(smx_text name);

/*
 * Whether two families own a sample name or family name in common: counter x owns x, x_total and
 * x_created; histogram x owns x, x_bucket, x_sum, x_count and x_created; summary x the same without
 * x_bucket; info x owns x and x_info; gauge and state set x own x.
 */
bool smx_names_collide(smx_text name_a, smx_kind kind_a, smx_text name_b, smx_kind kind_b);

#endif
