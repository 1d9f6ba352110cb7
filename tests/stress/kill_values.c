/* SPDX-License-Identifier: MIT */
/*
 * kill_values.c - kills while what is too large for one swap is written, and while the kinds beside
 * counters, gauges and histograms are defined
 */
#include "kill.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static smx_label label(const char *name, const char *value)
{
	return (smx_label){{name, strlen(name)}, {value, strlen(value)}};
}

static void check_undamaged(struct scene *scene)
{
	stress_walk(scene->reader);
	CHECK(smx_reader_information(scene->reader)->damaged_count == 0,
	      "kill %" PRIu64 ": damaged", scene->number);
}

/* ---- outcomes of health checks ---- */

static smx_health health;

static void begin_health(struct scene *scene)
{
	scene_begin(scene);
	REQUIRE(smx_health_define(scene->segment, "h", 3600, &health, NULL) == SMX_OK, "define");
	smx_health_report(health, true, 0, "a");
}

/* Every other one is up; its duration is its number. */
static void report(uint64_t number)
{
	smx_health_report(health, number & 1, (double)number, number & 1 ? "odd" : "even");
}

static void report_before(struct scene *scene)
{
	report(scene->expected);
}

static void report_it(void *data)
{
	report(((struct scene *)data)->expected + 1);
}

static uint64_t reported(struct scene *scene)
{
	const smx_health_view *view;
	const char *detail;
	uint64_t number;

	check_undamaged(scene);
	view = smx_reader_health(scene->reader, 0);
	REQUIRE(view->reported, "kill %" PRIu64 ": no outcome is left", scene->number);
	number = (uint64_t)view->duration_seconds;
	detail = number & 1 ? "odd" : "even";
	CHECK(view->up == (bool)(number & 1) && view->detail.size == strlen(detail) &&
		      memcmp(view->detail.data, detail, strlen(detail)) == 0,
	      "kill %" PRIu64 ": a torn outcome", scene->number);
	return number;
}

static void after_reporting(struct scene *scene)
{
	uint64_t number = reported(scene);

	CHECK(number == scene->expected + 1 || (number == scene->expected && !scene->finished),
	      "outcome %" PRIu64 " after %" PRIu64, number, scene->expected);
	scene->expected += 2;
	report(scene->expected);
	CHECK(reported(scene) == scene->expected, "the next report is not served");
	scene->expected++;
}

/* ---- exemplars ---- */

static void begin_exemplar(struct scene *scene)
{
	scene_begin(scene);
	scene_aim(scene, "family", "label");
	scene->handle = target_find(scene->segment, &scene->target);
}

/* A series that has none yet: the first makes room for them. */
static void before_first_exemplar(struct scene *scene)
{
	char name[32];

	snprintf(name, sizeof name, "series%" PRIu64, scene->number);
	scene_aim(scene, "family", name);
	scene->handle = target_find(scene->segment, &scene->target);
	scene->expected = 0;
}

static void observe(struct scene *scene, const char *trace)
{
	smx_label labels[] = {label("trace_id", trace)};

	smx_histogram_observe_exemplar(scene->handle.histogram, kill_value, labels, 1);
}

static void observe_it(void *data)
{
	observe(data, "killed");
}

/* Whether the target's exemplar is the one with this trace; a torn one is a failure. */
static bool is_exemplar(struct scene *scene, const char *trace)
{
	const char *values[] = {scene->target.label};
	const smx_series_view *series = stress_series(
		scene->reader, stress_family(scene->reader, scene->target.family), values);
	smx_exemplar_view view;
	smx_text value;

	if (!smx_reader_exemplar(scene->reader, series, 1, &view))
		return false;
	value = view.labels[0].value;
	CHECK(view.value == kill_value && view.label_count == 1 &&
		      ((value.size == 6 && memcmp(value.data, "killed", 6) == 0) ||
		       (value.size == 5 && memcmp(value.data, "later", 5) == 0)),
	      "kill %" PRIu64 ": a torn exemplar", scene->number);
	return value.size == strlen(trace);
}

/* The observation is counted whatever became of its exemplar. */
static void after_observing(struct scene *scene)
{
	uint64_t count;

	check_undamaged(scene);
	count = scene_count(scene);
	CHECK(count == scene->expected + 1 || (count == scene->expected && !scene->finished),
	      "%" PRIu64 " observations after %" PRIu64, count, scene->expected);
	CHECK(is_exemplar(scene, "killed") || !scene->finished, "its exemplar is not served");
	observe(scene, "later");
	stress_walk(scene->reader); /* the segment may have grown for it */
	CHECK(is_exemplar(scene, "later"), "the next exemplar is not served");
	scene->expected = count + 1;
	scene_check(scene, 1, scene->expected);
}

/* ---- infos ---- */

static smx_info info;

static void begin_info(struct scene *scene)
{
	smx_definition definition = {.name = "info"};
	smx_info_family family;

	scene_begin(scene);
	REQUIRE(smx_info_define(scene->segment, &definition, &family, NULL) == SMX_OK, "define");
	info = smx_info_with(family, NULL);
}

