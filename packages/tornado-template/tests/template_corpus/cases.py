"""The cases of the corpus: tables by subject, and generated templates."""

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

Case = dict[str, Any]

EXPRESSIONS = [
    "{{ x }}",
    "{{x}}",
    "{{ \t x \n }}",
    "{{ s }}",
    "{{ u }}",
    "{{ '\u00e9' }}",
    "{{ b }}",
    "{{ none }}",
    "{{ n }}",
    "{{ half }}",
    "{{ True }}",
    "{{ '' }}",
    "{{ items }}",
    "{{ d['k'] }}",
    "{{ d['n']['m'] }}",
    '{{ d["k"] }}',
    "{{ items[0] }}",
    "{{ items[-1] }}",
    "{{ items[1:] }}",
    "{{ thing }}",
    "{{ thing.name }}",
    "{{ thing.method() }}",
    "{{ thing.method('<') }}",
    "{{ thing.method(value=x) }}",
    "{{ named }}",
    "{% raw named %}",
    "{{ quotes }}",
    "{{ lines }}",
    "{{ x + s }}",
    "{{ x, s }}",
    "{{ (x) }}",
    "{{ (x, s) }}",
    "{{ [i * 2 for i in items] }}",
    "{{ {i: i * 2 for i in items} }}",
    "{{ {i for i in [1]} }}",
    "{{ sum(i for i in items) }}",
    "{{ (lambda a: a + 1)(n) }}",
    "{{ callable(lambda a: a) }}",
    "{{ x if zero else s }}",
    "{{ not zero }}",
    "{{ zero or 'else' }}",
    "{{ n == 3 and n != 4 }}",
    "{{ n // 2 }}{{ n % 2 }}{{ n ** 2 }}{{ -n }}{{ ~n }}",
    "{{ 'a' 'b' }}",
    "{{ 'a\\nb' }}",
    "{{ r'a\\nb' }}",
    "{{ '''a\nb''' }}",
    "{{ f'{n:03d}' }}",
    "{{ f'{x}' }}",
    "{{ '%s' % x }}",
    "{{ '%(k)s' % d }}",
    "{{ '{}'.format(x) }}",
    "{{ b'<' }}",
    "{{ 1 if 1 else 2 if 3 else 4 }}",
    "{{ 1 < 2 < 3 }}",
    "{{ 1 \\\n + 1 }}",
    "{{ n\n + n }}",
    "{{ (n\n + n) }}",
    "{{ [n,\n n] }}",
    "{{ n # a comment\n }}",
    "{{ n #\n + 1 }}",
    "{{ '#' }}",
    '{{ "}" "}" }}',
    "{{ '{' '{' }}",
    "{{ '%' '}' }}",
    "{{ {'a': 1}['a'] }}",
    "{{ {'a': {'b': 1} } }}",
    "{{ {'a': {'b': 1}} }}",
    "{{ '}}' }}",
    "{{ '%}' }}",
    "{{ '{{' }}",
    "{{ '{%' }}",
    "{{ x }}}",
    "{{{ x }}}",
    "{{{{ x }}}}",
    "{{{x}}{x}}",
    "{ {{ x }} }",
    "{{ *items }}",
    "{{ *items, 4 }}",
    "{{ ... }}",
    "{{ (y := 5) }}{{ y }}",
    "{{ y := 5 }}",
    "{{ _ }}",
    "{{ __name__ }}",
    "{{ xhtml_escape(x) }}",
    "{% raw xhtml_escape(x) %}",
    "{{ escape(x) }}",
    "{{ url_escape(x) }}",
    "{{ json_encode(d) }}",
    "{% raw json_encode(d) %}",
    "{{ squeeze(' a  b ') }}",
    "{{ linkify('www.example.com') }}",
    "{% raw linkify('see http://example.com/a?b&c.') %}",
    "{{ datetime.date(2020, 1, 2) }}",
    "{{ datetime.timedelta(1) }}",
    "{{ len(x) }}",
    "{{ range(3) }}",
    "{{ dict(a=1) }}",
    "{{ str(b'x', 'ascii') }}",
    "{{ sorted(items, reverse=True) }}",
    "{{ max(items, key=lambda i: -i) }}",
    "{{ items and items[0] }}",
    "{{ latin }}",
    "{% raw latin %}",
    "{% raw b %}",
    "{% raw x %}",
    "{% raw none %}",
    "{% raw n + 1 %}",
    "{% raw x, s %}",
    "{% raw [i\n for i in items] %}",
    "{% raw u %}",
    "{% module Hello('<you>') %}",
    "{% module Hello(x, n=n) %}",
    "{% module Hello() %}{{ x }}",
    "{% module Hello(\n 1,\n 2) %}",
    "{% module Hello(1).upper() %}",
    "{{ 5 .real }}",
    "{{ x!r }}",
    "{{ 0x1F }}{{ 1_000 }}{{ 1e3 }}{{ 1j }}",
    "{{ 'a' in d }}{{ 'k' in d }}{{ n is None }}{{ n not in items }}",
    "{{ items[::2] }}{{ items[0:2] }}",
    "{{ max(*items) }}{{ dict(**d)['k'] }}",
    "{{ [a + b for a in 'ab' for b in 'cd' if a] }}",
    "{{ any(i > 2 for i in items) }}",
    "{{ [x for x in items] }}{{ x }}",
    "{{ (yield) }}",
    "{{ pass }}",
    "{{ x; s }}",
    "{{ x = s }}",
    "{{ 1) + (1 }}",
    "{{ x }}\u2028{{ x }}",
    "{{ '\u2028' }}\u0085\x0b\x0c\x1c",
    "\ufeff{{ n }}",
    "{{\u00a0n\u00a0}}",
    "{{ \u540d }}{% set \u540d = 1 %}{{ \u540d }}",
    "{% set \u540d = 1 %}{{ \u540d }}",
]

