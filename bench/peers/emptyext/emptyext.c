/* SPDX-License-Identifier: MIT */
/*
 * emptyext.c - the floor in Python: a type whose methods do nothing, one for each calling
 * convention
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *noargs(PyObject *self, PyObject *unused)
{
	(void)self;
	(void)unused;
	Py_RETURN_NONE;
}

static PyObject *one(PyObject *self, PyObject *argument)
{
	(void)self;
	(void)argument;
	Py_RETURN_NONE;
}

static PyObject *fast(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
	(void)self;
	(void)arguments;
	(void)count;
	Py_RETURN_NONE;
}

static PyObject *fast_keywords(PyObject *self, PyObject *const *arguments, Py_ssize_t count,
			       PyObject *keywords)
{
	(void)self;
	(void)arguments;
	(void)count;
	(void)keywords;
	Py_RETURN_NONE;
}

static PyObject *tuple_keywords(PyObject *self, PyObject *arguments, PyObject *keywords)
{
	(void)self;
	(void)arguments;
	(void)keywords;
	Py_RETURN_NONE;
}

/* A method is called through the type that its flags name; the cast by way of void * says that it
 * is meant. */
#define METHOD(function) ((PyCFunction)(void *)(function))

static PyMethodDef methods[] = {
	{"noargs", METHOD(noargs), METH_NOARGS, NULL},
	{"one", METHOD(one), METH_O, NULL},
	{"fast", METHOD(fast), METH_FASTCALL, NULL},
	{"fast_keywords", METHOD(fast_keywords), METH_FASTCALL | METH_KEYWORDS, NULL},
	{"tuple_keywords", METHOD(tuple_keywords), METH_VARARGS | METH_KEYWORDS, NULL},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, NULL}};

static PyType_Spec spec = {.name = "emptyext.Empty",
			   .basicsize = sizeof(PyObject),
			   .flags = Py_TPFLAGS_DEFAULT,
			   .slots = slots};

static int execute(PyObject *module)
{
	PyObject *type = PyType_FromSpec(&spec);
	if (!type)
		return -1;
	int failed = PyModule_AddObjectRef(module, "Empty", type);
	Py_DECREF(type);
	return failed;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, (void *)execute}, {0, NULL}};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "emptyext", .m_slots = module_slots};

PyMODINIT_FUNC PyInit_emptyext(void)
{
	return PyModuleDef_Init(&module);
}
