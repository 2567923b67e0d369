"""A generator of static sites: Markdown in, HTML out.

It needs tornado-template, tornado-core and the package ``markdown``; there is no web server in it::

    python -m demos.site                            # the folder content/ here, to public/
    python -m demos.site --title="My notes" --base-url=https://example.com notes public

A page is a Markdown file, with lines ``name: value`` at its top if it likes, up to an empty line:

    title: Cats
    date: 2024-05-01
    tags: animals, pets

    Cats *sleep*.

``title`` is the first heading if there is no such line, ``template`` names another template than
``page.html``, and a page with ``draft: yes`` is left out. Pages that have a date are notes: the
front page lists them, the newest first, and ``feed.xml`` has them for feed readers. Each tag gets a
page. Other files are copied. The templates are in ``templates/``; ``--templates`` names another
folder.

An error in a template ends the program with one line that says where it is.
"""
