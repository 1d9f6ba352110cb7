/* SPDX-License-Identifier: MIT */
/*
 * query.c - the query of a request's target, taken apart here
 */
#include "query.h"

#include <string.h>

char *query_cut(const char *target)
{
	/* The log callback's argument is const; the buffer it points to is not. */
	char *mark = strchr(target, '?');
	char *query = mark ? strdup(mark + 1) : NULL;

	if (mark && mark[1])
		mark[1] = '\0';
	return query;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is no escape stays as it is. */
static smx_text decode(char *text, size_t size)
{
	char *out = text;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '+') {
			*out++ = ' ';
		} else if (text[i] == '%' && size - i > 2 && digit(text[i + 1]) >= 0 &&
			   digit(text[i + 2]) >= 0) {
			*out++ = (char)(digit(text[i + 1]) << 4 | digit(text[i + 2]));
			i += 2;
		} else {
			*out++ = text[i];
		}
	}
	return (smx_text){text, (size_t)(out - text)};
}

bool query_next(char **at, smx_text *name, smx_text *value)
{
	char *argument = *at;
	size_t size = strcspn(argument, "&");
	size_t name_size = strcspn(argument, "=&");

	if (*argument == '\0')
		return false;
	*at = argument + size + (argument[size] == '&');
	*name = decode(argument, name_size);
	*value = name_size < size ? decode(argument + name_size + 1, size - name_size - 1)
				  : (smx_text){"", 0};
	return true;
}
