/* SPDX-License-Identifier: MIT */
/*
 * escape.h - names beyond the older character set, written in it
 */
#ifndef SMX_TEXT_ESCAPE_H
#define SMX_TEXT_ESCAPE_H

#include "shmetrics/exposition.h"

#define SMX_ESCAPING_COUNT (SMX_ESCAPING_ALLOW_UTF8 + 1)

/*
 * Appends the name by one of the schemes of Prometheus, which see to it that what comes out has
 * nothing but letters, digits, underscores and, in the name of a metric (colons), colons, and no
 * digit in front. A name that is so already stays as it is, as does every name with ALLOW_UTF8.
 * Different names may come out alike, but by VALUES alone of those that it changes.
 */
void smx_escape_name(smx_buffer *buffer, smx_text name, smx_escaping escaping, bool colons);

#endif
