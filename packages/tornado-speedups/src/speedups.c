/* Masks of WebSocket frames (RFC 6455 section 5.3). */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define MASK_SIZE 4

/* Combine `size` bytes at `in` with the repeated mask into `out`. Words are copied in and out, as
   neither side need be aligned; compilers make vector instructions of the loop. */
static void
combine(unsigned char *restrict out, const unsigned char *restrict in, Py_ssize_t size,
        const unsigned char *mask)
{
    unsigned char doubled[2 * MASK_SIZE];
    uint64_t pattern;
    Py_ssize_t index = 0;

    memcpy(doubled, mask, MASK_SIZE);
    memcpy(doubled + MASK_SIZE, mask, MASK_SIZE);
    memcpy(&pattern, doubled, sizeof(pattern));
    for (; index + (Py_ssize_t)sizeof(pattern) <= size; index += sizeof(pattern)) {
        uint64_t word;
        memcpy(&word, in + index, sizeof(word));
        word ^= pattern;
        memcpy(out + index, &word, sizeof(word));
    }
    for (; index < size; index++)
        out[index] = in[index] ^ mask[index % MASK_SIZE];
}

static PyObject *
combined(const unsigned char *in, Py_ssize_t size, const unsigned char *mask)
{
    PyObject *result = PyBytes_FromStringAndSize(NULL, size);
    if (result != NULL)
        combine((unsigned char *)PyBytes_AsString(result), in, size, mask);
    return result;
}

static int
check_count(const char *name, Py_ssize_t count, Py_ssize_t expected)
{
    if (count == expected)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments, not %zd", name, expected, count);
    return -1;
}

PyDoc_STRVAR(apply_mask_doc,
"apply_mask(mask, data, /)\n--\n\n"
"Return data combined with a mask of four bytes; applied twice it gives the data again.");

static PyObject *
apply_mask(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Py_buffer mask, data;
    PyObject *result = NULL;

    if (check_count("apply_mask", count, 2) < 0 ||
        PyObject_GetBuffer(args[0], &mask, PyBUF_SIMPLE) < 0)
        return NULL;
    if (PyObject_GetBuffer(args[1], &data, PyBUF_SIMPLE) == 0) {
        if (mask.len == MASK_SIZE)
            result = combined(data.buf, data.len, mask.buf);
        else
            PyErr_Format(PyExc_ValueError, "a mask has four bytes, not %zd", mask.len);
        PyBuffer_Release(&data);
    }
    PyBuffer_Release(&mask);
    return result;
}

PyDoc_STRVAR(unmask_doc,
"unmask(data, start, stop, /)\n--\n\n"
"Return the payload that stands in data before stop, behind its mask, which begins at start.");

static PyObject *
unmask(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Py_buffer data;
    Py_ssize_t start, stop;
    PyObject *result = NULL;

    if (check_count("unmask", count, 3) < 0)
        return NULL;
    start = PyLong_AsSsize_t(args[1]);
    if (start == -1 && PyErr_Occurred())
        return NULL;
    stop = PyLong_AsSsize_t(args[2]);
    if (stop == -1 && PyErr_Occurred())
        return NULL;
    if (PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0)
        return NULL;
    if (start >= 0 && stop <= data.len && stop - start >= MASK_SIZE) {
        const unsigned char *mask = (const unsigned char *)data.buf + start;
        result = combined(mask + MASK_SIZE, stop - start - MASK_SIZE, mask);
    }
    else
        PyErr_Format(PyExc_ValueError, "no mask and payload between %zd and %zd of %zd bytes",
                     start, stop, data.len);
    PyBuffer_Release(&data);
    return result;
}

static PyMethodDef functions[] = {
    {"apply_mask", (PyCFunction)(void (*)(void))apply_mask, METH_FASTCALL, apply_mask_doc},
    {"unmask", (PyCFunction)(void (*)(void))unmask, METH_FASTCALL, unmask_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tornado._speedups",
    .m_doc = "Masks of WebSocket frames (RFC 6455 section 5.3).",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__speedups(void)
{
    return PyModuleDef_Init(&definition);
}
