/* SPDX-License-Identifier: MIT */
/*
 * http_exchange.c - the type HttpExchange: one request of an ASGI application and its answer
 *
 * The hot half of asgi.py, whose numbered guarantees hold here. An exchange is the `send` that the
 * application gets: called with a message it notes what the message says, records the request when
 * it is the last, and returns what the server's own `send` returns. So a message costs no coroutine
 * of ours, and a request one object.
 *
 * An exchange belongs to the event loop of its request; nothing here is locked.
 */
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "exemplar.h"
#include "http.h"
#include "metric.h"

#include <structmember.h> /* wants Python.h before it */

struct exchange {
	PyObject ob_base;
	vectorcallfunc vectorcall;
	struct http_recorder *recorder;
	PyObject *scope;
	PyObject *send;
	PyObject *status; /* NULL before the answer starts */
	int64_t start_ns;
	double duration;   /* told to the client; negative: none was */
	Py_ssize_t length; /* of the body still to come; negative: not announced */
	bool finished;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A new reference; NULL without an exception if it is absent. */
static PyObject *get(PyObject *mapping, PyObject *key)
{
	PyObject *value;

	if (core_likely(PyDict_CheckExact(mapping)))
		return core_dict_get(mapping, key);
	value = PyObject_GetItem(mapping, key);
	if (!value && PyErr_ExceptionMatches(PyExc_KeyError))
		PyErr_Clear();
	return value;
}

static bool is_text(PyObject *object, const char *text, Py_ssize_t length)
{
	return PyUnicode_Check(object) && PyUnicode_GET_LENGTH(object) == length &&
	       PyUnicode_KIND(object) == PyUnicode_1BYTE_KIND &&
	       memcmp(PyUnicode_DATA(object), text, (size_t)length) == 0;
}
#define IS_TEXT(object, literal) is_text(object, literal, (Py_ssize_t)sizeof(literal) - 1)

/* ---- recording ---- */

/* The label value that stands for `object`; borrowed, never NULL. */
static PyObject *known(const struct http_recorder *recorder, PyObject *table, PyObject *object)
{
	PyObject *label = object ? PyDict_GetItemWithError(table, object) : NULL;

	if (!label)
		PyErr_Clear(); /* without a hash it is not known either */
	return label ? label : recorder->other;
}

/* Whether to ask for an exemplar: mostly there is no trace, and asking is work for Python. */
static bool may_be_traced(struct http_recorder *recorder)
{
	PyObject *context = NULL;
	bool traced;

	if (!recorder->exemplar || !recorder->trace_context)
		return recorder->exemplar != NULL;
	if (PyContextVar_Get(recorder->trace_context, NULL, &context))
		PyErr_Clear();
	traced = context && (!PyDict_Check(context) || PyDict_GET_SIZE(context) > 0);
	Py_XDECREF(context);
	return traced;
}

/* The answer goes out whatever becomes of the exemplar: then it is recorded without. */
static void observe(struct http_recorder *recorder, smx_histogram histogram, double duration)
{
	bool traced = may_be_traced(recorder);
	PyObject *found = traced ? PyObject_CallNoArgs(recorder->exemplar) : NULL;
	struct exemplar exemplar;

	if (core_likely(!traced) || !found || exemplar_begin(&exemplar, found)) {
		if (PyErr_Occurred())
			PyErr_WriteUnraisable(recorder->exemplar);
		smx_histogram_observe(histogram, duration);
	} else {
		if (exemplar.count)
			smx_histogram_observe_exemplar(histogram, duration, exemplar.labels,
						       exemplar.count);
		else
			smx_histogram_observe(histogram, duration);
		exemplar_end(&exemplar);
	}
	Py_XDECREF(found);
}

static int record(struct exchange *exchange, PyObject *status, double duration)
{
	struct http_recorder *recorder = exchange->recorder;
	PyObject *method = get(exchange->scope, recorder->keys[KEY_METHOD]);
	PyObject *labels[3] = {NULL, NULL, NULL};
	PyObject *child = NULL;
	int failed = -1;

	if (!method && PyErr_Occurred())
		return -1;
	labels[0] = known(recorder, recorder->methods, method);
	labels[1] = http_endpoint(recorder, exchange->scope);
	if (!labels[1])
		goto out;
	labels[2] = known(recorder, recorder->statuses, status);
	child = metric_child((struct metric *)recorder->durations, labels);
	if (!child)
		goto out;
	observe(recorder, ((struct metric *)child)->series.histogram, duration);
	Py_DECREF(child);
	child = metric_child((struct metric *)recorder->requests, labels);
	if (!child)
		goto out;
	smx_counter_inc(((struct metric *)child)->series.counter);
	failed = 0;
out:
	Py_XDECREF(child);
	Py_XDECREF(labels[1]);
	Py_XDECREF(method);
	return failed;
}

/* Once. otherwise: the status if the answer has not started. */
static int finish(struct exchange *exchange, PyObject *otherwise)
{
	double duration = exchange->duration;
	PyObject *status;
	bool finished;
	int result;

	CORE_BEGIN_CRITICAL_SECTION(exchange);
	finished = exchange->finished;
	exchange->finished = true;
	status = exchange->status ? exchange->status : otherwise;
	Py_XINCREF(status);
	CORE_END_CRITICAL_SECTION();
	if (finished) {
		Py_XDECREF(status);
		return 0;
	}
	if (duration < 0)
		duration = (double)(now_ns() - exchange->start_ns) / 1e9;
	smx_gauge_dec(((struct metric *)exchange->recorder->in_progress)->series.gauge);
	result = record(exchange, status, duration);
	Py_XDECREF(status);
	return result;
}

/* ---- the start of the answer ---- */

static bool is_content_length(PyObject *name)
{
	static const char wanted[] = "content-length";

	if (!PyBytes_Check(name) || PyBytes_GET_SIZE(name) != (Py_ssize_t)sizeof(wanted) - 1)
		return false;
	for (size_t i = 0; i < sizeof(wanted) - 1; i++) {
		if (Py_TOLOWER(PyBytes_AS_STRING(name)[i]) != wanted[i])
			return false;
	}
	return true;
}

/* Negative if it is no length. */
static Py_ssize_t parse_length(PyObject *value)
{
	Py_ssize_t length = 0;

	if (!PyBytes_Check(value) || PyBytes_GET_SIZE(value) == 0 || PyBytes_GET_SIZE(value) > 18)
		return -1;
	for (Py_ssize_t i = 0; i < PyBytes_GET_SIZE(value); i++) {
		char digit = PyBytes_AS_STRING(value)[i];

		if (digit < '0' || digit > '9')
			return -1;
		length = length * 10 + (digit - '0');
	}
	return length;
}

/* headers: a list or a tuple of pairs. What is none of that the server will say. */
static Py_ssize_t find_length(PyObject *headers)
{
	for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(headers); i++) {
		PyObject *pair = PySequence_Fast_GET_ITEM(headers, i);

		if ((PyTuple_Check(pair) || PyList_Check(pair)) &&
		    PySequence_Fast_GET_SIZE(pair) == 2 &&
		    is_content_length(PySequence_Fast_GET_ITEM(pair, 0)))
			return parse_length(PySequence_Fast_GET_ITEM(pair, 1));
	}
	return -1;
}