DELIMITERS = [
    "",
    " ",
    "\n",
    "plain",
    "{",
    "}",
    "{}",
    "}}",
    "%}",
    "#}",
    "{ {",
    "{a}",
    "{\n{",
    "a{",
    "a{b{c{",
    "{{!",
    "{{! x }}",
    "{{!x}}",
    "{{!{{ n }}",
    "{{ n }}{{! n }}",
    "{%!",
    "{%! if x %}",
    "{%!{% if n %}y{% end %}",
    "{#!",
    "{#! x #}",
    "{#!{# x #}y",
    "{{{!",
    "{{{!x}}",
    "{{{{!x}}}}",
    "{{!!x}}",
    "{%!!",
    "{!{ x }}",
    "{# a #}",
    "a{# b #}c",
    "{# {{ x }} #}",
    "{# {% if %} #}",
    "{# {# nested #}",
    "{##}",
    "{# #} #}",
    "{#\n\n#}a",
    "{#-#}",
    "{#!#}",
    "{% comment %}",
    "{% comment a b c %}x",
    "{% comment {{ x }}",
    "{% comment '{{ x }}' %}",
    "{% comment\nover\nlines %}y",
    "a {# one #} b {# two #} c",
    "a\n{# one #}\nb",
    "a\n{% comment one %}\nb",
    "{%comment x%}y",
    "{%if n%}a{%end%}",
    "{%  if   n  %}a{%  end  %}",
    "{%\nif\nn\n%}a{%\nend\n%}",
    "{%\tif\tn\t%}a{%\tend\t%}",
    "{% if n %}{% end %}",
    "{% if zero %}{% end %}",
    "{% if n %}a{% end x %}",
    "{% if n %}a{% else x %}b{% end %}",
    "{% if(n) %}a{% end %}",
    "{% if n%}a{%end%}",
    "{% if\u00a0n %}a{% end %}",
    "{{ n }}{",
    "{{ n }}}",
    "{{ n }} }}",
    "{{{n}}",
    "{ {n}}",
    "{{ n } }}",
    "{% set a = {} %}{{ a }}",
    "{% set a = {1: {2: 3}} %}{{ a }}",
    "{% set a = '%}' %}",
    "<script>var a = {b: {c: 1}}; if (a) {return {}}</script>",
    "<style>a{b:c}d{e:f}</style>",
    "${x} {x} #{x} <% x %> {? x ?}",
    "back\\slash \\n \\{{ n }}",
    "'single' \"double\" '''triple''' \"\"\"both\"\"\"",
    "tab\tcr\rcrlf\r\nnull\x00",
    "\u00e9 \u20ac \U0001f600",
    "{{ n }}\\",
    "\\{{ n }}",
    "{% raw '\\\\' %}",
]