static void set_info(uint64_t number)
{
	char text[24];
	smx_label labels[2];

	snprintf(text, sizeof text, "%" PRIu64, number);
	labels[0] = label("a", text);
	labels[1] = label("b", text);
	smx_info_set(info, labels, 2, NULL);
}

static void set_before(struct scene *scene)
{
	set_info(2 * scene->number);
}

static void set_it(void *data)
{
	set_info(2 * ((struct scene *)data)->number + 1);
}

static void after_informing(struct scene *scene)
{
	const smx_label *labels;
	char old[24], new[24];
	size_t count;
	smx_text a, b;

	check_undamaged(scene);
	count = smx_reader_info_labels(
		scene->reader,
		stress_series(scene->reader, stress_family(scene->reader, "info"), NULL), &labels);
	REQUIRE(count == 2, "kill %" PRIu64 ": %zu labels", scene->number, count);
	a = labels[0].value;
	b = labels[1].value;
	snprintf(old, sizeof old, "%" PRIu64, 2 * scene->number);
	snprintf(new, sizeof new, "%" PRIu64, 2 * scene->number + 1);
	CHECK(a.size == b.size && memcmp(a.data, b.data, a.size) == 0, "a torn label set");
	CHECK((a.size == strlen(new) && memcmp(a.data, new, a.size) == 0) ||
		      (!scene->finished && a.size == strlen(old) &&
		       memcmp(a.data, old, a.size) == 0),
	      "kill %" PRIu64 ": neither the old labels nor the new", scene->number);
}

/* ---- defining ---- */

/* One of each, named by the number of the kill. */
static void define_all(void *data)
{
	static const char *const states[] = {"on", "off"};
	struct scene *scene = data;
	char names[4][32];
	smx_definition summary = {.name = names[0]}, described = {.name = names[1]};
	smx_definition set = {.name = names[2]};
	smx_summary_family summaries;
	smx_info_family infos;
	smx_state_set_family sets;
	smx_health check;

	snprintf(names[0], sizeof names[0], "summary%" PRIu64, scene->number);
	snprintf(names[1], sizeof names[1], "info%" PRIu64, scene->number);
	snprintf(names[2], sizeof names[2], "set%" PRIu64, scene->number);
	snprintf(names[3], sizeof names[3], "check%" PRIu64, scene->number);
	CHECK(smx_summary_define(scene->segment, &summary, &summaries, NULL) == SMX_OK &&
		      smx_info_define(scene->segment, &described, &infos, NULL) == SMX_OK &&
		      smx_state_set_define(scene->segment, &set, states, 2, &sets, NULL) ==
			      SMX_OK &&
		      smx_health_define(scene->segment, names[3], 1, &check, NULL) == SMX_OK,
	      "define");
	smx_summary_observe(smx_summary_with(summaries, NULL), 3);
	smx_state_set_set(smx_state_set_with(sets, NULL), 1);
}

static const smx_series_view *series_named(struct scene *scene, const char *name)
{
	char text[32];

	snprintf(text, sizeof text, "%s%" PRIu64, name, scene->number);
	return stress_series(scene->reader, stress_family(scene->reader, text), NULL);
}

/* A segment has room for so many checks. */
static void before_defining(struct scene *scene)
{
	if (scene->number % 200 != 199)
		return;
	scene->used_earlier = scene_used_bytes(scene);
	scene_end(scene);
	scene_begin(scene);
}

static void after_defining(struct scene *scene)
{
	const smx_series_view *summary, *set;
	smx_gauge_sample total;
	uint64_t count = 0;
	size_t state = 0;
	double sum = 0;

	define_all(scene);
	check_undamaged(scene);
	summary = series_named(scene, "summary");
	set = series_named(scene, "set");
	REQUIRE(summary && set && series_named(scene, "info"),
		"kill %" PRIu64 ": a family is missing", scene->number);
	smx_reader_summary(scene->reader, summary, &count, &sum);
	CHECK((count == 1 || count == 2) && sum == 3 * (double)count,
	      "%" PRIu64 " values of sum %g", count, sum);
	smx_reader_state(scene->reader, set, &state, &total);
	CHECK(state == 1, "the state is %zu", state);
}

const struct kill_case kill_value_cases[] = {
	{"health, report", SMX_GAUGE, begin_health, report_before, NULL, report_it, after_reporting,
	 scene_end, false, false},
	{"exemplar", SMX_HISTOGRAM, begin_exemplar, NULL, NULL, observe_it, after_observing,
	 scene_end, false, false},
	{"exemplar, the first", SMX_HISTOGRAM, begin_exemplar, before_first_exemplar, NULL,
	 observe_it, after_observing, scene_end, false, false},
	{"info, set", SMX_GAUGE, begin_info, set_before, NULL, set_it, after_informing, scene_end,
	 false, false},
	{"define other kinds", SMX_GAUGE, scene_begin, before_defining, NULL, define_all,
	 after_defining, scene_end, false, false},
	{.name = NULL},
};
