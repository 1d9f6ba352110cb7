/* SPDX-License-Identifier: MIT */
/*
 * open_loop.c - a client that sends requests when they are due, whether or not others are answered
 *
 * usage: open_loop PORT RATE CONNECTIONS. Makes that many connections to each of two workers, who
 * say who they are at /pid, and prints "ready". Each line "SECONDS" on standard input is a window:
 * RATE requests a second, alternating between the workers; answered with one line a worker, "PID"
 * and the latency of each request in microseconds, from the moment it was due to its whole answer.
 * A request whose worker has no connection free waits, and its clock runs: nothing that a stall
 * delays is forgotten.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

enum {
	WORKERS = 2,
	CONNECTIONS_MAX = 64,
	ANSWER_MAX = 4096,
	ATTEMPTS = 1000,
	DEADLINE_SECONDS = 120
};

struct connection {
	int descriptor;
	bool busy;
	uint64_t due; /* of the request under way, ns */
	size_t size;  /* of what has come of its answer */
	char answer[ANSWER_MAX + 1];
};

struct worker {
	long pid;
	size_t count; /* connections */
	struct connection connections[CONNECTIONS_MAX];
	size_t due, sent, answered; /* requests of this window */
	double *latencies;	    /* of the answered, in us */
};

static struct worker workers[WORKERS];

static int connect_to(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int one = 1, descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof(address)))
		bench_fail("open_loop: connect: %s", strerror(errno));
	setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return descriptor;
}

/* The body of a complete answer, or NULL. Ends the program if it is no 200. */
static const char *body_of(struct connection *connection)
{
	const char *body, *length;
	char *end;

	connection->answer[connection->size] = '\0';
	body = strstr(connection->answer, "\r\n\r\n");
	if (!body) {
		if (connection->size == ANSWER_MAX)
			bench_fail("open_loop: an answer has more than %d bytes", ANSWER_MAX);
		return NULL;
	}
	if (strncmp(connection->answer, "HTTP/1.1 200", 12) != 0)
		bench_fail("open_loop: %.*s", (int)(body - connection->answer), connection->answer);
	length = strcasestr(connection->answer, "content-length:");
	if (!length || length > body)
		bench_fail("open_loop: an answer without a Content-Length");
	body += 4;
	if (connection->size - (size_t)(body - connection->answer) < strtoul(length + 15, &end, 10))
		return NULL;
	return body;
}

static void send_request(struct connection *connection, const char *path, uint64_t due)
{
	char request[128];
	int size =
		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);

	connection->busy = true;
	connection->due = due;
	connection->size = 0;
	if (send(connection->descriptor, request, (size_t)size, MSG_NOSIGNAL) != size)
		bench_fail("open_loop: send: %s", strerror(errno));
}