CONTROL = [
    "{% if n %}y{% end %}",
    "{% if zero %}y{% end %}",
    "{% if zero %}y{% else %}n{% end %}",
    "{% if zero %}a{% elif n %}b{% else %}c{% end %}",
    "{% if zero %}a{% elif none %}b{% elif empty %}c{% end %}d",
    "{% if n == 3 and\n s %}y{% end %}",
    "{% if (n == 3 and\n s) %}y{% end %}",
    "{% if n %}{% if zero %}a{% else %}b{% end %}{% end %}",
    "{% if n %}{% if zero %}a{% end %}{% else %}b{% end %}",
    "{% if not n %}y{% else %}{% if s %}z{% end %}{% end %}",
    "{% if n > 2 %}big{% end %} {% if n < 2 %}small{% end %}",
    "{% if 'a' 'b' == 'ab' %}y{% end %}",
    "{% if n: %}y{% end %}",
    "{% if n %}y{% else: %}z{% end %}",
    "{% if n # why\n %}y{% end %}",
    "{% if n # why %}y{% end %}",
    "{% if lambda: n %}y{% end %}",
    "{% if (m := n) %}{{ m }}{% end %}",
    "{% if {'a': 1} %}y{% end %}",
    "{% for i in items %}{{ i }}{% end %}",
    "{% for i in items %}{% end %}x",
    "{% for i in empty %}{{ i }}{% end %}",
    "{% for i in empty %}{{ i }}{% else %}none{% end %}",
    "{% for i in items %}{{ i }}{% else %}!{% end %}",
    "{% for a, b in pairs %}{{ a }}={{ b }} {% end %}",
    "{% for (a, b) in pairs %}{{ a }}={{ b }} {% end %}",
    "{% for i, (a, b) in enumerate(pairs) %}{{ i }}{{ a }}{{ b }} {% end %}",
    "{% for a, *b in pairs %}{{ a }}{{ b }}{% end %}",
    "{% for i in range(3) %}{% for j in range(i) %}{{ i }}{{ j }} {% end %}{% end %}",
    "{% for i in items %}{% if i == 2 %}{% break %}{% end %}{{ i }}{% end %}",
    "{% for i in items %}{% if i == 2 %}{% continue %}{% end %}{{ i }}{% end %}",
    "{% for i in items %}{% if i == 2 %}{% break %}{% end %}{{ i }}{% else %}e{% end %}",
    "{% for i in items %}{% break %}x{% end %}y",
    "{% for i in items %}{% for j in items %}{% if j > i %}{% break %}{% end %}{{ j }}{% end %};{% end %}",
    "{% for i in items %}{% while 1 %}{% break %}{% end %}{{ i }}{% end %}",
    "{% for k in sorted(d) %}{{ k }}{% end %}",
    "{% for k, v in sorted(d['n'].items()) %}{{ k }}{{ v }}{% end %}",
    "{% for i in items %}{{ i }}{% end %}{{ i }}",
    "{% for i in n %}{% end %}",
    "{% for i in boom() %}{% end %}",
    "{% for x in items %}{{ x }}{% end %}",
    "{% for i in [\n1,\n2] %}{{ i }}{% end %}",
    "{% for i in 1, 2 %}{{ i }}{% end %}",
    "{% for thing.name in 'ab' %}{{ thing.name }}{% end %}",
    "{% for d['k'] in 'ab' %}{{ d['k'] }}{% end %}",
    "{% for i in items %}{% set j = i %}{% end %}{{ j }}",
    "{% for i in items %}{% if i == 1 %}a{% elif i == 2 %}b{% else %}c{% end %}{% end %}",
    "{% set k = 3 %}{% while k %}{{ k }}{% set k -= 1 %}{% end %}",
    "{% set k = 3 %}{% while k %}{{ k }}{% set k = k - 1 %}{% else %}done{% end %}",
    "{% set k = 0 %}{% while True %}{% set k += 1 %}{% if k > 3 %}{% break %}{% end %}{{ k }}{% end %}",
    "{% set k = 0 %}{% while k < 5 %}{% set k += 1 %}{% if k % 2 %}{% continue %}{% end %}{{ k }}{% end %}",
    "{% while turn() < 3 %}a{% end %}",
    "{% while zero %}a{% end %}b",
    "{% while turn() < 3 %}{% while turn() < 9 %}b{% end %}a{% end %}",
    "{% while (k := turn()) < 3 %}{{ k }}{% end %}",
    "{% try %}a{% except %}b{% end %}",
    "{% try %}a{{ boom() }}b{% except %}c{% end %}",
    "{% try %}a{{ boom() }}b{% except ValueError %}c{% end %}",
    "{% try %}a{{ boom() }}b{% except ValueError as error %}{{ error }}{% end %}",
    "{% try %}a{{ boom() }}b{% except (KeyError, ValueError) %}c{% end %}",
    "{% try %}a{{ boom() }}b{% except KeyError %}c{% except ValueError %}d{% end %}",
    "{% try %}a{{ boom() }}b{% except KeyError %}c{% end %}",
    "{% try %}a{% except ValueError %}b{% else %}c{% end %}",
    "{% try %}a{% except ValueError %}b{% else %}c{% finally %}d{% end %}",
    "{% try %}a{% raw boom() %}b{% except ValueError %}c{% else %}d{% finally %}e{% end %}",
    "{% try %}a{% finally %}b{% end %}",
    "{% try %}a{% else %}b{% finally %}c{% end %}",
    "{% try %}a{{ boom() }}{% finally %}b{% end %}",
    "{% try %}{% try %}a{{ boom() }}{% finally %}b{% end %}{% except %}c{% end %}",
    "{% try %}a {{ x }} {{ boom() }} b{% except %} c{% end %}",
    "{% try %}{{ n }}{{ s }}{{ missing }}{% except NameError %}!{% end %}",
    "{% for i in items %}{% try %}{{ 6 // (i - 2) }}{% except ZeroDivisionError %}z{% end %},{% end %}",
    "{% for i in items %}{% try %}{% if i == 2 %}{% continue %}{% end %}{{ i }}{% finally %}f{% end %}{% end %}",
    "{% for i in items %}{% try %}{% if i == 2 %}{% break %}{% end %}{{ i }}{% finally %}f{% end %}{% end %}",
    "{% try %}{% end %}",
    "{% try %}a{% end %}",
    "{% try %}a{% else %}b{% end %}",
    "{% try %}{% except %}{% end %}x",
    "{% try %}{{ boom() }}{% except %}{% end %}x",
    "{% try %}{% if n %}{{ boom(KeyError) }}{% end %}{% except KeyError %}k{% end %}",
    "{% try %}{% for i in items %}{{ i }}{% if i == 2 %}{{ boom() }}{% end %}{% end %}{% except ValueError %}!{% end %}",
    "{% try %}{% set a = boom() %}{% except ValueError %}{% set a = 1 %}{% end %}{{ a }}",
    "{% try %}{% import no_such_module_here %}{% except ImportError %}no{% end %}",
    "{% try %}x{% apply upper %}a{{ boom() }}{% end %}{% except ValueError %}!{% end %}",
    "{% try %}{{ boom(\n KeyError) }}{% except KeyError\n as e %}{{ e }}{% end %}",
    "{% try %}{{ boom() }}{% except* ValueError %}group{% end %}",
    "{% if n %}",
    "{% if n %}{% if n %}{% end %}",
    "\n\n{% for i in items %}\n",
    "{% end %}",
    "{% if n %}{% end %}{% end %}",
    "{% else %}",
    "{% elif n %}",
    "{% except %}",
    "{% finally %}",
    "{% for i in items %}{% elif n %}{% end %}",
    "{% for i in items %}{% except %}{% end %}",
    "{% if n %}{% except %}{% end %}",
    "{% if n %}{% finally %}{% end %}",
    "{% while zero %}{% finally %}{% end %}",
    "{% if n %}{% else %}{% else %}{% end %}",
    "{% if n %}{% else %}{% elif n %}{% end %}",
    "{% for i in items %}{% else %}{% else %}{% end %}",
    "{% try %}{% elif n %}{% end %}",
    "{% try %}{% finally %}{% except %}{% end %}",
    "{% try %}{% except %}{% except ValueError %}{% end %}",
    "{% try %}{% else %}{% except %}{% end %}",
    "{% break %}",
    "{% continue %}",
    "{% if n %}{% break %}{% end %}",
    "{% for i in items %}{% else %}{% break %}{% end %}",
    "{% for i in items %}{% for j in items %}{% else %}{% break %}{% end %}x{% end %}y",
    "{% for i in items %}{% apply upper %}{% break %}{% end %}{% end %}",
    "{% for i in items %}{% apply upper %}{% if i %}{% continue %}{% end %}{% end %}{% end %}",
    "{% for i in items %}{% apply upper %}{% for j in items %}{% break %}{% end %}a{% end %}{% end %}",
    "{% for i in items %}{% block a %}{% break %}{% end %}{% end %}",
    "{% for i in items %}{% break x %}{% end %}",
    "{% if %}{% end %}",
    "{% for %}{% end %}",
    "{% while %}{% end %}",
    "{% for i %}{% end %}",
    "{% for in items %}{% end %}",
    "{% if n n %}{% end %}",
    "{% if = %}{% end %}",
    "{% while ) %}{% end %}",
    "{% with open('x') as f %}{% end %}",
    "{% def f() %}{% end %}",
    "{% match n %}{% end %}",
    "{% return %}",
    "{% pass %}",
    "{% print(1) %}",
    "{% unknown %}",
    "{% x %}",
    "{% {{ x }} %}",
    "{% %}",
    "{%%}",
    "{{ }}",
    "{{}}",
    "{% end",
    "{% if n",
    "{{ x",
    "{# x",
    "{{",
    "{%",
    "{#",
    "a\nb\n{{ x",
    "a\nb\n{% if x",
    "a\nb\n{# x",
    "{{ x }",
    "{{ x %}",
    "{% x }}",
    "{{ '}}'",
    "{% if n %}\na\n",
    "{% if n %} a\n{% apply upper %}{% end %}",
    "{% nothing\nat all %}",
    "{% for i in items %}a\nb{% except %}{% end %}",
]

