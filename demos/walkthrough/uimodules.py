"""Parts of pages that several pages use."""

import tornado.web


class Entry(tornado.web.UIModule):
    """A story in a list, with the style that it needs."""

    def render(self, number, story):
        """Return the HTML."""
        return self.render_string("module-entry.html", number=number, story=story)

    def css_files(self):
        """Style sheets go into the page's head, once however many entries it has."""
        return "entry.css"
