/* SPDX-License-Identifier: MIT */
/*
 * segment.c - the type Segment: opens a segment, holds it for all metrics in it, renders it
 *
 * A Segment has no close(): the handles in metrics would dangle. It is closed with its last
 * reference, and every metric holds one.
 */
#include "segment.h"

#include <string.h>

#include "renderer.h"

struct segment {
	PyObject ob_base;
	smx_segment *segment;
	renderer_place idle;
};

smx_segment *segment_of(PyObject *segment)
{
	return ((struct segment *)segment)->segment;
}

/* ---- opening ---- */

static PyObject *open_segment(PyTypeObject *type, const char *name,
			      const smx_segment_options *options)
{
	struct segment *self = (struct segment *)type->tp_alloc(type, 0);
	smx_error error = {0};
	smx_status status;

	if (!self)
		return NULL;
	/* Another process may be starting a generation: its lock is waited for. */
	Py_BEGIN_ALLOW_THREADS if (name) status =
		smx_segment_open(name, options, &self->segment, &error);
	else status = smx_segment_open_private(options, &self->segment, &error);
	Py_END_ALLOW_THREADS if (status == SMX_OK) return (PyObject *)self;
	Py_DECREF(self);
	return core_raise(&error);
}

PyDoc_STRVAR(segment_open_doc, "open($type, name, /, *, size_max_bytes=0, series_max=0, "
			       "family_series_max=0, keep=False)\n--\n\n"
			       "Open the segment of this name or path, or make it. The sizes count "
			       "for who makes it; 0: the default.");

static PyObject *segment_open(PyObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"",  "size_max_bytes", "series_max", "family_series_max", "keep",
				NULL};
	unsigned long long size_max_bytes = 0;
	unsigned int series_max = 0, family_series_max = 0;
	smx_segment_options options = {0};
	const char *name;
	int keep = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|$KIIp:open", names, &name,
					 &size_max_bytes, &series_max, &family_series_max, &keep))
		return NULL;
	options.size_max_bytes = size_max_bytes;
	options.series_max = series_max;
	options.family_series_max = family_series_max;
	options.flags = keep ? SMX_SEGMENT_KEEP : 0;
	return open_segment((PyTypeObject *)type, name, &options);
}

PyDoc_STRVAR(segment_open_private_doc, "open_private($type, /, *, size_max_bytes=0)\n--\n\n"
				       "A segment that no other process sees.");

static PyObject *segment_open_private(PyObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"size_max_bytes", NULL};
	unsigned long long size_max_bytes = 0;
	smx_segment_options options = {0};

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$K:open_private", names, &size_max_bytes))
		return NULL;
	options.size_max_bytes = size_max_bytes;
	return open_segment((PyTypeObject *)type, NULL, &options);
}

/* ---- rendering ---- */

static PyObject *render_to_bytes(PyObject *self, const struct rendering *wanted)
{
	PyObject *bytes = NULL;
	smx_buffer buffer = {0};
	smx_error error = {0};
	smx_status status;

	Py_BEGIN_ALLOW_THREADS;
	status = renderer_render(&((struct segment *)self)->idle, segment_of(self), wanted, &buffer,
				 &error);
	Py_END_ALLOW_THREADS;
	if (status != SMX_OK)
		core_raise(&error);
	else if (buffer.failed)
		PyErr_NoMemory();
	else
		bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)buffer.size);
	/* Nobody else has it yet, and megabytes of new pages take their time. */
	Py_BEGIN_ALLOW_THREADS;
	if (bytes && buffer.size)
		memcpy(PyBytes_AS_STRING(bytes), buffer.data, buffer.size);
	smx_buffer_free(&buffer);
	Py_END_ALLOW_THREADS;
	return bytes;
}

/* Texts that live as long as the strings in a tuple of our own, which nobody changes. */
struct strings {
	PyObject *tuple;
	smx_text *texts;
	size_t count;
};

static void strings_release(struct strings *strings)
{
	PyMem_Free(strings->texts);
	Py_XDECREF(strings->tuple);
}

/* -1: an exception is set, and there is nothing to release. */
static int strings_take(struct strings *strings, PyObject *sequence)
{
	Py_ssize_t size;

	*strings = (struct strings){.tuple = PySequence_Tuple(sequence)};
	if (!strings->tuple)
		return -1;
	strings->texts = PyMem_New(smx_text, (size_t)PyTuple_GET_SIZE(strings->tuple) + 1);
	if (!strings->texts)
		PyErr_NoMemory();
	while (strings->texts && strings->count < (size_t)PyTuple_GET_SIZE(strings->tuple)) {
		PyObject *string = PyTuple_GET_ITEM(strings->tuple, (Py_ssize_t)strings->count);
		smx_text *text = &strings->texts[strings->count++];

		text->data = PyUnicode_AsUTF8AndSize(string, &size);
		if (!text->data)
			break;
		text->size = (size_t)size;
	}
	if (!PyErr_Occurred())
		return 0;
	strings_release(strings);
	return -1;
}

static PyObject *render_named(PyObject *self, struct rendering *wanted, PyObject *names)
{
	struct strings strings;
	PyObject *result;

	if (names == Py_None)
		return render_to_bytes(self, wanted);
	if (strings_take(&strings, names))
		return NULL;
	wanted->names = strings.texts;
	wanted->name_count = strings.count;
	wanted->has_names = true;
	result = render_to_bytes(self, wanted);
	strings_release(&strings);
	return result;
}

