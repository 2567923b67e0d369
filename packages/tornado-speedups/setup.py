"""The extension; all else is in pyproject.toml."""

import os
import sysconfig

from setuptools import Extension, setup

# One build serves all versions from 3.11 on; an interpreter without the global lock has no such
# stable interface yet.
stable = not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    ext_modules=[
        Extension(
            "tornado._speedups",
            ["src/speedups.c"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")] if stable else [],
            py_limited_api=stable,
            # With this, GCC makes vector instructions of loops.
            extra_compile_args=[] if os.name == "nt" else ["-O3"],
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if stable else {},
)
