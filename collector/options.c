/* SPDX-License-Identifier: MIT */
/*
 * options.c - the flags of shmetrics-collector: one table for what is parsed and what --help says
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "routes.h"
#include "shmetrics/version.h"

#define STRING(x) #x
#define STRING_OF(x) STRING(x)
#define DEFAULT_DIRECTORY "/dev/shm"
#define DEFAULT_LISTEN "127.0.0.1:" STRING_OF(SMX_DEFAULT_PORT)
#define DEFAULT_MAX_REQUESTS 40
#define DEFAULT_MAX_ANSWER_MIB 256

struct rule {
	char text[200];
};

static bool breaks(struct rule *rule, const char *text)
{
	snprintf(rule->text, sizeof(rule->text), "%s", text);
	return false;
}

/* ---- one function a flag: takes the value or says which rule it breaks ---- */

static bool set_segment(struct options *options, const char *value, struct rule *rule)
{
	if (options->segment_count == OPTIONS_PATTERN_MAX)
		return breaks(rule,
			      "may be given " STRING_OF(OPTIONS_PATTERN_MAX) " times; use a glob");
	options->segments[options->segment_count++] = value;
	return true;
}

static bool set_directory(struct options *options, const char *value, struct rule *rule)
{
	if (*value == '\0')
		return breaks(rule, "must name a directory");
	options->directory = value;
	return true;
}

static bool set_owner(struct options *options, const char *value, struct rule *rule)
{
	const struct passwd *user;
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (*value >= '0' && *value <= '9' && *end == '\0') {
		if (errno || number >= UINT32_MAX)
			return breaks(rule, "a user id is a number from 0 to 4294967294");
		options->reader.owner_id = number;
		return true;
	}
	user = getpwnam(value);
	if (!user)
		return breaks(rule, "must be a user id or the name of a user of this system");
	options->reader.owner_id = user->pw_uid;
	return true;
}

/* A positive number with a unit of bytes. */
static bool take_bytes(const char *value, uint64_t *bytes, struct rule *rule)
{
	static const struct {
		const char *name;
		int shift;
	} units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || errno || number == 0)
		return breaks(rule,
			      "must be a positive number of bytes, such as 1073741824 or 1GiB");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		if (number > UINT64_MAX >> units[i].shift)
			return breaks(rule, "must be below 2^64 bytes");
		*bytes = (uint64_t)number << units[i].shift;
		return true;
	}
	return breaks(rule, "the unit must be KiB, MiB or GiB");
}

static bool set_max_bytes(struct options *options, const char *value, struct rule *rule)
{
	return take_bytes(value, &options->reader.size_limit_bytes, rule);
}

static bool set_label(struct options *options, const char *value, struct rule *rule)
{
	(void)value, (void)rule;
	options->reader.label_name = "segment";
	return true;
}

static bool set_listen(struct options *options, const char *value, struct rule *rule)
{
	if (options->listen_count == OPTIONS_LISTEN_MAX)
		return breaks(rule, "may be given " STRING_OF(OPTIONS_LISTEN_MAX) " times");
	if (!listener_parse(&options->listen[options->listen_count], value, rule->text,
			    sizeof(rule->text)))
		return false;
	for (size_t i = 0; i < options->listen_count; i++) {
		if (!listener_conflicts(&options->listen[options->listen_count],
					&options->listen[i]))
			continue;
		snprintf(rule->text, sizeof(rule->text), "cannot be listened on beside %s",
			 options->listen[i].text);
		return false;
	}
	options->listen_count++;
	return true;
}

static bool set_systemd_socket(struct options *options, const char *value, struct rule *rule)
{
	(void)value, (void)rule;
	options->systemd_socket = true;
	return true;
}

static bool set_web_config(struct options *options, const char *value, struct rule *rule)
{
	if (*value == '\0')
		return breaks(rule, "must name a file");
	options->web_config = value;
	return true;
}

static bool set_lifecycle(struct options *options, const char *value, struct rule *rule)
{
	(void)value, (void)rule;
	options->lifecycle = true;
	return true;
}