static Py_ssize_t announced_length(PyObject *headers)
{
	Py_ssize_t length;

	CORE_BEGIN_CRITICAL_SECTION(headers);
	length = find_length(headers);
	CORE_END_CRITICAL_SECTION();
	return length;
}

static int append_duration(struct exchange *exchange, PyObject *headers)
{
	PyObject *pair = NULL;
	char *text;
	int failed = -1;

	exchange->duration = (double)(now_ns() - exchange->start_ns) / 1e9;
	text = PyOS_double_to_string(exchange->duration, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
	if (!text)
		return -1;
	pair = Py_BuildValue("(Oy)", exchange->recorder->duration_header, text);
	if (pair)
		failed = PyList_Append(headers, pair);
	Py_XDECREF(pair);
	PyMem_Free(text);
	return failed;
}

/*
 * A copy of the message with headers in a list of our own: to add one, or because an iterator can
 * be read only once. The application may send its message again.
 */
static PyObject *copy_message(struct exchange *exchange, PyObject *message, PyObject *headers)
{
	PyObject *list = headers ? PySequence_List(headers) : PyList_New(0);
	PyObject *copy = NULL;

	if (!list)
		return NULL;
	if (exchange->recorder->duration_header && append_duration(exchange, list))
		goto out;
	copy = PyDict_New();
	if (copy && (PyDict_Update(copy, message) ||
		     PyDict_SetItem(copy, exchange->recorder->keys[KEY_HEADERS], list)))
		Py_CLEAR(copy);
out:
	Py_DECREF(list);
	return copy;
}

/* An answer without a body: its head is all of it. */
static bool is_bodiless(struct exchange *exchange, long status)
{
	PyObject *method = get(exchange->scope, exchange->recorder->keys[KEY_METHOD]);
	bool bodiless = method && IS_TEXT(method, "HEAD");

	Py_XDECREF(method);
	if (!bodiless)
		bodiless = status == 204 || status == 304;
	PyErr_Clear();
	return bodiless;
}

/* Steals the reference to the status, which may be NULL; its number, or 0. */
static long set_status(struct exchange *exchange, PyObject *status)
{
	long number = status && PyLong_Check(status) ? PyLong_AsLong(status) : 0;
	PyObject *before;

	PyErr_Clear();
	CORE_BEGIN_CRITICAL_SECTION(exchange);
	before = exchange->status;
	exchange->status = status;
	CORE_END_CRITICAL_SECTION();
	Py_XDECREF(before);
	return number;
}

/* The message to send: a new reference. */
static PyObject *begin_answer(struct exchange *exchange, PyObject *message)
{
	struct http_recorder *recorder = exchange->recorder;
	PyObject *headers, *status;
	long number;

	status = get(message, recorder->keys[KEY_STATUS]);
	if (!status && PyErr_Occurred())
		return NULL;
	number = set_status(exchange, status);
	headers = get(message, recorder->keys[KEY_HEADERS]);
	if (!headers && PyErr_Occurred())
		return NULL;
	Py_INCREF(message);
	if (recorder->duration_header ||
	    (headers && !PyList_Check(headers) && !PyTuple_Check(headers))) {
		Py_SETREF(message, copy_message(exchange, message, headers));
		Py_CLEAR(headers);
		if (!message)
			return NULL;
		headers = core_dict_get(message, recorder->keys[KEY_HEADERS]);
	}
	if (is_bodiless(exchange, number))
		exchange->length = 0;
	else if (headers)
		exchange->length = announced_length(headers);
	Py_XDECREF(headers);
	if (exchange->length == 0 && finish(exchange, NULL))
		Py_CLEAR(message);
	return message;
}

/* ---- the body ---- */

static bool is_last(struct exchange *exchange, PyObject *message)
{
	PyObject *more = get(message, exchange->recorder->keys[KEY_MORE_BODY]);
	bool last = !more || PyObject_IsTrue(more) == 0;
	PyObject *body;

	Py_XDECREF(more);
	if (!last && exchange->length >= 0) {
		body = get(message, exchange->recorder->keys[KEY_BODY]);
		if (body)
			exchange->length -= PyObject_Length(body);
		Py_XDECREF(body);
		last = exchange->length <= 0;
	}
	PyErr_Clear(); /* what is wrong with a message the server will say */
	return last;
}

/* The message to send: a new reference. */
static PyObject *look_at(struct exchange *exchange, PyObject *message)
{
	PyObject *type = get(message, exchange->recorder->keys[KEY_TYPE]);
	bool last = false;

	if (!type) {
		if (PyErr_Occurred())
			return NULL;
	} else if (IS_TEXT(type, "http.response.start")) {
		Py_DECREF(type);
		return begin_answer(exchange, message);
	} else if (IS_TEXT(type, "http.response.body") ||
		   IS_TEXT(type, "http.response.zerocopysend")) {
		last = is_last(exchange, message);
	} else if (IS_TEXT(type, "http.response.pathsend")) {
		last = true;
	}
	Py_XDECREF(type);
	if (last && finish(exchange, NULL))
		return NULL;
	Py_INCREF(message);
	return message;
}

static PyObject *exchange_vectorcall(PyObject *self, PyObject *const *args, size_t nargsf,
				     PyObject *kwnames)
{
	struct exchange *exchange = (struct exchange *)self;
	PyObject *message, *awaitable;

	if (PyVectorcall_NARGS(nargsf) != 1 || (kwnames && PyTuple_GET_SIZE(kwnames)))
		return PyErr_Format(PyExc_TypeError, "send() takes one message");
	message = look_at(exchange, args[0]);
	if (!message)
		return NULL;
	awaitable = PyObject_CallOneArg(exchange->send, message);
	Py_DECREF(message);
	return awaitable;
}

/* ---- the type ---- */

PyObject *http_exchange_begin(struct http_recorder *recorder, PyObject *scope, PyObject *send)
{
	PyTypeObject *type = recorder->exchange_type;
	struct exchange *exchange = (struct exchange *)type->tp_alloc(type, 0);

	if (!exchange)
		return NULL;
	exchange->vectorcall = exchange_vectorcall;
	Py_INCREF(recorder);
	exchange->recorder = recorder;
	Py_INCREF(scope);
	exchange->scope = scope;
	Py_INCREF(send);
	exchange->send = send;
	exchange->duration = -1;
	exchange->length = -1;
	exchange->start_ns = now_ns();
	smx_gauge_inc(((struct metric *)recorder->in_progress)->series.gauge);
	return (PyObject *)exchange;
}

static PyObject *exchange_new(PyTypeObject *Py_UNUSED(type), PyObject *Py_UNUSED(args),
			      PyObject *Py_UNUSED(kwargs))
{
	PyErr_SetString(PyExc_TypeError, "use HttpRecorder.begin()");
	return NULL;
}

PyDoc_STRVAR(exchange_finish_doc,
	     "finish($self, otherwise, /)\n--\n\n"
	     "Record the request, unless it is recorded already. otherwise: its status if the "
	     "answer has not started.");

static PyObject *exchange_finish(PyObject *self, PyObject *otherwise)
{
	if (finish((struct exchange *)self, otherwise))
		return NULL;
	Py_RETURN_NONE;
}

static int exchange_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct exchange *exchange = (struct exchange *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(exchange->recorder);
	Py_VISIT(exchange->scope);
	Py_VISIT(exchange->send);
	Py_VISIT(exchange->status);
	return 0;
}

/* No Py_tp_clear: an exchange is made with all it refers to, so others break a cycle. */
static void exchange_dealloc(PyObject *self)
{
	struct exchange *exchange = (struct exchange *)self;
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	Py_XDECREF(exchange->recorder);
	Py_XDECREF(exchange->scope);
	Py_XDECREF(exchange->send);
	Py_XDECREF(exchange->status);
	type->tp_free(self);
	Py_DECREF(type);
}

static PyMethodDef exchange_methods[] = {
	{"finish", exchange_finish, METH_O, exchange_finish_doc},
	{NULL, NULL, 0, NULL},
};

static PyMemberDef exchange_members[] = {
	{"__vectorcalloffset__", T_PYSSIZET, offsetof(struct exchange, vectorcall), READONLY, NULL},
	{"status", T_OBJECT, offsetof(struct exchange, status), READONLY,
	 "Of the answer, as the label has it; None before it starts."},
	{NULL, 0, 0, 0, NULL},
};

static PyType_Slot exchange_slots[] = {
	{Py_tp_doc, "One request and its answer: the `send` of the application."},
	{Py_tp_new, exchange_new},
	{Py_tp_call, PyVectorcall_Call},
	{Py_tp_traverse, exchange_traverse},
	{Py_tp_dealloc, exchange_dealloc},
	{Py_tp_methods, exchange_methods},
	{Py_tp_members, exchange_members},
	{0, NULL},
};

PyType_Spec core_http_exchange_spec = {
	.name = "shmetrics._core.HttpExchange",
	.basicsize = (int)sizeof(struct exchange),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
		 CORE_TPFLAGS_IMMUTABLE,
	.slots = exchange_slots,
};
