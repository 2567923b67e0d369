/* Masks of WebSocket frames (RFC 6455 section 5.3), and escaping of HTML. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define MASK_SIZE 4
#define WORDS 8

/* Combine `size` bytes at `in` with the repeated mask into `out`. Words are copied in and out, as
   neither side need be aligned; compilers make vector instructions of it, and of several words at
   once so many that the loop around them costs little. */
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
    for (; index + (Py_ssize_t)(WORDS * sizeof(pattern)) <= size;
         index += WORDS * sizeof(pattern)) {
        uint64_t words[WORDS];
        memcpy(words, in + index, sizeof(words));
        for (int number = 0; number < WORDS; number++)
            words[number] ^= pattern;
        memcpy(out + index, words, sizeof(words));
    }
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
    /* Only numbers of one sign are subtracted: the difference of others may not be one. */
    if (start >= 0 && stop >= 0 && stop <= data.len && stop - start >= MASK_SIZE) {
        const unsigned char *mask = (const unsigned char *)data.buf + start;
        result = combined(mask + MASK_SIZE, stop - start - MASK_SIZE, mask);
    }
    else
        PyErr_Format(PyExc_ValueError, "no mask and payload between %zd and %zd of %zd bytes",
                     start, stop, data.len);
    PyBuffer_Release(&data);
    return result;
}

/* Texts are looked at in blocks; most hold nothing to replace. */
#define BLOCK 32

/* How much longer a character becomes as an entity. */
static inline unsigned char
growth(unsigned char character)
{
    return (unsigned char)((character == '&') * 4 + ((character == '<') | (character == '>')) * 3 +
                           ((character == '"') | (character == '\'')) * 5);
}

/* How much longer a block becomes: less than 256. Compilers make vector instructions of the loop. */
static inline unsigned char
growth_of_block(const char *in)
{
    unsigned char sum = 0;
    for (int index = 0; index < BLOCK; index++)
        sum = (unsigned char)(sum + growth((unsigned char)in[index]));
    return sum;
}

static char *
write_character(char *out, char character)
{
    switch (character) {
    case '&': memcpy(out, "&amp;", 5); return out + 5;
    case '<': memcpy(out, "&lt;", 4); return out + 4;
    case '>': memcpy(out, "&gt;", 4); return out + 4;
    case '"': memcpy(out, "&quot;", 6); return out + 6;
    case '\'': memcpy(out, "&#x27;", 6); return out + 6;
    default: *out = character; return out + 1;
    }
}

/* Return `text`, whose UTF-8 is at `in`, with entities; itself if it needs none. */
static PyObject *
escaped(PyObject *text, const char *in, Py_ssize_t size, const char *errors)
{
    const char *end = in + size, *next = in;
    Py_ssize_t more = 0;
    char *buffer, *out;
    PyObject *result;

    for (; end - next >= BLOCK; next += BLOCK)
        more += growth_of_block(next);
    for (; next < end; next++)
        more += growth((unsigned char)*next);
    if (more == 0)
        return PyUnicode_FromObject(text);
    /* Each character may become six. */
    if (size > PY_SSIZE_T_MAX / 6)
        return PyErr_NoMemory();
    buffer = out = PyMem_Malloc(size + more);
    if (buffer == NULL)
        return PyErr_NoMemory();
    while (end - in >= BLOCK) {
        if (growth_of_block(in) == 0) {
            memcpy(out, in, BLOCK);
            in += BLOCK;
            out += BLOCK;
        }
        else
            for (next = in + BLOCK; in < next; in++)
                out = write_character(out, *in);
    }
    for (; in < end; in++)
        out = write_character(out, *in);
    result = PyUnicode_DecodeUTF8(buffer, size + more, errors);
    PyMem_Free(buffer);
    return result;
}

/* A text keeps its UTF-8 once that is asked for; long ones shall not. */
#define KEPT 1024

static PyObject *
escaped_text(PyObject *text)
{
    PyObject *bytes, *result;
    const char *errors = NULL;

    if (PyUnicode_GetLength(text) <= KEPT) {
        Py_ssize_t size;
        const char *data = PyUnicode_AsUTF8AndSize(text, &size);
        if (data != NULL)
            return escaped(text, data, size, errors);
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            return NULL;
        PyErr_Clear();
    }
    /* Halves of surrogate pairs are none of our business. */
    errors = "surrogatepass";
    bytes = PyUnicode_AsEncodedString(text, "utf-8", errors);
    if (bytes == NULL)
        return NULL;
    result = escaped(text, PyBytes_AsString(bytes), PyBytes_Size(bytes), errors);
    Py_DECREF(bytes);
    return result;
}

PyDoc_STRVAR(xhtml_escape_doc,
"xhtml_escape(value, /)\n--\n\n"
"Return text with the characters that have a meaning in HTML replaced by entities.");

static PyObject *
xhtml_escape(PyObject *module, PyObject *value)
{
    PyObject *text, *result;

    if (PyUnicode_Check(value))
        return escaped_text(value);
    if (!PyBytes_Check(value)) {
        PyObject *name = value == Py_None ? PyUnicode_FromString("None")
                                          : PyType_GetName(Py_TYPE(value));
        if (name != NULL) {
            PyErr_Format(PyExc_TypeError, "text or bytes are needed, not %U", name);
            Py_DECREF(name);
        }
        return NULL;
    }
    text = PyUnicode_FromEncodedObject(value, "utf-8", "strict");
    if (text == NULL)
        return NULL;
    result = escaped_text(text);
    Py_DECREF(text);
    return result;
}

static PyMethodDef functions[] = {
    {"apply_mask", (PyCFunction)(void (*)(void))apply_mask, METH_FASTCALL, apply_mask_doc},
    {"unmask", (PyCFunction)(void (*)(void))unmask, METH_FASTCALL, unmask_doc},
    {"xhtml_escape", xhtml_escape, METH_O, xhtml_escape_doc},
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
    .m_doc = "What is faster in C: masks of WebSocket frames, and escaping of HTML.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__speedups(void)
{
    return PyModuleDef_Init(&definition);
}
