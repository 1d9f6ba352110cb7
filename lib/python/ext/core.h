/* SPDX-License-Identifier: MIT */
/*
 * core.h - what the files of the extension share: the module's state, errors, texts, critical
 * sections
 *
 * One file a Python type. The extension sees the library's public headers only, keeps no static
 * state (every sub-interpreter has its own module state), and calls no Python code while it is
 * inside a critical section.
 */
#ifndef SHMETRICS_PYTHON_CORE_H
#define SHMETRICS_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "shmetrics/shmetrics.h"

typedef struct core_state {
	PyTypeObject *segment_type;
	PyTypeObject *metric_type;
	PyTypeObject *counter_type;
	PyTypeObject *gauge_type;
	PyTypeObject *histogram_type;
	PyTypeObject *native_histogram_type;
	PyTypeObject *summary_type;
	PyTypeObject *info_type;
	PyTypeObject *enum_type;
	PyTypeObject *health_type;
	PyTypeObject *timer_type;
	PyTypeObject *http_recorder_type;
	PyTypeObject *http_exchange_type;
} core_state;

/* Free-threaded builds (3.13 and later) need a lock where the others have the GIL. */
#if PY_VERSION_HEX >= 0x030d0000
#define CORE_BEGIN_CRITICAL_SECTION(object) Py_BEGIN_CRITICAL_SECTION(object)
#define CORE_END_CRITICAL_SECTION() Py_END_CRITICAL_SECTION()
#else
#define CORE_BEGIN_CRITICAL_SECTION(object) {
#define CORE_END_CRITICAL_SECTION() }
#endif

/* A new reference. NULL: the key is not there, or has no hash (an exception is set). */
static inline PyObject *core_dict_get(PyObject *dict, PyObject *key)
{
	PyObject *value;

#if PY_VERSION_HEX >= 0x030d0000
	(void)PyDict_GetItemRef(dict, key, &value); /* another thread may take it out */
#else
	value = PyDict_GetItemWithError(dict, key);
	Py_XINCREF(value);
#endif
	return value;
}

#ifdef Py_TPFLAGS_IMMUTABLETYPE
#define CORE_TPFLAGS_IMMUTABLE Py_TPFLAGS_IMMUTABLETYPE
#else
#define CORE_TPFLAGS_IMMUTABLE 0
#endif

#define core_likely(condition) __builtin_expect(!!(condition), 1)
/* Kept out of the fast path, whose atomic addition would wait for every register it saves. */
#define CORE_SLOW __attribute__((noinline, cold))

extern PyType_Spec core_segment_spec;
extern PyType_Spec core_metric_spec;
extern PyType_Spec core_counter_spec;
extern PyType_Spec core_gauge_spec;
extern PyType_Spec core_histogram_spec;
extern PyType_Spec core_native_histogram_spec;
extern PyType_Spec core_summary_spec;
extern PyType_Spec core_info_spec;
extern PyType_Spec core_enum_spec;
extern PyType_Spec core_health_spec;
extern PyType_Spec core_timer_spec;
extern PyType_Spec core_http_recorder_spec;
extern PyType_Spec core_http_exchange_spec;

/* ---- errors.c ---- */

/* Sets the Python exception that stands for a status of the library; returns NULL. */
PyObject *core_raise(const smx_error *error);

/* ---- text.c ---- */

/*
 * The UTF-8 bytes of a str; they live as long as *owner, a new reference. Lone surrogates, which
 * have no UTF-8, become U+FFFD. -1 with an exception set: no memory.
 */
int core_text(PyObject *string, smx_text *text, PyObject **owner);
/* For names, living with `string`: surrogates and NULs are a ValueError naming `what`. */
const char *core_name(PyObject *string, const char *what);
/* str(object) as an exact str. */
PyObject *core_str(PyObject *object);

/* ---- arguments.c ---- */

/*
 * Distributes the arguments of a METH_FASTCALL | METH_KEYWORDS call among `names` (NULL at the
 * end). The first `required` must be there; absent others are left as they are in values. -1:
 * TypeError set.
 */
int core_arguments(const char *function, const char *const *names, size_t required,
		   PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, PyObject **values);
/* A real number, as arithmetic in Python would take it. -1 with an exception set. */
int core_double(PyObject *object, double *value);

/* ---- exposition.c: a function of the module ---- */

PyObject *core_client_text(PyObject *module, PyObject *text);

#endif