STATEMENTS = [
    "{% set a = 1 %}{{ a }}",
    "{% set a = 1 %}{% set a = a + 1 %}{{ a }}",
    "{% set a, b2 = 1, 2 %}{{ a }}{{ b2 }}",
    "{% set a = b2 = 3 %}{{ a }}{{ b2 }}",
    "{% set a = [\n1,\n2] %}{{ a }}",
    "{% set a =\n 1 %}{{ a }}",
    "{% set a = 1 + \\\n 1 %}{{ a }}",
    "{% set a = '''\nx\n''' %}{{ a }}",
    "{% set a=1 %}{{a}}",
    "{% set d['z'] = '<' %}{{ d['z'] }}",
    "{% set thing.y = '<' %}{{ thing.y }}",
    "{% set a = lambda v: v * 2 %}{{ a(2) }}",
    "{% set a: int = 1 %}{{ a }}",
    "{% set a = 1; b2 = 2 %}{{ a }}{{ b2 }}",
    "{% autoescape wrap( %}x",
    "{% set a %}",
    "{% set n %}x",
    "{% set x = x + '!' %}{{ x }}",
    "{% set u = u %}",
    "{% set s = 'new' %}{{ s }}",
    "{% set a = 1 # one %}{{ a }}",
    "{% set a = '#' %}{{ a }}",
    "{% set _ = 1 %}{{ _ }}",
    "{% set a = %}",
    "{% set = 1 %}",
    "{% set 1 = a %}",
    "{% set %}",
    "{% set a += 1 %}",
    "{% set items[0] = 9 %}{{ items }}",
    "{% set a = {'b': 1} %}{{ a['b'] }}",
    "{% set a = x %}{% apply upper %}{{ a }}{% end %}",
    "{% apply upper %}{% set a = 1 %}{% end %}{{ a }}",
    "{% set a = 0 %}{% apply upper %}{% set a = 1 %}{{ a }}{% end %}{{ a }}",
    "{% import math %}{{ math.floor(2.5) }}",
    "{% import os.path %}{{ os.path.sep }}",
    "{% import os.path as p %}{{ p.sep }}",
    "{% import math, cmath %}{{ math.floor(1.5) }}{{ cmath.sqrt(-1) }}",
    "{% import math as m %}{% if 1 %}{{ m.ceil(0.5) }}{% end %}",
    "{% from math import floor %}{{ floor(2.5) }}",
    "{% from math import floor as f, ceil as c %}{{ f(2.5) }}{{ c(2.5) }}",
    "{% from math import (floor,\n ceil) %}{{ floor(2.5) }}{{ ceil(2.5) }}",
    "{% from os.path import join %}{{ join('a', 'b') }}",
    "{% from os import * %}",
    "{% import %}",
    "{% from %}",
    "{% from math %}",
    "{% from math import %}",
    "{% import math as %}",
    "{% import 1 %}",
    "{% from . import x %}",
    "{% import no_such_module_here %}",
    "{% from math import no_such_name %}",
    "{% from __future__ import annotations %}",
    "{% from __future__ import division %}{{ 1 / 2 }}",
    "{% from tornado.escape import url_escape as q %}{{ q('a b') }}",
    "{% apply upper %}a{% end %}",
    "{% apply upper %}a{{ x }}b{% end %}",
    "{% apply upper %}{% end %}",
    "{% apply wrap %}{% apply upper %}a{% end %}b{% end %}",
    "{% apply wrap %}{% apply wrap %}{% apply wrap %}{{ n }}{% end %}{% end %}{% end %}",
    "{% apply angle %}{{ x }}{% end %}",
    "{% apply xhtml_escape %}<{{ x }}>{% end %}",
    "{% apply url_escape %}a b&{% end %}",
    "{% apply squeeze %} a  b {% end %}",
    "{% apply linkify %}http://example.com{% end %}",
    "{% apply size %}\u00e9{% end %}",
    "{% apply kind %}x{% end %}",
    "{% apply ident %}{% raw latin %}{% end %}",
    "{% apply number %}x{% end %}",
    "{% apply nothing %}x{% end %}",
    "{% apply missing %}x{% end %}",
    "{% apply boom %}x{% end %}",
    "{% apply lambda v: v[::-1] %}abc{% end %}",
    "{% apply (lambda v: v[::-1]) %}abc{% end %}",
    "{% apply thing.method %}abc{% end %}",
    "{% apply upper if n else wrap %}abc{% end %}",
    "{% apply d.get %}abc{% end %}",
    "{% apply str.upper %}abc{% end %}",
    "{% apply upper %}{% if n %}a{% else %}b{% end %}{% end %}",
    "{% apply upper %}{% for i in 'abc' %}{{ i }}{% end %}{% end %}",
    "{% for i in 'abc' %}{% apply upper %}{{ i }}{% end %}{% end %}",
    "{% for i in items %}{% apply wrap %}{% apply wrap %}{{ i }}{% end %}{% end %}{% end %}",
    "{% apply upper %}{% try %}{{ boom() }}{% except %}caught{% end %}{% end %}",
    "{% apply upper %}a",
    "{% apply %}a{% end %}",
    "{% apply upper %}{% else %}{% end %}",
    "{% apply upper( %}a{% end %}",
    "{% block a %}x{% end %}",
    "{% block a %}{% end %}",
    "{% block a %}{% block b %}x{% end %}y{% end %}",
    "{% block a b %}x{% end %}",
    "{% block 'a' %}x{% end %}",
    "{% block a-b.c %}x{% end %}",
    "{% block %}x{% end %}",
    "{% block a %}x",
    "{% block a %}x{% end %}{% block a %}y{% end %}",
    "{% block a %}{{ x }}{% end %}|{% for i in items %}{% block b %}{{ i }}{% end %}{% end %}",
    "{% extends other %}",
    "{% include other %}",
    "{% include %}",
    "{% extends %}",
    "{% extends '' %}",
    '{% include "" %}',
    "{% autoescape None %}{{ x }}",
    "{% autoescape xhtml_escape %}{{ x }}",
    "{% autoescape url_escape %}{{ x }}",
    "{% autoescape upper %}{{ x }}{% raw x %}",
    "{% autoescape wrap %}{{ x }}{{ n }}{{ b }}",
    "{% autoescape kind %}{{ x }}{{ n }}{{ b }}{{ none }}",
    "{% autoescape number %}{{ x }}",
    "{% autoescape nothing %}{{ x }}",
    "{% autoescape missing %}{{ x }}",
    "{% autoescape missing %}x{% raw x %}",
    "{% autoescape thing.method %}{{ x }}",
    "{% autoescape %}{{ x }}",
    "{{ x }}{% autoescape None %}{{ x }}",
    "{% autoescape None %}{{ x }}{% autoescape xhtml_escape %}{{ x }}",
    "{% if n %}{% autoescape None %}{% end %}{{ x }}",
    "{% autoescape None %}{% apply xhtml_escape %}{{ x }}{% end %}",
    "{% autoescape None %}{{ latin }}",
    "{% autoescape None %}{{ n }}{{ none }}{{ items }}{{ thing }}",
    "{% autoescape json_encode %}{{ x }}",
    "{% autoescape f( %}{{ x }}",
    "{% module Hello(x) %}{% autoescape None %}{% module Hello(x) %}",
    "{% module %}",
    "{% raw %}",
    "{% raw x = 1 %}",
    "{% raw x; %}",
    "{% module missing( %}",
    "{% whitespace all %}a  b",
    "{% whitespace single %}a  b",
    "{% whitespace oneline %}a  \n  b",
    "{% whitespace bogus %}",
    "{% whitespace %}",
    "{{ missing }}",
    "{{ x.missing }}",
    "{{ d['missing'] }}",
    "{{ 1 / zero }}",
    "{{ boom() }}",
    "{{ boom(KeyError) }}",
    "{{ x() }}",
    "{{ x + n }}",
    "{{ int(s) }}",
    "{{ exec('1') }}",
    "{{ locals is None }}",
    "{{ globals()['x'] }}",
    "{{ 'x' in globals() }}",
    "{% set q = 1 %}{{ 'q' in locals() }}",
    "{% set open = 1 %}{{ open }}",
    "{% set xhtml_escape = upper %}{{ x }}",
    "{% set xhtml_escape = ident %}{{ s }}{{ x }}",
    "{% set str = 5 %}{{ n }}",
    "{% set bytes = 5 %}{{ b }}",
    "{% set isinstance = 5 %}{{ n }}",
    "{{ n }}{% set n = 1 %}",
    "{{ [n for _ in items] }}",
    "{{ (lambda: n)() }}{% set n = 1 %}",
    "{% set f = lambda: g() %}{% set g = lambda: 'g' %}{{ f() }}",
    "{% set fs = [lambda: i for i in items] %}{{ [f() for f in fs] }}",
]

