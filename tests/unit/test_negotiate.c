/* SPDX-License-Identifier: MIT */
/*
 * test_negotiate.c - who gets what: the Accept headers of scrapers, of people, and of nobody (I12)
 */
#include "shmetrics/exposition.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define T "text/plain; version=0.0.4; charset=utf-8"
#define T1 "text/plain; version=1.0.0; charset=utf-8; escaping="
#define O "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define O_UTF8 O "; escaping=allow-utf-8"
#define O2 "application/openmetrics-text; version=2.0.0; charset=utf-8; escaping="
#define P                                                                                          \
	"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "               \
	"encoding=delimited"

static const struct {
	const char *content_type;
	const char *accept;
} scrapers[] = {
	/* Prometheus 2.42, the same with native histograms, Prometheus 3.14, the same with them */
	{O, "application/openmetrics-text;version=1.0.0,"
	    "application/openmetrics-text;version=0.0.1;q=0.75,"
	    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"},
	{P, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
	    "encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,"
	    "application/openmetrics-text;version=0.0.1;q=0.75,"
	    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"},
	{O_UTF8, "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.7,"
		 "application/openmetrics-text;version=0.0.1;q=0.6,"
		 "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,"
		 "text/plain;version=0.0.4;q=0.4,*/*;q=0.3"},
	{P, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
	    "encoding=delimited;q=0.7,"
	    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
	    "application/openmetrics-text;version=0.0.1;q=0.5,"
	    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
	    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"},
	/* vmagent, curl, a browser, nothing */
	{T, "text/plain;version=0.0.4;q=1,*/*;q=0.1"},
	{T, "*/*"},
	{T, "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"},
	{T, ""},
	{T, NULL},
	/* what is missing is the oldest version */
	{T, "application/openmetrics-text"},
	{T, "application/openmetrics-text;version=0.0.1"},
	/* whose names are of any UTF-8 where nothing else is said, as prometheus/common has it */
	{O2 "allow-utf-8", "application/openmetrics-text;version=2.0.0"},
	{O2 "allow-utf-8", "application/openmetrics-text;version=2.0.0;escaping=none"},
	{O2 "underscores", "application/openmetrics-text;version=2.0.0;escaping=underscores"},
	{O2 "values", "application/openmetrics-text;version=1.0.0;q=0.9,"
		      "application/openmetrics-text;version=2.0.0;escaping=values"},
	{T, "application/openmetrics-text;version=3.0.0"},
	{O, "application/openmetrics-text;version=3.0.0,"
	    "application/openmetrics-text;version=1.0.0;q=0.1"},
	{T, "text/plain,application/openmetrics-text;version=1.0.0"},
	{T1 "underscores", "text/plain;version=1.0.0,"
			   "application/openmetrics-text;version=1.0.0;q=0.2"},
	{T1 "allow-utf-8", "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
			   "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"},
	{T1 "dots", "text/plain;version=1.0.0;escaping=dots"},
	{T1 "values", "text/plain;version=1.0.0;escaping=values"},
	{T, "text/plain;version=1.0.1;escaping=values"},
	/* the greatest q; of equals the first */
	{O, "text/plain;q=0.5,application/openmetrics-text;version=1.0.0;q=0.501"},
	{T, "text/plain;q=0.5,application/openmetrics-text;version=1.0.0;q=0.5"},
	{O, "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.5"},
	{T, "application/openmetrics-text;version=1.0.0;q=0"},
	{T, "application/openmetrics-text;version=1.0.0;q=0.000,*/*;q=0.001"},
	{O, "application/*"},
	{T, "text/*,application/openmetrics-text;version=1.0.0;q=0.9"},
	/* spaces, quotes, cases, other parameters */
	{O, "  Application/OpenMetrics-Text ; Version=1.0.0 ; Q=1.000 , text/plain;q=.9"},
	{O, "application/openmetrics-text; version=\"1.0.0\"; charset=UTF-8"},
	{T, "application/openmetrics-text; version=1.0.0; charset=latin1"},
	{O, "x/y;z=\"a,b;q=0\\\"\",application/openmetrics-text;version=1.0.0"},
	{T, "text/plain;x=\",application/openmetrics-text;version=1.0.0"},
	/* an escaping that there is: the clause's own, the last of two; others are none */
	{O "; escaping=dots", "application/openmetrics-text;version=1.0.0;escaping=dots"},
	{O "; escaping=values", "application/openmetrics-text; escaping=\"Values\"; version=1.0.0"},
	{O, "application/openmetrics-text;version=1.0.0;escaping=underscores"},
	{O, "application/openmetrics-text;version=1.0.0;escaping=none"},
	{O, "application/openmetrics-text;version=1.0.0;escaping="},
	{O_UTF8, "application/openmetrics-text;version=1.0.0;escaping=dots;escaping=allow-utf-8"},
	{O, "text/plain;version=0.0.4;escaping=allow-utf-8;q=0.1,"
	    "application/openmetrics-text;version=1.0.0"},
	{T, "text/plain;version=0.0.4;escaping=allow-utf-8"},
	{T, "*/*;escaping=dots"},
	/* protobuf: this message, delimited; the parameters in any order */
	{P "; escaping=allow-utf-8",
	 "application/vnd.google.protobuf;encoding=\"delimited\";escaping=allow-utf-8;"
	 "proto=io.prometheus.client.MetricFamily"},
	{T, "application/vnd.google.protobuf"},
	{T, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily"},
	{T, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
	    "encoding=text"},
	{T, "application/vnd.google.protobuf;proto=x.MetricFamily;encoding=delimited"},
	/* more parameters than anybody has: the first count */
	{O, "application/openmetrics-text;version=1.0.0;a;b;c;d;e;f;g;h;i;j;q=0.1,*/*;q=0.01"},
	{T, "application/openmetrics-text;a;b;c;d;e;f;g;h;i;j;version=1.0.0"},
	/* what is malformed accepts nothing */
	{T, "application/openmetrics-text;version=1.0.0;q=2"},
	{T, "application/openmetrics-text;version=1.0.0;q=high"},
	{T, "application/openmetrics-text;version=1.0.0;q=-1"},
	{T, "application/openmetrics-text;version=1.0.0;q="},
	{O, ",,;,/,;;=,\"application/openmetrics-text;version=1.0.0\","
	    "application/openmetrics-text;;version=1.0.0;"},
	{T, "openmetrics-text;version=1.0.0"},
	{T, "application/openmetrics-text/x;version=1.0.0"},
	{T, "*/openmetrics-text;version=1.0.0"},
};

static const char *choose(const char *accept)
{
	return smx_format_content_type(smx_format_choose(accept));
}

Test(negotiate, gives_each_scraper_what_it_asks_for)
{
	for (size_t i = 0; i < sizeof(scrapers) / sizeof(scrapers[0]); i++)
		cr_expect_str_eq(choose(scrapers[i].accept), scrapers[i].content_type, "%s",
				 scrapers[i].accept);
}

Test(negotiate, answers_what_it_is_not_asked_for_with_text_004)
{
	cr_expect_str_eq(smx_format_content_type((smx_exposition_type){0}), T);
	cr_expect_str_eq(smx_format_content_type((smx_exposition_type){.format = (smx_format)99}),
			 T);
	cr_expect_str_eq(smx_format_content_type((smx_exposition_type){SMX_FORMAT_OPENMETRICS_100,
								       (smx_escaping)99}),
			 T);
	cr_expect_str_eq(smx_format_content_type((smx_exposition_type){SMX_FORMAT_OPENMETRICS_100,
								       (smx_escaping)-1}),
			 T);
}

/* Nothing it is given makes it read beyond the end: for valgrind and ASan to see. */
Test(negotiate, ends_at_the_end)
{
	static const char accept[] = "application/openmetrics-text ; version=\"1.0.\\0\" ; "
				     "escaping=\"dots\" ; q=0.75 , text/plain;q=\"1";

	for (size_t size = 0; size <= sizeof(accept); size++) {
		char *copy = strndup(accept, size);

		cr_expect_str_eq(choose(copy), T);
		free(copy);
	}
}
