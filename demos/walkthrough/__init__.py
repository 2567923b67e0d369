"""A village newspaper in the style of Tornado 2: callbacks, ``@asynchronous``, ``gen.engine``.

It goes through what the first chapter of the documents of that time shows, in its order: handlers
and arguments, methods to override, errors, redirects, templates, cookies, users, protection of
forms, static files, translations, UI modules, and requests that wait for others. Programs like this
one run as they are. ``python -m demos.walkthrough --port=8888`` serves it.
"""