WHITE = [
    "a  b",
    "a\n\nb",
    "a \n b",
    "a\t\tb",
    "  a  ",
    "\n\na\n\n",
    " \n a \n ",
    "a\r\nb",
    "a\r\rb",
    "a\u00a0\u00a0b",
    "a\u2003\u2003b",
    "a\u2028\u2028b",
    "a\x0b\x0cb",
    "a \x0c \n b",
    "a\n\u00a0\nb",
    "a \u00a0 b",
    "<pre>\n  a\n    b\n</pre>",
    "<p>  {{ x }}  </p>",
    "{% if n %}\n  a\n{% end %}\n",
    "<ul>\n  {% for i in items %}\n    <li>{{ i }}</li>\n  {% end %}\n</ul>\n",
    "a  {# x #}  b",
    "a  {% comment x %}\n\n  b",
    "a {{!  b }}  c",
    "a\n {{! \n b",
    "{{ lines }}",
    "{% raw lines %}",
    "{% set a = '  ' %}[{{ a }}]",
    "{% apply wrap %}\n\n a  b \n\n{% end %}",
    "{% block a %}\n\n a  b \n\n{% end %}",
    "a  b{% whitespace all %}a  b{% whitespace single %}a  b{% whitespace oneline %}a \n b",
    "{% if n %}{% whitespace oneline %}\n\n{% end %}\n\n",
    "\n\n",
    "  ",
    "\n \n{{ n }}\n \n",
    "\x1c\x1d \x1e\x1f\x85",
]

NAMES = ["main", "main.html", "main.js", "main.htm", "main.txt", "main.xml", ".html", "MAIN.HTML"]

