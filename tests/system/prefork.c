/* SPDX-License-Identifier: MIT */
/*
 * prefork.c - an HTTP server of W forked workers with T threads each, measured by shmetrics
 *
 * The plain C counterpart of a web server for the system tests: the master opens the segment and
 * defines the families before it forks, a dead worker is forked again, and a request is counted
 * before it is answered. One thread serves one connection at a time, so a client may hold at most
 * W * T of them.
 *
 *   GET /              200
 *   GET /items/ID      200, 404 if ID is odd; the endpoint is /items/{id}
 *   GET /fail          500
 *   GET /slow          200 after 20 ms
 *   GET /hold          200 once the client has sent one more byte
 *   anything else      404; the endpoint is "unmatched"
 *
 * Each answer carries the recorded duration, exactly, in X-Recorded-Duration.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shmetrics/shmetrics.h"

#define WORKERS_MAX 64

static struct {
	const char *segment;
	int port;
	int workers;
	int threads;
} options = {.workers = 4, .threads = 4};

static struct {
	smx_counter_family requests;
	smx_histogram_family duration;
	smx_gauge in_progress;
} metrics;

static int listener = -1;

typedef struct request {
	char method[16];
	char path[256];
} request;

typedef struct outcome {
	const char *endpoint;
	const char *status;
	const char *reason;
} outcome;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "prefork: %s: %s\n", what, why);
	exit(1);
}

/* ---- metrics ---- */

static void define_metrics(void)
{
	static const char *const by_status[] = {"method", "endpoint", "status_code"};
	static const char *const by_endpoint[] = {"method", "endpoint"};
	const smx_definition requests = {
		.name = "http_requests_total",
		.help = "HTTP requests answered.",
		.label_names = by_status,
		.label_count = 3,
	};
	const smx_definition duration = {
		.name = "http_request_duration_seconds",
		.help = "Time from the request's arrival to its answer.",
		.unit = "seconds",
		.label_names = by_endpoint,
		.label_count = 2,
	};
	const smx_definition in_progress = {
		.name = "http_requests_in_progress",
		.help = "HTTP requests being worked on.",
	};
	smx_segment *segment;
	smx_gauge_family gauges;
	smx_error error;

	if (smx_segment_open(options.segment, NULL, &segment, &error) ||
	    smx_counter_define(segment, &requests, &metrics.requests, &error) ||
	    smx_histogram_define(segment, &duration, NULL, 0, &metrics.duration, &error) ||
	    smx_gauge_define(segment, &in_progress, SMX_GAUGE_LIVE_SUM, &gauges, &error))
		die("metrics", error.message);
	metrics.in_progress = smx_gauge_with(gauges, NULL);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void record(const request *request, const outcome *outcome, double duration)
{
	const char *values[] = {request->method, outcome->endpoint, outcome->status};

	smx_counter_inc(smx_counter_with(metrics.requests, values));
	smx_histogram_observe(smx_histogram_with(metrics.duration, values), duration);
}

/* ---- one connection ---- */

/* Reads the head of one request, all that a GET has. False: the client is gone or says no HTTP. */
static bool read_request(int connection, request *request)
{
	char head[4096];
	size_t size = 0;

	do {
		ssize_t got = recv(connection, head + size, sizeof head - 1 - size, 0);

		if (got <= 0)
			return false;
		size += (size_t)got;
		head[size] = '\0';
	} while (!strstr(head, "\r\n\r\n") && size < sizeof head - 1);
	return sscanf(head, "%15s %255s HTTP/1.1", request->method, request->path) == 2;
}

static bool send_answer(int connection, const outcome *outcome, double duration)
{
	static const char body[] = "{\"answered\": true}\n";
	char answer[512];
	int size = snprintf(answer, sizeof answer,
			    "HTTP/1.1 %s %s\r\n"
			    "Content-Type: application/json\r\n"
			    "Content-Length: %zu\r\n"
			    "X-Recorded-Duration: %.17g\r\n"
			    "\r\n%s",
			    outcome->status, outcome->reason, sizeof body - 1, duration, body);

	return send(connection, answer, (size_t)size, MSG_NOSIGNAL) == size;
}

/* Does what the route stands for. False: the client has gone, there is nobody to answer. */
static bool work_on(int connection, const request *request, outcome *outcome)
{
	char byte;

	*outcome =
		(struct outcome){.endpoint = "unmatched", .status = "404", .reason = "Not Found"};
	if (strncmp(request->path, "/items/", 7) == 0) {
		outcome->endpoint = "/items/{id}";
		if (atoi(request->path + 7) % 2)
			return true;
	} else if (strcmp(request->path, "/fail") == 0) {
		*outcome = (struct outcome){"/fail", "500", "Internal Server Error"};
		return true;
	} else if (strcmp(request->path, "/slow") == 0) {
		outcome->endpoint = "/slow";
		nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
	} else if (strcmp(request->path, "/hold") == 0) {
		outcome->endpoint = "/hold";
		if (recv(connection, &byte, 1, 0) != 1)
			return false;
	} else if (strcmp(request->path, "/") == 0) {
		outcome->endpoint = "/";
	} else {
		return true;
	}
	outcome->status = "200";
	outcome->reason = "OK";
	return true;
}

static void serve_connection(int connection)
{
	request request;
	outcome outcome;
	bool go_on = true;

	while (go_on && read_request(connection, &request)) {
		double start = now();
		double duration;

		smx_gauge_inc(metrics.in_progress);
		go_on = work_on(connection, &request, &outcome);
		duration = now() - start;
		if (go_on)
			record(&request, &outcome, duration);
		smx_gauge_dec(metrics.in_progress);
		go_on = go_on && send_answer(connection, &outcome, duration);
	}
}

static void *serve(void *unused)
{
	(void)unused;
	for (;;) {
		int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (connection < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			die("accept", strerror(errno));
		}
		setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		serve_connection(connection);
		close(connection);
	}
	return NULL;
}

/* ---- the processes ---- */

static pid_t start_worker(const sigset_t *signals)
{
	pid_t master = getpid();
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	/* a worker does not outlive its master, not even one that was killed */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != master)
		_exit(1);
	sigprocmask(SIG_UNBLOCK, signals, NULL);
	for (int i = 1; i < options.threads; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, serve, NULL))
			die("pthread_create", "no thread");
	}
	serve(NULL);
	_exit(1);
}

