/* SPDX-License-Identifier: MIT */
/*
 * http_route.c - the endpoint label of a request, without asking Python again for a route it knows
 *
 * fastapi.route_template() says what a route is called. For a request below no mount that depends
 * on the route alone, and on what FastAPI's include_router() keeps beside it, so it is asked once
 * for each. A call of Python costs several times as much in a server, whose caches hold other
 * things, as it does in a loop.
 *
 * A route that is kept here is referred to, so nothing else gets its address meanwhile. There is
 * room for a fixed number: an application that makes routes for ever asks Python more often, no
 * more.
 */
#include "http.h"

#define PROBES 4u

/* A new reference. NULL: absent, or None; an exception may be set. */
static PyObject *get(PyObject *dict, PyObject *key)
{
	PyObject *value = core_dict_get(dict, key);

	if (value == Py_None)
		Py_CLEAR(value);
	return value;
}

/* A mount has taken off a part of the path, and it belongs to the label. */
static bool is_below_mount(struct http_recorder *recorder, PyObject *scope)
{
	PyObject *outer = get(scope, recorder->keys[KEY_APP_ROOT_PATH]);
	PyObject *root = NULL;
	bool below = false;

	if (outer) {
		root = get(scope, recorder->keys[KEY_ROOT_PATH]);
		below = !root || !PyUnicode_Check(outer) || !PyUnicode_Check(root) ||
			PyUnicode_Compare(outer, root) != 0;
	}
	Py_XDECREF(root);
	Py_XDECREF(outer);
	return below;
}

/* New references, or NULL: to what the label of a request depends on. */
static void find_route(struct http_recorder *recorder, PyObject *scope, struct http_route *found)
{
	PyObject *details;

	if (!PyDict_CheckExact(scope) || is_below_mount(recorder, scope))
		return;
	found->route = get(scope, recorder->keys[KEY_ROUTE]);
	details = found->route ? get(scope, recorder->keys[KEY_FASTAPI]) : NULL;
	if (details && PyDict_Check(details))
		found->context = get(details, recorder->keys[KEY_ROUTE_CONTEXT]);
	Py_XDECREF(details);
}

/* The place of what is there already, else an empty one, else the one to give up. */
static struct http_route *find_place(struct http_recorder *recorder,
				     const struct http_route *wanted)
{
	uintptr_t address = (uintptr_t)(wanted->context ? wanted->context : wanted->route);
	size_t home = (size_t)((address >> 4) ^ (address >> 12));
	struct http_route *place;

	for (size_t i = 0; i < PROBES; i++) {
		place = &recorder->routes[(home + i) % HTTP_ROUTES];
		if (!place->route ||
		    (place->route == wanted->route && place->context == wanted->context))
			return place;
	}
	return &recorder->routes[home % HTTP_ROUTES];
}

/* A new reference, or NULL. */
static PyObject *recall(struct http_recorder *recorder, const struct http_route *wanted)
{
	PyObject *label = NULL;

	CORE_BEGIN_CRITICAL_SECTION(recorder);
	const struct http_route *place = find_place(recorder, wanted);
	if (place->route == wanted->route && place->context == wanted->context) {
		label = place->label;
		Py_INCREF(label);
	}
	CORE_END_CRITICAL_SECTION();
	return label;
}

/* Takes over the references. */
static void remember(struct http_recorder *recorder, const struct http_route *route)
{
	struct http_route before;

	CORE_BEGIN_CRITICAL_SECTION(recorder);
	struct http_route *place = find_place(recorder, route);
	before = *place;
	*place = *route;
	CORE_END_CRITICAL_SECTION();
	http_route_clear(&before); /* runs whatever a route's destructor does */
}

PyObject *http_endpoint(struct http_recorder *recorder, PyObject *scope)
{
	struct http_route wanted = {NULL, NULL, NULL};
	PyObject *label = NULL;

	if (recorder->by_route) {
		find_route(recorder, scope, &wanted);
		PyErr_Clear(); /* a key that cannot be compared: Python will say */
		label = wanted.route ? recall(recorder, &wanted) : NULL;
	}
	if (!label) {
		label = PyObject_CallOneArg(recorder->endpoint, scope);
		if (label && wanted.route) {
			Py_INCREF(label);
			wanted.label = label;
			remember(recorder, &wanted);
			return label;
		}
	}
	http_route_clear(&wanted);
	return label;
}

void http_route_clear(struct http_route *route)
{
	Py_CLEAR(route->route);
	Py_CLEAR(route->context);
	Py_CLEAR(route->label);
}
