/* SPDX-License-Identifier: MIT */
/*
 * module.c - the module shmetrics._core
 */
#include "core.h"

#include "shmetrics/exposition.h"

#define PATH_SIZE 4096

PyDoc_STRVAR(resolve_doc,
	     "resolve(name, directory=None, /)\n--\n\n"
	     "The path that a segment's name stands for. ValueError if it is no name.");

static PyObject *core_resolve(PyObject *Py_UNUSED(module), PyObject *args)
{
	const char *name, *directory = NULL;
	char path[PATH_SIZE];
	smx_error error = {0};

	if (!PyArg_ParseTuple(args, "s|z:resolve", &name, &directory))
		return NULL;
	if (smx_segment_resolve(name, directory, path, sizeof(path), &error) != SMX_OK)
		return core_raise(&error);
	return PyUnicode_DecodeFSDefault(path);
}

PyDoc_STRVAR(unrecorded_count_doc,
	     "unrecorded_count()\n--\n\n"
	     "How often this process recorded to a metric for which there was no room.");

static PyObject *core_unrecorded_count(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
	return PyLong_FromUnsignedLongLong(smx_unrecorded_count());
}

PyDoc_STRVAR(own_methods_doc, "own_methods(cls, /)\n--\n\n"
			      "A class decorator: makes the inherited methods that record the "
			      "class's own. The interpreter's\n"
			      "specialised call (3.11 and later) takes a method only of the very "
			      "type of the object; an inherited\n"
			      "one costs twice as much.");

static PyObject *core_own_methods(PyObject *Py_UNUSED(module), PyObject *cls)
{
	static const char *const names[] = {"labels", "inc", "dec", "set", "observe"};

	if (!PyType_Check(cls))
		return PyErr_Format(PyExc_TypeError, "own_methods() takes a class");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		PyObject *inherited = PyObject_GetAttrString(cls, names[i]);
		PyObject *own = NULL;
		int failed = 0;

		if (!inherited) {
			PyErr_Clear();
			continue;
		}
		if (Py_TYPE(inherited) == &PyMethodDescr_Type) {
			own = PyDescr_NewMethod((PyTypeObject *)cls,
						((PyMethodDescrObject *)inherited)->d_method);
			failed = !own || PyObject_SetAttrString(cls, names[i], own);
		}
		Py_XDECREF(own);
		Py_DECREF(inherited);
		if (failed)
			return NULL;
	}
	Py_INCREF(cls);
	return cls;
}

PyDoc_STRVAR(choose_format_doc,
	     "choose_format(accept, /)\n--\n\n"
	     "What to answer to the Accept header of an HTTP request (None: there is none): the "
	     "format and\n"
	     "the escaping for Segment.render(), and the Content-Type. Whatever it says, there is "
	     "an answer.");

static PyObject *core_choose_format(PyObject *Py_UNUSED(module), PyObject *args)
{
	const char *accept;
	smx_exposition_type type;

	if (!PyArg_ParseTuple(args, "z:choose_format", &accept))
		return NULL;
	type = smx_format_choose(accept);
	return Py_BuildValue("iis", (int)type.format, (int)type.escaping,
			     smx_format_content_type(type));
}

PyDoc_STRVAR(client_text_doc,
	     "client_text(text, /)\n--\n\n"
	     "A rendered text, as bytes, as prometheus_client writes it: labels in the order of "
	     "their\n"
	     "names, 1.0 for 1. Not for OpenMetrics 2.0, whose values are not numbers alone.");

static PyMethodDef core_methods[] = {
	{"choose_format", core_choose_format, METH_VARARGS, choose_format_doc},
	{"client_text", core_client_text, METH_O, client_text_doc},
	{"own_methods", core_own_methods, METH_O, own_methods_doc},
	{"resolve", core_resolve, METH_VARARGS, resolve_doc},
	{"unrecorded_count", core_unrecorded_count, METH_NOARGS, unrecorded_count_doc},
	{NULL, NULL, 0, NULL},
};

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec, PyTypeObject *base)
{
	/* A tuple: 3.9 takes no single class. */
	PyObject *bases = base ? PyTuple_Pack(1, base) : NULL;
	PyTypeObject *type = NULL;

	if (!base || bases)
		type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, bases);
	Py_XDECREF(bases);
	if (type && PyModule_AddType(module, type))
		Py_CLEAR(type);
	return type;
}

static int add_format(PyObject *module, const char *name, smx_format format)
{
	const smx_exposition_type type = {.format = format};
	char constant[64];

	snprintf(constant, sizeof(constant), "FORMAT_%s", name);
	if (PyModule_AddIntConstant(module, constant, format))
		return -1;
	snprintf(constant, sizeof(constant), "CONTENT_TYPE_%s", name);
	return PyModule_AddStringConstant(module, constant, smx_format_content_type(type));
}