static bool set_telemetry_path(struct options *options, const char *value, struct rule *rule)
{
	if (value[0] != '/' || value[strcspn(value, "?#% \t\"<>\\")] != '\0')
		return breaks(rule, "must start with a slash and have no ?, #, %, quote or space");
	for (const char *at = value; *at; at++)
		if ((unsigned char)*at <= 0x20 || (unsigned char)*at >= 0x7F)
			return breaks(rule, "must be printable ASCII");
	if (routes_is_taken(value))
		return breaks(rule, "this path has another meaning already");
	options->telemetry_path = value;
	return true;
}

static bool set_max_requests(struct options *options, const char *value, struct rule *rule)
{
	if (strlen(value) < 1 || strlen(value) > 6 || value[strspn(value, "0123456789")] != '\0')
		return breaks(rule, "must be a number from 0 (no limit) to 999999");
	options->max_requests = (unsigned)atoi(value);
	return true;
}

static bool set_max_answer_bytes(struct options *options, const char *value, struct rule *rule)
{
	options->max_answer_bytes = 0;
	return strcmp(value, "0") == 0 || take_bytes(value, &options->max_answer_bytes, rule);
}

static bool set_disable_exporter_metrics(struct options *options, const char *value,
					 struct rule *rule)
{
	(void)value, (void)rule;
	options->exporter_metrics = false;
	return true;
}

static bool set_log_level(struct options *options, const char *value, struct rule *rule)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) == 0) {
			options->log_level = (enum log_level)i;
			return true;
		}
	}
	return breaks(rule, "must be debug, info, warn or error");
}

static bool set_log_format(struct options *options, const char *value, struct rule *rule)
{
	if (strcmp(value, "logfmt") != 0 && strcmp(value, "json") != 0)
		return breaks(rule, "must be logfmt or json");
	options->log_format = *value == 'j' ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT;
	return true;
}

static bool set_check_config(struct options *options, const char *value, struct rule *rule)
{
	(void)value, (void)rule;
	options->check_config = true;
	return true;
}

/* ---- the table ---- */

struct flag {
	const char *name;
	const char *value; /* NULL: takes none */
	const char *help;
	bool (*set)(struct options *options, const char *value, struct rule *rule);
};

static const struct flag flags[] = {
	{"segment", "NAME|GLOB|PATH",
	 "Segment to serve: a name, a glob such as 'app-*', or a path of either. May be repeated. "
	 "Default: *",
	 set_segment},
	{"segment.dir", "DIR",
	 "Where segments given without a slash live. Default: the environment variable "
	 "SHMETRICS_DIR, "
	 "else " DEFAULT_DIRECTORY,
	 set_directory},
	{"segment.owner", "UID|NAME",
	 "Also serve files of this user. Always served: files of this process's user and of root.",
	 set_owner},
	{"segment.max-bytes", "BYTES",
	 "Refuse segments that may grow beyond this; KiB, MiB and GiB are understood. Default: "
	 "64GiB",
	 set_max_bytes},
	{"segment.label", NULL,
	 "Give every series the label `segment` with the name of its segment, so that equal ones "
	 "of "
	 "different segments are not added up. A label of theirs with that name becomes "
	 "exported_segment.",
	 set_label},
	{"web.listen-address", "ADDR:PORT",
	 "Address to listen on; :PORT is every address, port 0 lets the system choose one. May be "
	 "repeated. Default: " DEFAULT_LISTEN,
	 set_listen},
	{"web.systemd-socket", NULL,
	 "Listen on the sockets that systemd hands over (socket activation), instead of on "
	 "addresses.",
	 set_systemd_socket},
	{"web.config.file", "FILE",
	 "TLS, client certificates, users and headers, in the format of the Prometheus exporter "
	 "toolkit. It and the files it names are read anew when they change. Default: plain HTTP, "
	 "for everybody",
	 set_web_config},
	{"web.enable-lifecycle", NULL, "Serve POST and PUT /-/reload, which do what SIGHUP does.",
	 set_lifecycle},
	{"web.telemetry-path", "PATH", "Path of the metrics. Default: /metrics",
	 set_telemetry_path},
	{"web.max-requests", "N",
	 "Scrapes answered at the same time; further ones get status 503. 0: no limit. "
	 "Default: " STRING_OF(DEFAULT_MAX_REQUESTS),
	 set_max_requests},
	{"web.max-answer-bytes", "BYTES",
	 "What the answers that are being sent may hold of memory together; further scrapes get "
	 "status 503. One answer is always sent. KiB, MiB and GiB are understood. 0: no limit. "
	 "Default: " STRING_OF(DEFAULT_MAX_ANSWER_MIB) "MiB",
	 set_max_answer_bytes},
	{"web.disable-exporter-metrics", NULL,
	 "Leave out the metrics about the collector itself: process_*, shmetrics_collector_* and "
	 "shmetrics_config_*.",
	 set_disable_exporter_metrics},
	{"log.level", "LEVEL", "Least level to log: debug, info, warn or error. Default: info",
	 set_log_level},
	{"log.format", "FORMAT", "logfmt or json. Default: logfmt", set_log_format},
	{"check-config", NULL,
	 "Check the flags, the addresses and the web configuration with all its files, and exit: 0 "
	 "good, 2 bad.",
	 set_check_config},
	{"version", NULL, "Print the version and exit.", NULL},
	{"help", NULL, "Print this and exit.", NULL},
};

