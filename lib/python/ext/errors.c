/* SPDX-License-Identifier: MIT */
/*
 * errors.c - the library's statuses as Python's exceptions
 */
#include "core.h"

PyObject *core_raise(const smx_error *error)
{
	PyObject *type;

	switch (error->status) {
	case SMX_ERR_INVALID:
	case SMX_ERR_CONFLICT:
		type = PyExc_ValueError;
		break;
	case SMX_ERR_NOT_FOUND:
		type = PyExc_FileNotFoundError;
		break;
	case SMX_ERR_PERMISSION:
		type = PyExc_PermissionError;
		break;
	case SMX_ERR_NO_MEMORY:
		type = PyExc_MemoryError;
		break;
	case SMX_ERR_UNSUPPORTED:
		type = PyExc_NotImplementedError;
		break;
	default:
		type = PyExc_OSError;
		break;
	}
	PyErr_SetString(type, error->message);
	return NULL;
}