# Each a set of files; "main" is loaded.
CHAINS: list[dict[str, str]] = [
    {"main": "{% extends base %}{% block a %}A{% end %}", "base": "<{% block a %}x{% end %}>"},
    {"main": "{% extends base %}", "base": "<{% block a %}x{% end %}>"},
    {"main": "before{% extends base %}after{{ boom() }}", "base": "<{% block a %}x{% end %}>"},
    {"main": "{% extends 'base' %}", "base": "b"},
    {"main": '{% extends "base" %}', "base": "b"},
    {"main": "{%extends base%}", "base": "b"},
    {"main": "{% extends   base   %}", "base": "b"},
    {"main": "{% extends base %}{% extends other %}", "base": "b", "other": "o"},
    {"main": "{% if n %}{% extends base %}{% end %}", "base": "b"},
    {"main": "{% block a %}{% extends base %}{% end %}", "base": "b"},
    {"main": "{% extends base %}{% block a %}A{% end %}{% block z %}Z{% end %}", "base": "<>"},
    {
        "main": "{% extends base %}{% block b %}B{% end %}{% block a %}A{% end %}",
        "base": "{% block a %}{% end %}{% block b %}{% end %}{% block c %}c{% end %}",
    },
    {
        "main": "{% extends mid %}{% block a %}main{% end %}",
        "mid": "{% extends base %}{% block a %}mid{% end %}{% block b %}mid{% end %}",
        "base": "[{% block a %}base{% end %}{% block b %}base{% end %}{% block c %}base{% end %}]",
    },
    {
        "main": "{% extends mid %}{% block inner %}main{% end %}",
        "mid": "{% extends base %}{% block a %}({% block inner %}mid{% end %}){% end %}",
        "base": "[{% block a %}base{% end %}]",
    },
    {
        "main": "{% extends mid %}{% block a %}main{% end %}{% block inner %}lost{% end %}",
        "mid": "{% extends base %}{% block a %}({% block inner %}mid{% end %}){% end %}",
        "base": "[{% block a %}base{% end %}]",
    },
    {
        "main": "{% extends a %}{% block x %}0{% end %}",
        "a": "{% extends b %}",
        "b": "{% extends c %}{% block y %}1{% end %}",
        "c": "{% extends d %}",
        "d": "{% block x %}{% end %}{% block y %}{% end %}",
    },
    {
        "main": "{% extends base %}{% block item %}<{{ i }}>{% end %}",
        "base": "{% for i in items %}{% block item %}{{ i }}{% end %}{% end %}",
    },
    {
        "main": "{% extends base %}{% block a %}{{ v }}{% set v = 2 %}{% end %}",
        "base": "{% set v = 1 %}{% block a %}{% end %}{{ v }}",
    },
    {
        "main": "{% extends base %}{% set v = 5 %}{% block a %}{{ v }}{% end %}",
        "base": "{% block a %}{% end %}",
    },
    {
        "main": "{% extends base %}{% import math %}{% block a %}{{ math.pi > 3 }}{% end %}",
        "base": "{% block a %}{% end %}",
    },
    {
        "main": "{% extends base %}{% block a %}{% import math %}{{ math.pi > 3 }}{% end %}",
        "base": "{% block a %}{% end %}",
    },
    {
        "main": "{% extends base %}{% block a %}1{% end %}{% block a %}2{% end %}",
        "base": "{% block a %}{% end %}",
    },
    {
        "main": "{% extends base %}{% block a %}1{% end %}",
        "base": "{% block a %}x{% end %}{% block a %}y{% end %}",
    },
    {
        "main": "{% extends base %}{% block a %}{% block a %}x{% end %}{% end %}",
        "base": "{% block a %}y{% end %}",
    },
    {"main": "{% block a %}x{% block a %}y{% end %}z{% end %}"},
    {
        "main": "{% extends base %}{% block a %}1{% block b %}2{% end %}{% end %}{% block b %}3{% end %}",
        "base": "{% block a %}{% end %}{% block b %}{% end %}",
    },
    {
        "main": "{% extends base %}{% if zero %}{% block a %}A{% end %}{% end %}",
        "base": "{% block a %}base{% end %}",
    },
    {
        "main": "{% extends base %}{% apply upper %}{% block a %}a{% end %}{% end %}",
        "base": "{% block a %}base{% end %}",
    },
    {
        "main": "{% extends base %}{% block a %}<p>{{ x }}</p>{% end %}",
        "base": "{% apply upper %}{% block a %}{% end %}{% end %}",
    },
    {
        "main": "{% extends base %}{% block a %}{% break %}{% end %}",
        "base": "{% for i in items %}{{ i }}{% block a %}{% end %}{% end %}",
    },
    {
        "main": "{% autoescape None %}{% extends base %}{% block a %}{{ x }}{% end %}",
        "base": "{{ x }}{% block a %}{% end %}{{ x }}",
    },
    {
        "main": "{% extends base %}{% block a %}{{ x }}{% end %}",
        "base": "{% autoescape None %}{{ x }}{% block a %}{% end %}{% block b %}{{ x }}{% end %}",
    },
    {
        "main": "{% extends base %}{% block a %}{{ x }}{% end %}{% autoescape wrap %}",
        "base": "{% block a %}{% end %}",
    },
    {"main": "{% include part %}", "part": "p"},
    {"main": "{% include 'part' %}", "part": "p"},
    {"main": '{% include "part" %}', "part": "p"},
    {"main": "{% include 'part\" %}", "part": "p"},
    {"main": "{%include part%}", "part": "p"},
    {"main": "{% include part one %}", "part one": "p"},
    {"main": "{% include part %}{% include part %}", "part": "p"},
    {"main": "{% for i in items %}{% include part %}{% end %}", "part": "<{{ i }}>"},
    {"main": "{% set v = 1 %}{% include part %}{{ v }}", "part": "{{ v }}{% set v = 2 %}"},
    {"main": "{% apply upper %}{% include part %}{% end %}", "part": "p{{ s }}"},
    {"main": "{{ x }}{% include part %}{{ x }}", "part": "{% autoescape None %}{{ x }}"},
    {"main": "{% autoescape None %}{{ x }}{% include part %}", "part": "{{ x }}"},
    {"main": "{% if n %}{% include part %}{% end %}", "part": "p"},
    {"main": "{% if zero %}{% include missing %}{% end %}"},
    {"main": "{% include part %}", "part": ""},
    {"main": "{% if n %}{% include part %}{% end %}", "part": ""},
    {"main": "{% include part %}", "part": "{% include deep %}", "deep": "{{ x }}"},
    {"main": "{% include part %}", "part": "{% block a %}x{% end %}"},
    {"main": "{% block a %}1{% end %}{% include part %}", "part": "{% block a %}x{% end %}"},
    {"main": "{% include part %}{% block a %}1{% end %}", "part": "{% block a %}x{% end %}"},
    {
        "main": "{% extends base %}{% block a %}1{% end %}",
        "base": "{% include part %}",
        "part": "({% block a %}x{% end %})",
    },
    {
        "main": "{% extends base %}{% include part %}",
        "base": "{% block a %}base{% end %}",
        "part": "{% block a %}part{% end %}",
    },
    {
        "main": "{% extends base %}{% block a %}{% include part %}{% end %}",
        "base": "<{% block a %}{% end %}>",
        "part": "{{ x }}",
    },
    {"main": "{% include part %}", "part": "{% extends base %}", "base": "b"},
    {
        "main": "{% include part %}!",
        "part": "{% extends base %}{% block a %}x{% end %}y",
        "base": "[{% block a %}b{% end %}]",
    },
    {"main": "{% for i in items %}{% include part %}{% end %}", "part": "{% break %}"},
    {"main": "{% try %}{% include part %}{% except %}c{% end %}", "part": "a{{ boom() }}"},
    {"main": "{% include part %}", "part": "{% if n %}"},
    {"main": "\n\n{% include part %}", "part": "\n{% end %}"},
    {"main": "{% extends base %}", "base": "\n\n\n{{ }}"},
    {"main": "{% include missing %}"},
    {"main": "{% extends missing %}"},
    {"main": "{% include part %}{% import math %}", "part": "{{ 1 }}"},
    {"main": "a  b{% include part.html %}a  b", "part.html": "a  b"},
    {"main": "{% whitespace oneline %}a \n b{% include part %}", "part": "a \n b"},
    {"main": "{% include part %}a \n b", "part": "{% whitespace oneline %}a \n b"},
    {
        "main": "{% extends base.html %}{% block a %}a  b{% end %}",
        "base.html": "a  b{% block a %}{% end %}",
    },
    {"main": "{% module Hello('a') %}{% include part %}", "part": "{% module Hello(x) %}"},
    {"main": "{% comment {% extends base %}", "base": "b"},
    {"main": "{# {% extends base %} #}m", "base": "b"},
    {"main": "{{! {% include part %} }}", "part": "p"},
    {"main": "{% extends base %}{% include part %}", "base": "b", "part": "{{ boom() }}"},
    {"main": "{% extends base %}{% include missing %}", "base": "b"},
    {"main": "{{ __name__ }}{% include part.txt %}", "part.txt": "{{ __name__ }}"},
]