PyDoc_STRVAR(segment_render_doc,
	     "render($self, names=None, /, *, format=1, escaping=0, created=False)\n--\n\n"
	     "What a scrape of the whole segment would see, as bytes.\n"
	     "names: a sequence of family or sample names to restrict it to.\n"
	     "format: a FORMAT_ constant, or the number that choose_format() returned; ValueError "
	     "if there is none of it.\n"
	     "escaping: an ESCAPING_ constant: how names are written that not every scraper "
	     "understands.\n"
	     "created: also serve when each counter, histogram and summary was made (text "
	     "and OpenMetrics 1.0).");

static PyObject *segment_render(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *keywords[] = {"", "format", "escaping", "created", NULL};
	int format = SMX_FORMAT_TEXT_004, escaping = SMX_ESCAPING_UNDERSCORES, created = 0;
	struct rendering wanted = {0};
	PyObject *names = Py_None;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$iip:render", keywords, &names, &format,
					 &escaping, &created))
		return NULL;
	wanted.type = (smx_exposition_type){(smx_format)format, (smx_escaping)escaping};
	wanted.created = created;
	return render_named(self, &wanted, names);
}

/* Those of the strings that are taken, as a list. */
static PyObject *taken_of(const struct strings *strings, const bool *taken)
{
	PyObject *list = PyList_New(0);

	for (size_t i = 0; list && i < strings->count; i++) {
		if (taken[i] &&
		    PyList_Append(list, PyTuple_GET_ITEM(strings->tuple, (Py_ssize_t)i)))
			Py_CLEAR(list);
	}
	return list;
}

PyDoc_STRVAR(segment_render_beside_doc,
	     "render_beside($self, others, names=None, /, *, format=1, escaping=0, "
	     "created=False)\n--\n\n"
	     "What render() gives, and a list of those of the sample names `others`, as they are "
	     "written, that a\n"
	     "family of the segment has, whether or not `names` asks for it: they must not be "
	     "served twice.");

static PyObject *segment_render_beside(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *keywords[] = {"", "", "format", "escaping", "created", NULL};
	int format = SMX_FORMAT_TEXT_004, escaping = SMX_ESCAPING_UNDERSCORES, created = 0;
	PyObject *names = Py_None, *sequence, *bytes, *list = NULL;
	struct rendering wanted = {0};
	struct strings others;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O$iip:render_beside", keywords, &sequence,
					 &names, &format, &escaping, &created) ||
	    strings_take(&others, sequence))
		return NULL;
	wanted.type = (smx_exposition_type){(smx_format)format, (smx_escaping)escaping};
	wanted.created = created;
	wanted.others = others.texts;
	wanted.other_count = others.count;
	wanted.taken = PyMem_Calloc(others.count + 1, sizeof(bool));
	bytes = wanted.taken ? render_named(self, &wanted, names) : PyErr_NoMemory();
	if (bytes)
		list = taken_of(&others, wanted.taken);
	PyMem_Free(wanted.taken);
	strings_release(&others);
	if (list)
		return Py_BuildValue("NN", bytes, list);
	Py_XDECREF(bytes);
	return NULL;
}

/* ---- the type ---- */

static PyObject *segment_path(PyObject *self, void *Py_UNUSED(closure))
{
	return PyUnicode_DecodeFSDefault(smx_segment_path(segment_of(self)));
}

static PyObject *segment_repr(PyObject *self)
{
	const char *path = smx_segment_path(segment_of(self));

	return PyUnicode_FromFormat("<Segment %s>", path[0] ? path : "private");
}

static void segment_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	renderer_free(&((struct segment *)self)->idle);
	smx_segment_close(segment_of(self));
	type->tp_free(self);
	Py_DECREF(type);
}

static PyObject *segment_new(PyTypeObject *Py_UNUSED(type), PyObject *Py_UNUSED(args),
			     PyObject *Py_UNUSED(kwargs))
{
	PyErr_SetString(PyExc_TypeError, "use Segment.open() or Segment.open_private()");
	return NULL;
}

static PyMethodDef segment_methods[] = {
	{"open", (PyCFunction)(void (*)(void))segment_open,
	 METH_VARARGS | METH_KEYWORDS | METH_CLASS, segment_open_doc},
	{"open_private", (PyCFunction)(void (*)(void))segment_open_private,
	 METH_VARARGS | METH_KEYWORDS | METH_CLASS, segment_open_private_doc},
	{"render", (PyCFunction)(void (*)(void))segment_render, METH_VARARGS | METH_KEYWORDS,
	 segment_render_doc},
	{"render_beside", (PyCFunction)(void (*)(void))segment_render_beside,
	 METH_VARARGS | METH_KEYWORDS, segment_render_beside_doc},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef segment_getset[] = {
	{"path", segment_path, NULL, "The absolute path of its file; '' if it is private.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot segment_slots[] = {
	{Py_tp_doc, "A segment, open for recording."},
	{Py_tp_new, segment_new},
	{Py_tp_dealloc, segment_dealloc},
	{Py_tp_repr, segment_repr},
	{Py_tp_methods, segment_methods},
	{Py_tp_getset, segment_getset},
	{0, NULL},
};

PyType_Spec core_segment_spec = {
	.name = "shmetrics._core.Segment",
	.basicsize = (int)sizeof(struct segment),
	.flags = Py_TPFLAGS_DEFAULT | CORE_TPFLAGS_IMMUTABLE,
	.slots = segment_slots,
};
