"""The pages."""

import collections

import tornado.gen
import tornado.httpclient
import tornado.locale
import tornado.web
from tornado.escape import json_decode

Story = collections.namedtuple("Story", "title text author")


class BaseHandler(tornado.web.RequestHandler):
    """What all pages share: who the user is, which language they read, how errors look."""

    def get_current_user(self):
        """A signed cookie says it; nobody else can write one."""
        name = self.get_secure_cookie("user")
        return None if name is None else name.decode("utf-8")

    def get_user_locale(self):
        """What the reader has chosen, or else what the browser asks for."""
        code = self.get_cookie("language")
        return tornado.locale.get(code) if code else None

    def write_error(self, status_code, **kwargs):
        """Errors are pages of the newspaper."""
        self.render("error.html", status=status_code)


class ArchiveHandler(BaseHandler):
    """A page that needs the archive. Routes name it; it comes to `initialize`."""

    def initialize(self, stories):
        """Keep the archive."""
        self.stories = stories


class FrontPage(ArchiveHandler):
    """All stories, and how often one has been here."""

    def get(self):
        """Count visits in a cookie, which may be changed by anyone, and show the page."""
        visits = int(self.get_cookie("visits", "0")) + 1
        self.set_cookie("visits", str(visits))
        self.render("front.html", stories=self.stories, visits=visits)


class StoryPage(ArchiveHandler):
    """One story; its number is in the path."""

    def get(self, number):
        """Show it."""
        story = self.stories.get(int(number))
        if story is None:
            raise tornado.web.HTTPError(404)
        self.render("story.html", number=int(number), story=story)


class Search(ArchiveHandler):
    """Stories with a word in them."""

    def get(self):
        """Show a form, or what was found."""
        word = self.get_argument("word", "")
        found = {
            number: story
            for number, story in self.stories.items()
            if word and word.lower() in f"{story.title} {story.text}".lower()
        }
        self.render("search.html", word=word, found=found)


class Write(ArchiveHandler):
    """Where users write. The form is protected: see ``xsrf_form_html`` in its template."""

    @tornado.web.authenticated
    def get(self):
        """Show the form."""
        self.render("write.html")

    @tornado.web.authenticated
    def post(self):
        """Take a story and show it."""
        number = max(self.stories, default=0) + 1
        title, text = self.get_argument("title"), self.get_argument("text")
        self.stories[number] = Story(title, text, self.current_user)
        self.redirect(f"/story/{number}")


class Photo(BaseHandler):
    """Takes a photo."""

    @tornado.web.authenticated
    def get(self):
        """Show the form."""
        self.render("photo.html", photo=None)

    @tornado.web.authenticated
    def post(self):
        """Say what was taken."""
        if "photo" not in self.request.files:
            raise tornado.web.HTTPError(400, "no photo was sent")
        self.render("photo.html", photo=self.request.files["photo"][0])


class Login(BaseHandler):
    """Users say their names, and are believed."""

    def get(self):
        """Show the form."""
        self.render("login.html", next=self.get_argument("next", "/"))

    def post(self):
        """Remember the name, and go where the user wanted to go."""
        self.set_secure_cookie("user", self.get_argument("name"))
        target = self.get_argument("next", "/")
        # Only pages of this site: a link may have come from anywhere. Browsers leave tabs out.
        target = target.replace("\t", "")
        self.redirect(target if target.startswith("/") and target[1:2] not in "/\\" else "/")


class Logout(BaseHandler):
    """Forgets the user."""

    def post(self):
        """Take the cookie back."""
        self.clear_cookie("user")
        self.redirect("/")


class Language(BaseHandler):
    """Lets readers choose their language."""

    def post(self):
        """Remember it."""
        self.set_cookie("language", self.get_argument("code"))
        self.redirect("/")


class Latest(ArchiveHandler):
    """The latest story, wherever it is."""

    def get(self):
        """Send the reader there; tomorrow it's another one."""
        self.redirect(f"/story/{max(self.stories)}", permanent=False)


class Feed(ArchiveHandler):
    """The stories for programs."""

    def get(self):
        """A dictionary is sent as JSON."""
        self.write({"stories": {str(n): story._asdict() for n, story in self.stories.items()}})


class Station(BaseHandler):
    """The weather station, which is another server in truth."""

    def get(self):
        """Report."""
        self.write({"sky": "clear", "degrees": 21})


def station_of(request):
    """Return the URL of the weather station."""
    return f"{request.protocol}://{request.host}/weather/station"


class Weather(BaseHandler):
    """Asks another server, by callback. The request stays open until `finish`."""

    @tornado.web.asynchronous
    def get(self):
        """Ask."""
        http = tornado.httpclient.AsyncHTTPClient()
        http.fetch(station_of(self.request), callback=self.on_response)

    def on_response(self, response):
        """Answer with what came."""
        if response.error:
            raise tornado.web.HTTPError(502)
        weather = json_decode(response.body)
        self.write(f"The sky is {weather['sky']}.")
        self.finish()


class WeatherByEngine(BaseHandler):
    """Does the same in one function."""

    @tornado.web.asynchronous
    @tornado.gen.engine
    def get(self):
        """Ask and answer."""
        http = tornado.httpclient.AsyncHTTPClient()
        response = yield tornado.gen.Task(http.fetch, station_of(self.request))
        weather = json_decode(response.body)
        self.render("weather.html", weather=weather)