# Loads "dir/sub/main".
RELATIVE: list[dict[str, str]] = [
    {"dir/sub/main": "{% include part %}", "dir/sub/part": "near", "part": "far"},
    {"dir/sub/main": "{% include ./part %}", "dir/sub/part": "near"},
    {"dir/sub/main": "{% include ../part %}", "dir/part": "up"},
    {"dir/sub/main": "{% include ../../part %}", "part": "top"},
    {"dir/sub/main": "{% include ../../../part %}", "part": "outside", "../part": "out"},
    {"dir/sub/main": "{% include /part %}", "part": "a", "/part": "root"},
    {"dir/sub/main": "{% include deeper/part %}", "dir/sub/deeper/part": "down"},
    {"dir/sub/main": "{% include part %}", "part": "far"},
    {"dir/sub/main": "{% include ../sub/part %}", "dir/sub/part": "p"},
    {"dir/sub/main": "{% include a//part %}", "dir/sub/a/part": "p", "dir/sub/a//part": "q"},
    {
        "dir/sub/main": "{% extends ../base %}{% block a %}A{% end %}",
        "dir/base": "{% include part %}{% block a %}{% end %}",
        "dir/part": "P",
    },
    {
        "dir/sub/main": "{% include ../a %}",
        "dir/a": "{% include sub/b %}",
        "dir/sub/b": "{% include ../../c %}",
        "c": "C",
    },
    {
        "dir/sub/main": "{% extends ../base %}{% block a %}{% include here %}{% end %}",
        "dir/base": "{% block a %}{% end %}",
        "dir/sub/here": "H",
        "dir/here": "wrong",
    },
]

RESOLVE = [
    ("a", None),
    ("a", ""),
    ("a", "b"),
    ("a", "dir/b"),
    ("../a", "dir/b"),
    ("../../a", "dir/b"),
    ("./a", "dir/b"),
    ("./a", "b"),
    ("./a", None),
    ("/a", "dir/b"),
    ("a", "/b"),
    ("a", "/dir/b"),
    ("a", "<string>"),
    ("a", "<b"),
    ("a", "dir/"),
    ("dir//a", "b"),
    ("dir/../a", "b"),
    ("dir/./a", "x/b"),
    ("", "dir/b"),
    ("", "b"),
    (".", "dir/b"),
    ("a/", "dir/b"),
    ("a", "//b"),
    ("a", "../b"),
    ("a", "../dir/b"),
    ("a", "./b"),
    ("a b", "dir c/b"),
    ("\u00e9", "\u20ac/b"),
    ("a\\b", "dir\\c"),
]

CUSTOM: list[dict[str, str]] = [
    {"main": "{% include Part %}", "part": "p"},
    {"main": "{% extends base %}{% block a %}1{% end %}", "base": "[{% block a %}{% end %}]"},
    {"main": "{% include missing %}"},
    {"main": "a  b{{ x }}"},
]

PIECES = ["a", " b ", "\n", "  \n  ", "<b>", "&amp;", "'", '"', "{{!", "{%!", "}}", "%}", "\u00e9"]
VALUES = ["x", "n", "s", "b", "u", "d['k']", "thing", "items[0]", "n + 1", "v1", "i1", "missing"]
CONDITIONS = ["n", "zero", "x", "n > 2", "not empty", "s == 'text'", "i1 == 2", "v1"]