/* Whether the answer is complete. */
static bool receive(struct connection *connection)
{
	ssize_t size = recv(connection->descriptor, connection->answer + connection->size,
			    ANSWER_MAX - connection->size, MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (size <= 0)
		bench_fail("open_loop: the server hung up");
	connection->size += (size_t)size;
	return body_of(connection) != NULL;
}

static long ask_pid(struct connection *connection)
{
	struct pollfd poll_one = {.fd = connection->descriptor, .events = POLLIN};

	send_request(connection, "/pid", 0);
	do {
		if (poll(&poll_one, 1, DEADLINE_SECONDS * 1000) != 1)
			bench_fail("open_loop: no answer to /pid");
	} while (!receive(connection));
	connection->busy = false;
	return strtol(body_of(connection), NULL, 10);
}

static void connect_all(uint16_t port, size_t each)
{
	struct connection connection;

	for (int attempt = 0; workers[0].count < each || workers[1].count < each; attempt++) {
		struct worker *worker = workers;
		long pid;

		if (attempt == ATTEMPTS)
			bench_fail("open_loop: one worker takes no connections");
		memset(&connection, 0, sizeof(connection));
		connection.descriptor = connect_to(port);
		pid = ask_pid(&connection);
		while (worker->pid && worker->pid != pid)
			if (++worker == workers + WORKERS)
				bench_fail("open_loop: more than %d workers", WORKERS);
		worker->pid = pid;
		worker->connections[worker->count++] = connection;
		/* One that has enough stands still, or an idle machine would wake it each time. */
		if (worker->count == each)
			kill((pid_t)pid, SIGSTOP);
	}
	for (size_t w = 0; w < WORKERS; w++)
		kill((pid_t)workers[w].pid, SIGCONT);
}

static uint64_t due_time(uint64_t begin, uint64_t interval, size_t worker, size_t number)
{
	return begin + interval * (number * WORKERS + worker);
}

static void send_due(uint64_t begin, uint64_t interval, uint64_t now)
{
	for (size_t w = 0; w < WORKERS; w++) {
		struct worker *worker = &workers[w];

		for (size_t i = 0; i < worker->count && worker->sent < worker->due; i++) {
			uint64_t due = due_time(begin, interval, w, worker->sent);
			char path[32];

			if (due > now)
				break;
			if (worker->connections[i].busy)
				continue;
			snprintf(path, sizeof(path), "/items/%zu", worker->sent++);
			send_request(&worker->connections[i], path, due);
		}
	}
}

static void receive_ready(const struct timespec *timeout)
{
	struct pollfd ready[WORKERS * CONNECTIONS_MAX];
	struct connection *of[WORKERS * CONNECTIONS_MAX];
	nfds_t count = 0;
	uint64_t now;

	for (size_t w = 0; w < WORKERS; w++) {
		for (size_t i = 0; i < workers[w].count; i++) {
			if (!workers[w].connections[i].busy)
				continue;
			of[count] = &workers[w].connections[i];
			ready[count] =
				(struct pollfd){.fd = of[count]->descriptor, .events = POLLIN};
			count++;
		}
	}
	if (ppoll(ready, count, timeout, NULL) <= 0)
		return;
	now = bench_now();
	for (nfds_t n = 0; n < count; n++) {
		struct worker *worker = of[n] < workers[1].connections ? &workers[0] : &workers[1];

		if (!ready[n].revents || !receive(of[n]))
			continue;
		of[n]->busy = false;
		worker->latencies[worker->answered++] = (double)(now - of[n]->due) / 1e3;
	}
}

/* One window: until every request that was due in it is answered. */
static void run_window(double seconds, double rate)
{
	uint64_t interval = (uint64_t)(1e9 / rate), begin = bench_now() + 1000000;
	size_t each = (size_t)(seconds * rate) / WORKERS;

	for (size_t w = 0; w < WORKERS; w++) {
		workers[w].due = each;
		workers[w].sent = workers[w].answered = 0;
		workers[w].latencies = calloc(each + 1, sizeof(double));
		if (!workers[w].latencies)
			bench_fail("open_loop: no memory");
	}
	while (workers[0].answered < each || workers[1].answered < each) {
		uint64_t now = bench_now(), next = UINT64_MAX;
		struct timespec timeout = {.tv_sec = 1};

		if (now > begin + (uint64_t)((seconds + DEADLINE_SECONDS) * 1e9))
			bench_fail("open_loop: requests are not answered");
		send_due(begin, interval, now);
		for (size_t w = 0; w < WORKERS; w++) {
			uint64_t due = due_time(begin, interval, w, workers[w].sent);

			/* What is due and not sent waits for a connection, not for the time. */
			if (workers[w].sent < each && due > now && due < next)
				next = due;
		}
		if (next != UINT64_MAX) {
			timeout.tv_sec = (time_t)((next - now) / 1000000000);
			timeout.tv_nsec = (long)((next - now) % 1000000000);
		}
		receive_ready(&timeout);
	}
	for (size_t w = 0; w < WORKERS; w++) {
		printf("%ld", workers[w].pid);
		for (size_t i = 0; i < each; i++)
			printf(" %.0f", workers[w].latencies[i]);
		putchar('\n');
		free(workers[w].latencies);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[64];
	double rate;
	size_t each;

	if (argc != 4)
		bench_fail("usage: open_loop PORT RATE CONNECTIONS");
	rate = strtod(argv[2], NULL);
	each = strtoul(argv[3], NULL, 10);
	if (rate <= 0 || each == 0 || each > CONNECTIONS_MAX)
		bench_fail("open_loop: a rate above 0 and 1 to %d connections", CONNECTIONS_MAX);
	connect_all((uint16_t)strtoul(argv[1], NULL, 10), each);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		run_window(strtod(line, NULL), rate);
	return 0;
}