static void replace_dead(pid_t *pids, const sigset_t *signals)
{
	pid_t dead;

	while ((dead = waitpid(-1, NULL, WNOHANG)) > 0) {
		for (int i = 0; i < options.workers; i++) {
			if (pids[i] == dead)
				pids[i] = start_worker(signals);
		}
	}
}

static void run_workers(void)
{
	pid_t pids[WORKERS_MAX];
	sigset_t signals;
	int got = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	for (int i = 0; i < options.workers; i++)
		pids[i] = start_worker(&signals);
	while (got != SIGTERM && got != SIGINT) {
		sigwait(&signals, &got);
		replace_dead(pids, &signals);
	}
	for (int i = 0; i < options.workers; i++) {
		if (pids[i] > 0)
			kill(pids[i], SIGKILL);
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

static void start_listening(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)options.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof address;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) ||
	    listen(listener, 512) || getsockname(listener, (struct sockaddr *)&address, &size))
		die("listen", strerror(errno));
	options.port = ntohs(address.sin_port);
}

static int positive(const char *name, const char *text, int max)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*end || number < 0 || number > max)
		die(name, text);
	return (int)number;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{"segment", required_argument, NULL, 's'},
		{"port", required_argument, NULL, 'p'},
		{"workers", required_argument, NULL, 'w'},
		{"threads", required_argument, NULL, 't'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's')
			options.segment = optarg;
		else if (option == 'p')
			options.port = positive("--port", optarg, 65535);
		else if (option == 'w')
			options.workers = positive("--workers", optarg, WORKERS_MAX);
		else if (option == 't')
			options.threads = positive("--threads", optarg, 64);
		else
			return 2;
	}
	define_metrics();
	start_listening();
	printf("listening on 127.0.0.1:%d\n", options.port);
	fflush(stdout);
	run_workers();
	return 0;
}
