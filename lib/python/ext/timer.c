/* SPDX-License-Identifier: MIT */
/*
 * timer.c - the type Timer: what time() gives for a with statement
 *
 * The duration goes to a method of the metric by its name, observe or set.
 */
#include <stddef.h>
#include <time.h>

#include "core.h"

#include <structmember.h> /* wants Python.h before it */

struct timer {
	PyObject ob_base;
	PyObject *metric;
	PyObject *callback_name;
	PyObject *duration; /* a float; NULL before the end, which reads as None */
	int64_t start_ns;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static PyObject *timer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"metric", "callback_name", NULL};
	PyObject *metric, *callback_name;
	struct timer *timer;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OU:Timer", names, &metric, &callback_name))
		return NULL;
	timer = (struct timer *)type->tp_alloc(type, 0);
	if (!timer)
		return NULL;
	Py_INCREF(metric);
	timer->metric = metric;
	Py_INCREF(callback_name);
	timer->callback_name = callback_name;
	return (PyObject *)timer;
}

static PyObject *timer_enter(PyObject *self, PyObject *Py_UNUSED(unused))
{
	Py_INCREF(self);
	((struct timer *)self)->start_ns = now_ns();
	return self;
}

static PyObject *timer_exit(PyObject *self, PyObject *const *Py_UNUSED(args),
			    Py_ssize_t Py_UNUSED(nargs))
{
	struct timer *timer = (struct timer *)self;
	PyObject *duration = PyFloat_FromDouble((double)(now_ns() - timer->start_ns) / 1e9);
	PyObject *arguments[2], *metric, *result;

	if (!duration)
		return NULL;
	Py_INCREF(duration);
	Py_XSETREF(timer->duration, duration);
	/* The call may choose other labels of this timer. */
	metric = timer->metric;
	Py_INCREF(metric);
	arguments[0] = metric;
	arguments[1] = duration;
	result = PyObject_VectorcallMethod(timer->callback_name, arguments,
					   2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
	Py_DECREF(metric);
	Py_DECREF(duration);
	if (!result)
		return NULL;
	Py_DECREF(result);
	Py_RETURN_NONE;
}

PyDoc_STRVAR(timer_labels_doc,
	     "labels($self, /, *args, **kwargs)\n--\n\n"
	     "Choose the child inside the block, when its labels are known only there.");

static PyObject *timer_labels(PyObject *self, PyObject *args, PyObject *kwargs)
{
	struct timer *timer = (struct timer *)self;
	PyObject *labels = PyObject_GetAttrString(timer->metric, "labels");
	PyObject *child = labels ? PyObject_Call(labels, args, kwargs) : NULL;

	Py_XDECREF(labels);
	if (!child)
		return NULL;
	Py_SETREF(timer->metric, child);
	Py_RETURN_NONE;
}

static int timer_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct timer *timer = (struct timer *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(timer->metric);
	return 0;
}

/* No Py_tp_clear: no metric refers to a timer but by an attribute that a user sets on it. */
static void timer_dealloc(PyObject *self)
{
	struct timer *timer = (struct timer *)self;
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	Py_XDECREF(timer->metric);
	Py_XDECREF(timer->callback_name);
	Py_XDECREF(timer->duration);
	type->tp_free(self);
	Py_DECREF(type);
}

static PyMethodDef timer_methods[] = {
	{"__enter__", timer_enter, METH_NOARGS, NULL},
	{"__exit__", (PyCFunction)(void (*)(void))timer_exit, METH_FASTCALL, NULL},
	{"labels", (PyCFunction)(void (*)(void))timer_labels, METH_VARARGS | METH_KEYWORDS,
	 timer_labels_doc},
	{NULL, NULL, 0, NULL},
};

static PyMemberDef timer_members[] = {
	{"duration", T_OBJECT, offsetof(struct timer, duration), READONLY,
	 "The seconds it took; None before the end."},
	{"_metric", T_OBJECT_EX, offsetof(struct timer, metric), READONLY, NULL},
	{"_callback_name", T_OBJECT_EX, offsetof(struct timer, callback_name), READONLY, NULL},
	{NULL, 0, 0, 0, NULL},
};

static PyType_Slot timer_slots[] = {
	{Py_tp_doc, "Gives a metric the seconds that a block took."},
	{Py_tp_new, timer_new},
	{Py_tp_traverse, timer_traverse},
	{Py_tp_dealloc, timer_dealloc},
	{Py_tp_methods, timer_methods},
	{Py_tp_members, timer_members},
	{0, NULL},
};

PyType_Spec core_timer_spec = {
	.name = "shmetrics._core.Timer",
	.basicsize = (int)sizeof(struct timer),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |
		 CORE_TPFLAGS_IMMUTABLE,
	.slots = timer_slots,
};
