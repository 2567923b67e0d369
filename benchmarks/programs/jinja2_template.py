"""What templates cost on Jinja2. Arguments: the task, and seconds."""

import sys

from jinja2 import Environment
from repeat import repeat

TABLE = """<table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>"""
ROWS = [
    [f"cell {row} & {column}" if column == 5 else column for column in range(10)]
    for row in range(1000)
]

task, seconds = sys.argv[1:]
environment = Environment(autoescape=True)
table = environment.from_string(TABLE)
repeat({"table": lambda: table.render(rows=ROWS).encode()}[task], float(seconds))
