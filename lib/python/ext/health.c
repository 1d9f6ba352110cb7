/* SPDX-License-Identifier: MIT */
/*
 * health.c - the type HealthCheck: the outcome of a check, as the segment has it
 *
 * What runs the checks is Python (health.py).
 */
#include "segment.h"

struct health_check {
	PyObject ob_base;
	PyObject *segment; /* keeps the handle valid */
	smx_health health;
};

static PyObject *health_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"", "", "", NULL};
	const core_state *state = PyType_GetModuleState(type);
	PyObject *segment, *name;
	struct health_check *self;
	smx_error error = {0};
	const char *text;
	double ttl;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!Od:HealthCheck", names,
					 state->segment_type, &segment, &name, &ttl))
		return NULL;
	text = core_name(name, "name");
	if (!text)
		return NULL;
	self = (struct health_check *)type->tp_alloc(type, 0);
	if (!self)
		return NULL;
	Py_INCREF(segment);
	self->segment = segment;
	if (smx_health_define(segment_of(segment), text, ttl, &self->health, &error) == SMX_OK)
		return (PyObject *)self;
	Py_DECREF(self);
	return core_raise(&error);
}

PyDoc_STRVAR(health_report_doc, "report($self, up, duration, detail, /)\n--\n\n"
				"Store an outcome; duration: seconds that the check took.");

static PyObject *health_report(PyObject *self, PyObject *args)
{
	PyObject *detail, *owner;
	smx_text text;
	double duration;
	int up;

	if (!PyArg_ParseTuple(args, "pdU:report", &up, &duration, &detail) ||
	    core_text(detail, &text, &owner))
		return NULL;
	/* Up to a NUL, of which a detail has no need. */
	smx_health_report(((struct health_check *)self)->health, up, duration, text.data);
	Py_DECREF(owner);
	Py_RETURN_NONE;
}

PyDoc_STRVAR(health_age_doc, "age($self, /)\n--\n\n"
			     "Seconds since the last outcome of any process; inf: there is none.");

static PyObject *health_age(PyObject *self, PyObject *Py_UNUSED(args))
{
	return PyFloat_FromDouble(smx_health_age(((struct health_check *)self)->health));
}

PyDoc_STRVAR(health_last_doc, "last($self, /)\n--\n\n"
			      "The last outcome of any process, (up, age, duration, detail), or "
			      "None.");

static PyObject *health_last(PyObject *self, PyObject *Py_UNUSED(args))
{
	smx_health_outcome outcome;

	if (!smx_health_last(((struct health_check *)self)->health, &outcome))
		Py_RETURN_NONE;
	return Py_BuildValue("Ndds", PyBool_FromLong(outcome.up), outcome.age_seconds,
			     outcome.duration_seconds, outcome.detail);
}

static void health_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	Py_XDECREF(((struct health_check *)self)->segment);
	type->tp_free(self);
	Py_DECREF(type);
}

static PyMethodDef health_methods[] = {
	{"report", health_report, METH_VARARGS, health_report_doc},
	{"age", health_age, METH_NOARGS, health_age_doc},
	{"last", health_last, METH_NOARGS, health_last_doc},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot health_slots[] = {
	{Py_tp_doc, "HealthCheck(segment, name, ttl, /)\n--\n\n"
		    "A health check in a segment. ValueError: a name or time to live that is none; "
		    "OSError: no room."},
	{Py_tp_new, health_new},
	{Py_tp_dealloc, health_dealloc},
	{Py_tp_methods, health_methods},
	{0, NULL},
};

PyType_Spec core_health_spec = {
	.name = "shmetrics._core.HealthCheck",
	.basicsize = (int)sizeof(struct health_check),
	.flags = Py_TPFLAGS_DEFAULT | CORE_TPFLAGS_IMMUTABLE,
	.slots = health_slots,
};
