/* SPDX-License-Identifier: MIT */
/*
 * list.c - `shmetrics ls`: what is in the folder of segments
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "details.h"
#include "json.h"
#include "shmetrics/layout.h"
#include "shmetrics/reader.h"
#include "shmetrics/shmetrics.h"
#include "tool.h"

static const char list_help[] =
	"Usage: shmetrics ls [--json]\n\n"
	"Lists the segments in the folder SHMETRICS_DIR, /dev/shm if that is not set. STATE is "
	"live while a\n"
	"process holds the segment, dead when none does (the next process to open it begins anew), "
	"and\n"
	"refused where the file cannot be read as a segment: PROBLEM says why.\n\n"
	"      --json  as a JSON array, with more of each\n"
	"  -h, --help  this text\n\n"
	"Examples:\n"
	"  shmetrics ls\n"
	"  SHMETRICS_DIR=/run/shop shmetrics ls --json\n";

static int main_list(int argc, char **argv);

const struct tool_command list_command = {
	.name = "ls",
	.summary = "list segments",
	.help = list_help,
	.main = main_list,
};

struct entry {
	char *name; /* of the file, without the suffix */
	const char *state;
	char path[PATH_MAX];
	char problem[300];
	smx_reader_info info;
	smx_writer_view *writers;
	size_t writer_count;
};

struct listing {
	char folder[PATH_MAX];
	struct entry *entries;
	size_t count;
};

/* ---- looking ---- */

/* The layout version in a file name "NAME.smxN"; 0: none. *name_size: of NAME. */
static unsigned file_name_version(const char *file_name, size_t *name_size)
{
	const char *dot = strrchr(file_name, '.');
	size_t digits;

	if (file_name[0] == '.' || !dot || strncmp(dot, ".smx", 4) != 0)
		return 0;
	digits = strspn(dot + 4, "0123456789");
	if (digits < 1 || digits > 4 || dot[4 + digits])
		return 0;
	*name_size = (size_t)(dot - file_name);
	return (unsigned)strtoul(dot + 4, NULL, 10);
}