static int add_escapings(PyObject *module)
{
	static const char *const names[] = {"ESCAPING_UNDERSCORES", "ESCAPING_DOTS",
					    "ESCAPING_VALUES", "ESCAPING_ALLOW_UTF8"};

	for (int i = 0; i <= SMX_ESCAPING_ALLOW_UTF8; i++) {
		if (PyModule_AddIntConstant(module, names[i], i))
			return -1;
	}
	return 0;
}

static int core_exec(PyObject *module)
{
	core_state *state = PyModule_GetState(module);

	state->segment_type = add_type(module, &core_segment_spec, NULL);
	if (!state->segment_type)
		return -1;
	state->metric_type = add_type(module, &core_metric_spec, NULL);
	if (!state->metric_type)
		return -1;
	state->counter_type = add_type(module, &core_counter_spec, state->metric_type);
	state->gauge_type = add_type(module, &core_gauge_spec, state->metric_type);
	state->histogram_type = add_type(module, &core_histogram_spec, state->metric_type);
	state->native_histogram_type =
		add_type(module, &core_native_histogram_spec, state->metric_type);
	state->summary_type = add_type(module, &core_summary_spec, state->metric_type);
	state->info_type = add_type(module, &core_info_spec, state->metric_type);
	state->enum_type = add_type(module, &core_enum_spec, state->metric_type);
	state->health_type = add_type(module, &core_health_spec, NULL);
	state->timer_type = add_type(module, &core_timer_spec, NULL);
	state->http_recorder_type = add_type(module, &core_http_recorder_spec, NULL);
	state->http_exchange_type = add_type(module, &core_http_exchange_spec, NULL);
	if (!state->counter_type || !state->gauge_type || !state->histogram_type ||
	    !state->native_histogram_type || !state->summary_type || !state->info_type ||
	    !state->enum_type || !state->health_type || !state->timer_type ||
	    !state->http_recorder_type || !state->http_exchange_type)
		return -1;
	if (PyModule_AddStringConstant(module, "VERSION", smx_version()))
		return -1;
	return add_format(module, "TEXT_004", SMX_FORMAT_TEXT_004) ||
			       add_format(module, "TEXT_100", SMX_FORMAT_TEXT_100) ||
			       add_format(module, "OPENMETRICS_100", SMX_FORMAT_OPENMETRICS_100) ||
			       add_format(module, "OPENMETRICS_200", SMX_FORMAT_OPENMETRICS_200) ||
			       add_format(module, "PROTOBUF", SMX_FORMAT_PROTOBUF) ||
			       add_escapings(module)
		       ? -1
		       : 0;
}

static int core_traverse(PyObject *module, visitproc visit, void *arg)
{
	core_state *state = PyModule_GetState(module);

	Py_VISIT(state->segment_type);
	Py_VISIT(state->metric_type);
	Py_VISIT(state->counter_type);
	Py_VISIT(state->gauge_type);
	Py_VISIT(state->histogram_type);
	Py_VISIT(state->native_histogram_type);
	Py_VISIT(state->summary_type);
	Py_VISIT(state->info_type);
	Py_VISIT(state->enum_type);
	Py_VISIT(state->health_type);
	Py_VISIT(state->timer_type);
	Py_VISIT(state->http_recorder_type);
	Py_VISIT(state->http_exchange_type);
	return 0;
}

static int core_clear(PyObject *module)
{
	core_state *state = PyModule_GetState(module);

	Py_CLEAR(state->segment_type);
	Py_CLEAR(state->metric_type);
	Py_CLEAR(state->counter_type);
	Py_CLEAR(state->gauge_type);
	Py_CLEAR(state->histogram_type);
	Py_CLEAR(state->native_histogram_type);
	Py_CLEAR(state->summary_type);
	Py_CLEAR(state->info_type);
	Py_CLEAR(state->enum_type);
	Py_CLEAR(state->health_type);
	Py_CLEAR(state->timer_type);
	Py_CLEAR(state->http_recorder_type);
	Py_CLEAR(state->http_exchange_type);
	return 0;
}

static void core_free(void *module)
{
	core_clear(module);
}

static PyModuleDef_Slot core_slots[] = {
	{Py_mod_exec, (void *)core_exec},
#if PY_VERSION_HEX >= 0x030c0000
	{Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030d0000
	{Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
	{0, NULL},
};

static PyModuleDef core_module = {
	PyModuleDef_HEAD_INIT,
	.m_name = "shmetrics._core",
	.m_doc = "Metrics in a named segment of shared memory: the part in C.",
	.m_size = sizeof(core_state),
	.m_methods = core_methods,
	.m_slots = core_slots,
	.m_traverse = core_traverse,
	.m_clear = core_clear,
	.m_free = core_free,
};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void)
{
	return PyModuleDef_Init(&core_module);
}
