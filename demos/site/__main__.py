"""The program: see the package's description."""

import sys
from pathlib import Path

from demos.site.build import Site
from demos.site.pages import PageError
from tornado.options import define, options, parse_command_line
from tornado.template import ParseError

HERE = Path(__file__).parent

define("title", default="A site", help="title of the site")
define("base_url", default="http://localhost", help="address of the site, for its feed")
define("templates", default=str(HERE / "templates"), help="folder of the templates")


def main() -> None:
    """Build the site that the command line is about."""
    folders = parse_command_line()
    if len(folders) > 2:
        sys.exit("usage: python -m demos.site [OPTIONS] [SOURCE [TARGET]]")
    source = Path(folders[0]) if folders else HERE / "content"
    target = Path(folders[1]) if len(folders) > 1 else Path("public")
    if not source.is_dir():
        sys.exit(f"{source} is no folder")
    try:
        site = Site(source, Path(options.templates), options.title, options.base_url)
        count = site.build(target)
    except (PageError, ParseError, OSError) as error:
        sys.exit(str(error))
    print(f"{count} pages are in {target}")


if __name__ == "__main__":
    main()