static void look_inside(struct entry *entry)
{
	static const smx_reader_options any_owner = {.flags = SMX_READER_ANY_OWNER};
	smx_reader *reader = NULL;
	smx_error error = {0};

	entry->state = "refused";
	if (smx_reader_open(entry->path, &any_owner, &reader, &error) != SMX_OK ||
	    smx_reader_walk(reader, &error) != SMX_OK) {
		snprintf(entry->problem, sizeof(entry->problem), "%s",
			 message_within(entry->path, error.message));
		goto out;
	}
	entry->info = *smx_reader_information(reader);
	entry->state = entry->info.slots_live ? "live" : "dead";
	if (entry->info.damaged_count)
		snprintf(entry->problem, sizeof(entry->problem), "%llu damaged records",
			 (unsigned long long)entry->info.damaged_count);
	entry->writers = details_copy_writers(reader, &entry->writer_count);
	if (!entry->writers)
		entry->writer_count = 0;
out:
	smx_reader_close(reader);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static bool add_entry(struct listing *listing, const char *file_name)
{
	size_t name_size;
	unsigned version = file_name_version(file_name, &name_size);
	struct entry *entries, *entry;

	if (version == 0)
		return true;
	entries = realloc(listing->entries, (listing->count + 1) * sizeof(*entries));
	if (!entries)
		return false;
	listing->entries = entries;
	entry = &entries[listing->count];
	memset(entry, 0, sizeof(*entry));
	entry->name = strndup(file_name, name_size);
	if (!entry->name)
		return false;
	listing->count++;
	snprintf(entry->path, sizeof(entry->path), "%.*s/%s", (int)(PATH_MAX - 257),
		 listing->folder, file_name);
	if (version == SMX_LAYOUT_VERSION_MAJOR) {
		look_inside(entry);
	} else {
		entry->state = "refused";
		snprintf(entry->problem, sizeof(entry->problem),
			 "layout version %u; this shmetrics reads version %u", version,
			 SMX_LAYOUT_VERSION_MAJOR);
	}
	return true;
}

/* Where a plain name leads to is the library's to say. */
static bool find_folder(char *folder, size_t folder_size)
{
	smx_error error;
	char *slash;

	if (smx_segment_resolve("x", NULL, folder, folder_size, &error) != SMX_OK) {
		say("%s", error.message);
		return false;
	}
	slash = strrchr(folder, '/');
	slash[slash == folder ? 1 : 0] = '\0';
	return true;
}

static int look_at_folder(struct listing *listing)
{
	struct dirent *file;
	DIR *stream;
	bool room = true;

	if (!find_folder(listing->folder, sizeof(listing->folder)))
		return TOOL_FAILED;
	stream = opendir(listing->folder);
	if (!stream) {
		say("%s: %s", listing->folder, strerror(errno));
		return TOOL_FAILED;
	}
	while (room && (file = readdir(stream)))
		room = add_entry(listing, file->d_name);
	closedir(stream);
	if (!room) {
		say("out of memory");
		return TOOL_FAILED;
	}
	if (listing->count)
		qsort(listing->entries, listing->count, sizeof(*listing->entries), by_name);
	return TOOL_DONE;
}

/* ---- telling ---- */

static const char *bytes_text(uint64_t bytes, char *text, size_t text_size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1023.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(text, text_size, value < 9.95 && unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

static void print_entry(const struct entry *entry, int name_width)
{
	char size[24] = "-", used[24] = "-", created[32] = "-", writers[16] = "-", series[24] = "-";
	time_t seconds = (time_t)(entry->info.created_unix_ns / 1000000000u);
	struct tm local;

	if (strcmp(entry->state, "refused") != 0) {
		bytes_text(entry->info.size_bytes, size, sizeof(size));
		bytes_text(entry->info.used_bytes, used, sizeof(used));
		snprintf(writers, sizeof(writers), "%u", entry->info.slots_live);
		snprintf(series, sizeof(series), "%llu",
			 (unsigned long long)entry->info.series_count);
		if (localtime_r(&seconds, &local))
			strftime(created, sizeof(created), "%Y-%m-%d %H:%M:%S", &local);
	}
	print_safely(entry->name);
	printf("%*s  %-7s  %7s  %7s  %8s  %8s  %-19s", name_width - (int)strlen(entry->name), "",
	       entry->state, writers, series, size, used, created);
	if (entry->problem[0]) {
		printf("  ");
		print_safely(entry->problem);
	}
	putchar('\n');
}

static int print_table(const struct listing *listing)
{
	size_t width = 4;

	if (listing->count == 0)
		say("no segments in %s", listing->folder);
	for (size_t i = 0; i < listing->count; i++)
		if (strlen(listing->entries[i].name) > width)
			width = strlen(listing->entries[i].name);
	if (listing->count)
		printf("%-*s  %-7s  %7s  %7s  %8s  %8s  %-19s  %s\n", (int)width, "NAME", "STATE",
		       "WRITERS", "SERIES", "SIZE", "USED", "CREATED", "PROBLEM");
	for (size_t i = 0; i < listing->count; i++)
		print_entry(&listing->entries[i], (int)width);
	return finish_output(TOOL_DONE);
}

static int print_json(const struct listing *listing)
{
	struct json json = {.depth = 0};

	json_open(&json, NULL, '[');
	for (size_t i = 0; i < listing->count; i++) {
		const struct entry *entry = &listing->entries[i];

		json_open(&json, NULL, '{');
		json_string(&json, "name", entry->name);
		json_string(&json, "path", entry->path);
		json_string(&json, "state", entry->state);
		if (entry->problem[0])
			json_string(&json, "problem", entry->problem);
		if (strcmp(entry->state, "refused") != 0) {
			details_information(&json, &entry->info);
			details_writers(&json, entry->writers, entry->writer_count);
		}
		json_close(&json, '}');
	}
	json_close(&json, ']');
	return json_print(&json);
}

static int main_list(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	struct listing listing = {.count = 0};
	bool json = false;
	int status = TOOL_DONE;
	int option;

	while ((option = options_next(&list_command, argc, argv, ":h", longs, &status)) !=
	       OPTION_END) {
		if (option == OPTION_EXIT)
			return status;
		json = true;
	}
	if (optind < argc)
		return say_usage("ls", "ls: takes no '%s': it lists a folder, SHMETRICS_DIR",
				 argv[optind]);
	smx_reader_guard_install(NULL);
	status = look_at_folder(&listing);
	if (status == TOOL_DONE)
		status = json ? print_json(&listing) : print_table(&listing);
	for (size_t i = 0; i < listing.count; i++) {
		free(listing.entries[i].name);
		free(listing.entries[i].writers);
	}
	free(listing.entries);
	return status;
}
