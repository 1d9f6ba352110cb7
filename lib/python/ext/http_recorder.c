/* SPDX-License-Identifier: MIT */
/*
 * http_recorder.c - the type HttpRecorder: what all requests of a middleware have in common
 */
#include "http.h"
#include "metric.h"

static int check_metric(PyObject *object, PyTypeObject *type, uint8_t label_count, const char *what)
{
	struct metric *metric = (struct metric *)object;

	/* Its label count is 0 also before it is defined. */
	if (PyObject_TypeCheck(object, type) && metric->kind && !metric->label_values &&
	    metric->label_count == label_count)
		return 0;
	PyErr_Format(PyExc_TypeError, "%s must be a %s with %d labels, not %R", what, type->tp_name,
		     (int)label_count, object);
	return -1;
}

static int make_keys(struct http_recorder *recorder)
{
	static const char *const names[KEY_COUNT] = {
		[KEY_METHOD] = "method",
		[KEY_TYPE] = "type",
		[KEY_STATUS] = "status",
		[KEY_HEADERS] = "headers",
		[KEY_BODY] = "body",
		[KEY_MORE_BODY] = "more_body",
		[KEY_ROUTE] = "route",
		[KEY_ROOT_PATH] = "root_path",
		[KEY_APP_ROOT_PATH] = "app_root_path",
		[KEY_FASTAPI] = "fastapi",
		[KEY_ROUTE_CONTEXT] = "effective_route_context",
	};

	for (size_t i = 0; i < KEY_COUNT; i++) {
		recorder->keys[i] = PyUnicode_InternFromString(names[i]);
		if (!recorder->keys[i])
			return -1;
	}
	return 0;
}

static core_state *state_of(PyTypeObject *type)
{
	/* No subclasses: the type is the module's own. */
	return PyType_GetModuleState(type);
}

static PyObject *recorder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"requests", "durations",     "in_progress", "endpoint",
				"methods",  "statuses",	     "other",	    "duration_header",
				"exemplar", "trace_context", "by_route",    NULL};
	core_state *state = state_of(type);
	PyObject *requests, *durations, *in_progress, *endpoint, *methods, *statuses, *other;
	PyObject *duration_header = NULL, *exemplar = NULL, *trace_context = NULL;
	struct http_recorder *recorder;
	int by_route = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOO!O!U|OOOp:HttpRecorder", names,
					 &requests, &durations, &in_progress, &endpoint,
					 &PyDict_Type, &methods, &PyDict_Type, &statuses, &other,
					 &duration_header, &exemplar, &trace_context, &by_route))
		return NULL;
	if (exemplar == Py_None)
		exemplar = NULL;
	if (trace_context == Py_None)
		trace_context = NULL;
	if (duration_header == Py_None)
		duration_header = NULL;
	if (duration_header && !PyBytes_Check(duration_header))
		return PyErr_Format(PyExc_TypeError, "duration_header must be bytes");
	if (trace_context && !PyContextVar_CheckExact(trace_context))
		return PyErr_Format(PyExc_TypeError, "trace_context must be a ContextVar");
	if (check_metric(requests, state->counter_type, 3, "requests") ||
	    check_metric(durations, state->histogram_type, 2, "durations") ||
	    check_metric(in_progress, state->gauge_type, 0, "in_progress"))
		return NULL;
	recorder = (struct http_recorder *)type->tp_alloc(type, 0);
	if (!recorder)
		return NULL;
	PyObject **const members[] = {
		&recorder->requests,	  &recorder->durations,	      &recorder->in_progress,
		&recorder->endpoint,	  &recorder->methods,	      &recorder->statuses,
		&recorder->other,	  &recorder->duration_header, &recorder->exemplar,
		&recorder->trace_context,
	};
	PyObject *const values[] = {requests, durations, in_progress,	  endpoint, methods,
				    statuses, other,	 duration_header, exemplar, trace_context};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		Py_XINCREF(values[i]);
		*members[i] = values[i];
	}
	Py_INCREF(state->http_exchange_type);
	recorder->exchange_type = state->http_exchange_type;
	recorder->by_route = by_route;
	if (make_keys(recorder))
		Py_CLEAR(recorder);
	return (PyObject *)recorder;
}

PyDoc_STRVAR(recorder_begin_doc, "begin($self, scope, send, /)\n--\n\n"
				 "A request has come: the HttpExchange that is its `send`.");

static PyObject *recorder_begin(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
	if (nargs != 2)
		return PyErr_Format(PyExc_TypeError, "begin() takes a scope and a send");
	return http_exchange_begin((struct http_recorder *)self, args[0], args[1]);
}

static int recorder_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct http_recorder *recorder = (struct http_recorder *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(recorder->exchange_type);
	Py_VISIT(recorder->requests);
	Py_VISIT(recorder->durations);
	Py_VISIT(recorder->in_progress);
	Py_VISIT(recorder->endpoint);
	Py_VISIT(recorder->methods);
	Py_VISIT(recorder->statuses);
	Py_VISIT(recorder->exemplar);
	Py_VISIT(recorder->trace_context);
	for (size_t i = 0; i < HTTP_ROUTES; i++) {
		Py_VISIT(recorder->routes[i].route);
		Py_VISIT(recorder->routes[i].context);
	}
	return 0;
}

/*
 * No Py_tp_clear: nothing that a recorder refers to leads back to it but through what refers to the
 * recorder, and that breaks the cycle.
 */
static void recorder_dealloc(PyObject *self)
{
	struct http_recorder *recorder = (struct http_recorder *)self;
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	Py_XDECREF(recorder->exchange_type);
	Py_XDECREF(recorder->requests);
	Py_XDECREF(recorder->durations);
	Py_XDECREF(recorder->in_progress);
	Py_XDECREF(recorder->endpoint);
	Py_XDECREF(recorder->methods);
	Py_XDECREF(recorder->statuses);
	Py_XDECREF(recorder->other);
	Py_XDECREF(recorder->duration_header);
	Py_XDECREF(recorder->exemplar);
	Py_XDECREF(recorder->trace_context);
	for (size_t i = 0; i < KEY_COUNT; i++)
		Py_XDECREF(recorder->keys[i]);
	for (size_t i = 0; i < HTTP_ROUTES; i++)
		http_route_clear(&recorder->routes[i]);
	type->tp_free(self);
	Py_DECREF(type);
}

static PyMethodDef recorder_methods[] = {
	{"begin", (PyCFunction)(void (*)(void))recorder_begin, METH_FASTCALL, recorder_begin_doc},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot recorder_slots[] = {
	{Py_tp_doc, "What all requests of a middleware have in common."},
	{Py_tp_new, recorder_new},
	{Py_tp_traverse, recorder_traverse},
	{Py_tp_dealloc, recorder_dealloc},
	{Py_tp_methods, recorder_methods},
	{0, NULL},
};

PyType_Spec core_http_recorder_spec = {
	.name = "shmetrics._core.HttpRecorder",
	.basicsize = (int)sizeof(struct http_recorder),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | CORE_TPFLAGS_IMMUTABLE,
	.slots = recorder_slots,
};