#define FLAG_COUNT (sizeof(flags) / sizeof(flags[0]))

/* Words, folded at 72 columns. */
static void print_folded(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t size = strcspn(text, " ");

		if (column && column + 1 + size > 72) {
			printf("\n");
			column = 0;
		}
		printf("%s%.*s", column ? " " : "      ", (int)size, text);
		column += size + 1;
		text += size;
		text += strspn(text, " ");
	}
	printf("\n");
}

static void print_help(void)
{
	printf("Usage: shmetrics-collector [FLAG...]\n"
	       "Serves the metrics in shared-memory segments to Prometheus over HTTP.\n\n");
	for (size_t i = 0; i < FLAG_COUNT; i++) {
		printf("  --%s%s%s\n", flags[i].name, flags[i].value ? "=" : "",
		       flags[i].value ? flags[i].value : "");
		print_folded(flags[i].help);
	}
	printf("\nPaths:\n"
	       "  /metrics, /api/v1/metrics    what Prometheus scrapes\n"
	       "  /segments/NAME/metrics       one segment by itself\n"
	       "  /collector/metrics           the collector's own metrics alone\n"
	       "  /api/v1/sd                   the two above as targets, for HTTP service "
	       "discovery\n"
	       "  /api/v1/health/ready         200 if every segment has a live writer and all "
	       "health\n"
	       "                               checks of the applications are up, else 503; JSON\n"
	       "  /health, /api/v1/health/live whether the collector lives; JSON\n"
	       "  /-/healthy, /-/ready         the same as text; ready: it has a segment to serve\n"
	       "  /api/v1/segments             what it serves; JSON\n"
	       "  /-/reload                    POST or PUT: reads the web configuration anew, "
	       "looks\n"
	       "                               for segments anew (--web.enable-lifecycle)\n");
}

static enum options_outcome refuse(const char *flag, const char *value, const char *rule)
{
	fprintf(stderr, "shmetrics-collector: --%s \"%s\": %s\n", flag, value, rule);
	return OPTIONS_EXIT_USAGE;
}

/* One that is not there yet may come. */
static bool is_no_folder(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 ? !S_ISDIR(file.st_mode) : errno == ENOTDIR;
}

static enum options_outcome make_patterns(struct options *options)
{
	char rule[200];

