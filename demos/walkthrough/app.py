"""The application, and how it's started."""

import os.path
import secrets

import tornado.httpserver
import tornado.ioloop
import tornado.locale
import tornado.netutil
import tornado.options
import tornado.web
from demos.walkthrough import handlers, uimodules
from tornado.options import define, options

HERE = os.path.dirname(__file__)


def make_application(**settings):
    """Return the application, with an empty archive of its own."""
    tornado.locale.load_translations(os.path.join(HERE, "translations"))
    stories = {1: handlers.Story("The mill", "It turns again.", "ann")}
    archive = {"stories": stories}
    routes = [
        (r"/", handlers.FrontPage, archive),
        (r"/story/([0-9]+)", handlers.StoryPage, archive),
        (r"/search", handlers.Search, archive),
        (r"/write", handlers.Write, archive),
        (r"/photo", handlers.Photo),
        (r"/login", handlers.Login),
        (r"/logout", handlers.Logout),
        (r"/language", handlers.Language),
        (r"/first", tornado.web.RedirectHandler, {"url": "/story/1"}),
        (r"/latest", handlers.Latest, archive),
        (r"/feed\.json", handlers.Feed, archive),
        (r"/weather", handlers.Weather),
        (r"/weather/engine", handlers.WeatherByEngine),
        (r"/weather/station", handlers.Station),
    ]
    return tornado.web.Application(
        routes,
        template_path=os.path.join(HERE, "templates"),
        static_path=os.path.join(HERE, "static"),
        cookie_secret=secrets.token_hex(32),
        login_url="/login",
        xsrf_cookies=True,
        ui_modules=uimodules,
        **settings,
    )


def main():
    """Serve until Ctrl-C."""
    define("port", default=8888, help="port to listen on; 0 takes any", type=int)
    define("debug", default=False, help="reload when sources change, show tracebacks", type=bool)
    tornado.options.parse_command_line()
    server = tornado.httpserver.HTTPServer(make_application(debug=options.debug))
    sockets = tornado.netutil.bind_sockets(options.port, "127.0.0.1")
    server.add_sockets(sockets)
    try:
        print(f"The newspaper is at http://127.0.0.1:{sockets[0].getsockname()[1]}/", flush=True)
        tornado.ioloop.IOLoop.instance().start()
    except KeyboardInterrupt:
        server.stop()