class Writer:
    """Writes a template by chance; the same number gives the same template.

    Of the generator of numbers only ``random()`` is used, which no version of Python changes.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._blocks = 0
        self.files: dict[str, str] = {}

    def _pick(self, choices: list[Any]) -> Any:
        return choices[int(self._random.random() * len(choices))]

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def body(self, depth: int, *, loop: bool = False) -> str:
        count = 1 + int(self._random.random() * 3)
        return "".join(self._part(depth, loop=loop) for _ in range(count))

    def _part(self, depth: int, *, loop: bool) -> str:
        plain = [self._text, self._text, self._expression, self._expression, self._set, self._rare]
        if loop:
            plain.append(self._jump)
        if depth == 0 or self._chance(0.4):
            return self._pick(plain)()
        write = self._pick(
            [self._if, self._for, self._while, self._try, self._apply, self._block, self._include]
        )
        return write(depth - 1, loop)

    def _text(self) -> str:
        return "".join(self._pick(PIECES) for _ in range(1 + int(self._random.random() * 3)))

    def _expression(self) -> str:
        form = self._pick(["{{ %s }}", "{{%s}}", "{%% raw %s %%}", "{{ str(%s) }}"])
        return form % self._pick(VALUES)

    def _set(self) -> str:
        return f"{{% set v1 = {self._pick(VALUES)} %}}"

    def _rare(self) -> str:
        return self._pick(
            [
                "{# c #}",
                "{% comment c %}",
                "{% module M(x) %}",
                "{% import math %}",
                "{% whitespace single %}",
                "{% whitespace oneline %}",
                "{% whitespace all %}",
                "{% autoescape None %}",
                "{% autoescape wrap %}",
                "{% end %}" if self._chance(0.1) else "",
                "{% else %}" if self._chance(0.1) else "",
            ]
        )

    def _jump(self) -> str:
        jump = self._pick(["break", "continue"])
        return f"{{% if {self._pick(CONDITIONS)} %}}{{% {jump} %}}{{% end %}}"

    def _if(self, depth: int, loop: bool) -> str:
        text = f"{{% if {self._pick(CONDITIONS)} %}}{self.body(depth, loop=loop)}"
        if self._chance(0.4):
            text += f"{{% elif {self._pick(CONDITIONS)} %}}{self.body(depth, loop=loop)}"
        if self._chance(0.5):
            text += f"{{% else %}}{self.body(depth, loop=loop)}"
        return text + "{% end %}"

    def _for(self, depth: int, loop: bool) -> str:
        over = self._pick(["items", "empty", "range(2)", "'<b'", "d"])
        text = f"{{% for i1 in {over} %}}{self.body(depth, loop=True)}"
        if self._chance(0.3):
            text += f"{{% else %}}{self.body(depth, loop=loop)}"
        return text + "{% end %}"

    def _while(self, depth: int, loop: bool) -> str:
        text = f"{{% while turn() < {self._pick([1, 2, 4])} %}}{self.body(depth, loop=True)}"
        if self._chance(0.3):
            text += f"{{% else %}}{self.body(depth, loop=loop)}"
        return text + "{% end %}"

    def _try(self, depth: int, loop: bool) -> str:
        text = f"{{% try %}}{self.body(depth, loop=loop)}"
        if self._chance(0.5):
            text += "{{ boom() }}"
        kinds = ["", " Exception", " ValueError", " NameError as e"]
        excepted = self._chance(0.8)
        if excepted:
            text += f"{{% except{self._pick(kinds)} %}}{self.body(depth, loop=loop)}"
            if self._chance(0.3):
                text += f"{{% else %}}{self.body(depth, loop=loop)}"
        if not excepted or self._chance(0.3):
            text += f"{{% finally %}}{self.body(depth)}"
        return text + "{% end %}"

    def _apply(self, depth: int, loop: bool) -> str:
        function = self._pick(["upper", "wrap", "angle", "xhtml_escape", "squeeze", "size"])
        return f"{{% apply {function} %}}{self.body(depth)}{{% end %}}"

    def _block(self, depth: int, loop: bool) -> str:
        self._blocks += 1
        return f"{{% block b{self._blocks} %}}{self.body(depth, loop=loop)}{{% end %}}"

    def _include(self, depth: int, loop: bool) -> str:
        name = f"part{len(self.files)}" + self._pick(["", ".html"])
        self.files[name] = ""
        self.files[name] = self.body(depth)
        return f"{{% include {name} %}}"


def _generated(seed: int) -> Case:
    writer = Writer(seed)
    name = "main.html" if seed % 3 == 0 else "main"
    files = writer.files
    depth = 1 + seed % 4
    if seed % 5 == 0:
        files["base"] = writer.body(depth)
        own = "".join(f"{{% block b{i} %}}{writer.body(depth - 1)}{{% end %}}" for i in (1, 2))
        files[name] = f"{writer.body(0)}{{% extends base %}}{own}"
    else:
        files[name] = writer.body(depth)
    return {"kind": "loader", "files": files, "load": name}


def _one_file(subject: str, texts: list[str]) -> Iterator[tuple[str, Case]]:
    for text in texts:
        yield subject, {"kind": "text", "files": {"main": text}}


def _whitespace() -> Iterator[tuple[str, Case]]:
    for mode, text in product(("all", "single", "oneline"), WHITE):
        yield "filter", {"kind": "whitespace", "arguments": [mode, text]}
        options = {"whitespace": mode}
        yield "whitespace", {"kind": "text", "files": {"main": text}, "options": options}
    for name in NAMES:
        files = {"main": "a  b \n\n c"}
        yield "whitespace", {"kind": "text", "files": files, "options": {"name": name}}
        for mode in ("all", "oneline"):
            files = {name: "a  b \n\n c"}
            options = {"whitespace": mode}
            yield (
                "whitespace",
                {"kind": "loader", "files": files, "load": name, "options": options},
            )
    for compress in (True, False):
        files = {"main": "a  b \n\n c"}
        for more in ({}, {"name": "a.html"}, {"whitespace": "all"}):
            options = {"compress_whitespace": compress, **more}
            yield "whitespace", {"kind": "text", "files": files, "options": options}
    for mode in ("bogus", "", "SINGLE"):
        yield "filter", {"kind": "whitespace", "arguments": [mode, "a  b"]}
        files = {"main": "a  b"}
        options = {"whitespace": mode}
        yield "whitespace", {"kind": "text", "files": files, "options": options}
        yield "whitespace", {"kind": "loader", "files": files, "options": options}


def _options() -> Iterator[tuple[str, Case]]:
    texts = ["{{ x }}{% raw x %}", "{% autoescape wrap %}{{ x }}", "{{ b }}{{ n }}{{ latin }}"]
    for text, escape in product(texts, ("xhtml_escape", None, "url_escape", "wrap", "missing")):
        options = {"autoescape": escape}
        yield "autoescape", {"kind": "text", "files": {"main": text}, "options": options}
        files = {"main": text + "{% include part %}", "part": "{{ x }}"}
        yield "autoescape", {"kind": "loader", "files": files, "options": options}
    for names in ({"xhtml_escape": "no function"}, {"x": "new"}, {"datetime": 1}, {"str": 1}):
        files = {
            "main": "{{ x }}{{ datetime }}{{ n }}" if "datetime" in names else "{{ x }}{{ n }}"
        }
        yield "namespace", {"kind": "text", "files": files, "names": names}
        options = {"namespace": names}
        case = {"kind": "loader", "files": files, "options": options}
        yield "namespace", case
        yield "namespace", {**case, "without": ["x"]}
    for name in ("a.html", "dir/a.html", "<b>", "\u00e9", "a b", "", "a-b.c.d"):
        text = "{{ __name__ }}"
        yield "name", {"kind": "text", "files": {"main": text}, "options": {"name": name}}
        yield (
            "name",
            {"kind": "text", "files": {"main": "\n{% if %}{% end"}, "options": {"name": name}},
        )


def cases() -> list[Case]:
    """Return all cases, each with a name."""
    found: list[tuple[str, Case]] = []
    found += _one_file("expression", EXPRESSIONS)
    found += _one_file("delimiter", DELIMITERS)
    found += _one_file("control", CONTROL)
    found += _one_file("statement", STATEMENTS)
    found += _whitespace()
    found += _options()
    found += [("chain", {"kind": "loader", "files": files}) for files in CHAINS]
    found += [
        ("relative", {"kind": "loader", "files": files, "load": "dir/sub/main"})
        for files in RELATIVE
    ]
    for files in RELATIVE:
        if not any(name.startswith(("/", "..")) for name in files):
            found.append(("folder", {"kind": "folder", "files": files, "load": "dir/sub/main"}))
    for kind, pair in product(("resolve", "resolve-file"), RESOLVE):
        found.append((kind, {"kind": kind, "arguments": list(pair)}))
    found += [("custom", {"kind": "custom", "files": files, "load": "Main"}) for files in CUSTOM]
    found += [("generated", _generated(seed)) for seed in range(400)]
    counts: dict[str, int] = {}
    named = []
    for subject, case in found:
        counts[subject] = number = counts.get(subject, 0) + 1
        named.append({"name": f"{subject}-{number}", **case})
    return named