	if (options->segment_count == 0)
		options->segments[options->segment_count++] = "*";
	for (size_t i = 0; i < options->segment_count; i++) {
		if (!pattern_parse(&options->patterns[i], options->segments[i], options->directory,
				   rule, sizeof(rule)))
			return refuse("segment", options->segments[i], rule);
		options->pattern_count++;
		if (is_no_folder(options->patterns[i].directory))
			return strchr(options->segments[i], '/')
				       ? refuse("segment", options->segments[i],
						"what is before the last slash is not a folder")
				       : refuse("segment.dir", options->directory,
						"this (or SHMETRICS_DIR) is not a folder");
	}
	return OPTIONS_RUN;
}

static enum options_outcome choose_addresses(struct options *options)
{
	struct rule rule;

	if (options->systemd_socket)
		return options->listen_count == 0
			       ? OPTIONS_RUN
			       : refuse("web.systemd-socket", "",
					"cannot be used with --web.listen-address");
	if (options->listen_count == 0 && !set_listen(options, DEFAULT_LISTEN, &rule))
		return refuse("web.listen-address", DEFAULT_LISTEN, rule.text);
	for (size_t i = 0; options->check_config && i < options->listen_count; i++)
		if (!listener_check(&options->listen[i], rule.text, sizeof(rule.text)))
			return refuse("web.listen-address", options->listen[i].text, rule.text);
	return OPTIONS_RUN;
}

static enum options_outcome take_flag(struct options *options, const struct flag *flag)
{
	const char *value = optarg ? optarg : "";
	struct rule rule;

	if (flag->set)
		return flag->set(options, value, &rule) ? OPTIONS_RUN
							: refuse(flag->name, value, rule.text);
	if (strcmp(flag->name, "version") == 0)
		printf("shmetrics-collector %s (library %s)\n", SMX_VERSION, smx_version());
	else
		print_help();
	return OPTIONS_EXIT_SUCCESS;
}

static enum options_outcome read_command_line(struct options *options, int argc, char **argv)
{
	struct option known[FLAG_COUNT + 1] = {{0}};
	int index;

	for (size_t i = 0; i < FLAG_COUNT; i++)
		known[i] = (struct option){.name = flags[i].name,
					   .has_arg = flags[i].value ? required_argument
								     : no_argument};
	opterr = 0;
	for (;;) {
		enum options_outcome outcome;
		int found = getopt_long(argc, argv, "+:", known, &index);

		if (found == -1)
			break;
		if (found != 0) {
			fprintf(stderr, "shmetrics-collector: %s: %s\n", argv[optind - 1],
				found == ':' ? "needs a value"
					     : "no such flag, or one that takes no "
					       "value; see --help");
			return OPTIONS_EXIT_USAGE;
		}
		outcome = take_flag(options, &flags[index]);
		if (outcome != OPTIONS_RUN)
			return outcome;
	}
	if (optind < argc) {
		fprintf(stderr,
			"shmetrics-collector: %s: only flags are taken; segments are named by "
			"--segment\n",
			argv[optind]);
		return OPTIONS_EXIT_USAGE;
	}
	return OPTIONS_RUN;
}

enum options_outcome options_parse(struct options *options, int argc, char **argv)
{
	const char *directory = getenv("SHMETRICS_DIR");
	enum options_outcome outcome;

	*options = (struct options){
		.directory = directory && *directory ? directory : DEFAULT_DIRECTORY,
		.reader = {.owner_id = -1},
		.telemetry_path = "/metrics",
		.max_requests = DEFAULT_MAX_REQUESTS,
		.max_answer_bytes = (size_t)DEFAULT_MAX_ANSWER_MIB << 20,
		.exporter_metrics = true,
		.log_level = LOG_LEVEL_INFO,
		.log_format = LOG_FORMAT_LOGFMT,
	};
	outcome = read_command_line(options, argc, argv);
	if (outcome == OPTIONS_RUN)
		outcome = make_patterns(options);
	if (outcome == OPTIONS_RUN)
		outcome = choose_addresses(options);
	return outcome;
}

void options_free(struct options *options)
{
	for (size_t i = 0; i < options->pattern_count; i++)
		pattern_free(&options->patterns[i]);
}
