/* SPDX-License-Identifier: MIT */
/*
 * http.h - what the types HttpRecorder and HttpExchange share
 */
#ifndef SHMETRICS_PYTHON_HTTP_H
#define SHMETRICS_PYTHON_HTTP_H

#include "core.h"

/* Keys of scopes and messages, as str objects: a dict finds the same object fastest. */
enum http_key {
	KEY_METHOD,
	KEY_TYPE,
	KEY_STATUS,
	KEY_HEADERS,
	KEY_BODY,
	KEY_MORE_BODY,
	KEY_ROUTE,
	KEY_ROOT_PATH,
	KEY_APP_ROOT_PATH,
	KEY_FASTAPI,
	KEY_ROUTE_CONTEXT,
	KEY_COUNT
};

/* A route whose label is known; all NULL: none. */
struct http_route {
	PyObject *route;
	PyObject *context; /* what FastAPI keeps beside it; may be NULL */
	PyObject *label;
};
#define HTTP_ROUTES 256

/* What all requests of a middleware have in common; but for the routes constant once it is made. */
struct http_recorder {
	PyObject ob_base;
	PyTypeObject *exchange_type;
	/* Metrics: by method, endpoint, status; by method, endpoint; without labels. */
	PyObject *requests;
	PyObject *durations;
	PyObject *in_progress;
	PyObject *endpoint;	   /* callable: scope -> label value */
	PyObject *methods;	   /* dict: method -> label value */
	PyObject *statuses;	   /* dict: status -> label value */
	PyObject *other;	   /* the label value of all others */
	PyObject *duration_header; /* bytes, or NULL */
	PyObject *exemplar;	   /* callable: -> dict or None; or NULL */
	PyObject *trace_context;   /* ContextVar of a dict, empty: no exemplar; or NULL */
	PyObject *keys[KEY_COUNT];
	/* The endpoint's answer is one for each route (http_route.c). */
	int by_route;
	struct http_route routes[HTTP_ROUTES];
};

/* Starts the clock and enters the gauge. A new HttpExchange, or NULL and an exception. */
PyObject *http_exchange_begin(struct http_recorder *recorder, PyObject *scope, PyObject *send);

/* The endpoint label: a new reference, or NULL and an exception. */
PyObject *http_endpoint(struct http_recorder *recorder, PyObject *scope);

void http_route_clear(struct http_route *route);

#endif
