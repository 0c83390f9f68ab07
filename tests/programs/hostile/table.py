"""Programs that try to do harm: what each tries, its text, and what has to come of it.

``expected`` is the reasons of which one is right, or ``answer: …`` where the attempt is harmless and its result is
a result. Bodies are indented by the table; ``RAW`` texts are taken as they are.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hostile:
    tries: str
    source: str
    expected: tuple[str, ...]


PROGRAMS: dict[str, Hostile] = {}


def _add(kind: str, expected: str, tries: str, text: str, *, raw: bool = False) -> None:
    body = textwrap.dedent(text).strip("\n")
    source = body if raw else "def answer():\n" + textwrap.indent(body, "    ") + "\n"
    name = f"{kind}: {tries}"
    assert name not in PROGRAMS, name
    PROGRAMS[name] = Hostile(tries, source, tuple(expected.split("|")))


# fmt: off
# --- resources: time, memory, depth, size ---
_add("resources", "timeout", "loops for ever", "while True:\n    pass")
_add("resources", "timeout", "loops and catches the end", """
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue""")
_add("resources", "timeout", "loops in a finally", """
    try:
        return number(1.0, "m")
    finally:
        while True:
            pass""")
_add("resources", "timeout", "loops inside a sort key", """
    def key(o):
        while True:
            pass
    return choice(sorted(objects(), key=key)[0].category, ["a", "b"])""")
_add("resources", "timeout|runtime|memory", "sums an endless iterator", "return number(sum(iter(int, 1)), 'count')")
_add("resources", "timeout|memory", "counts to ten billion", "return number(sum(1 for i in range(10**10)), 'count')")
_add("resources", "timeout|memory", "builds all permutations", """
    out = [[]]
    for o in range(12):
        out = [p + [x] for p in out for x in range(12) if x not in p]
    return number(len(out), "count")""")
_add("resources", "timeout|memory|bad_result", "squares a big number over and over", """
    x = 3
    for i in range(200):
        x = x * x
    return number(1, "count")""")
_add("resources", "memory|timeout|runtime", "raises to a tower of powers", "return number(9**9**9 % 7, 'count')")
_add("resources", "memory|runtime|timeout", "shifts by a billion", "return number((1 << 10**9) % 7, 'count')")
_add("resources", "timeout|memory|runtime|bad_result", "writes out a huge number", "return number(len(str(7**2000000)), 'count')")
_add("resources", "memory", "makes a list of a billion", "return number(len([0] * 10**9), 'count')")
_add("resources", "memory", "doubles a text", """
    x = "ab"
    while len(x) < 10**10:
        x = x + x
    return number(1.0, "m")""")
_add("resources", "memory|timeout|runtime", "repeats a text", "return number(len('ab' * 10**10), 'count')")
_add("resources", "memory|timeout|runtime", "pads a text by format", "return number(len(f'{1:>1000000000}'), 'count')")
_add("resources", "memory|timeout|runtime", "joins a billion", "return number(len(','.join(['a' * 1000] * 10**7)), 'count')")
_add("resources", "memory|timeout|runtime", "replaces a letter by a book", "return number(len(('a' * 10**5).replace('a', 'b' * 10**5)), 'count')")
_add("resources", "memory|timeout", "fills a dict", """
    d = {}
    i = 0
    while True:
        d[i] = [i] * 100
        i += 1""")
_add("resources", "memory|timeout", "fills a set with texts", """
    s = set()
    while True:
        s.add("x" * 1000 + str(len(s)))""")
_add("resources", "runtime|memory|timeout", "nests a list in itself a million times", """
    x = []
    for i in range(10**6):
        x = [x]
    return number(len(str(x)), "count")""")
_add("resources", "runtime", "calls itself through a helper", """
    def f(n):
        return f(n + 1)
    return number(f(0), "count")""")
_add("resources", "runtime", "calls itself through two lambdas", """
    f = lambda g: g(g)
    return number(f(f), "count")""")
_add("resources", "runtime|timeout", "recurses in a sort key and catches it", """
    def f(o):
        try:
            return f(o)
        except RecursionError:
            return f(o)
    return number(len(sorted(objects(), key=f)), "count")""")
_add("resources", "runtime|memory|timeout", "copies a list into itself", """
    x = [1]
    for i in x:
        x.extend(x)
    return number(len(x), "count")""")
_add("resources", "syntax|lint", "nests brackets 2,500 deep", "return number(" + "(" * 2500 + "1" + ")" * 2500 + ", 'm')")
_add("resources", "syntax|lint|runtime", "nests lists 300 deep", "return number(len(" + "[" * 300 + "]" * 300 + "), 'count')")
_add("resources", "lint", "is 60 KB long", "x = 1\n" * 10000 + "return number(1.0, 'm')")
_add("resources", "timeout|memory", "sleeps by busy work in every call of the API", """
    while True:
        distance(only("table"), only("tv"))""")

# --- escapes of the language ---
_add("escape", "lint", "reads a class", "return number(len(().__class__.__bases__), 'count')")
_add("escape", "lint", "walks subclasses", "return choice(str(().__class__.__base__.__subclasses__()), ['a', 'b'])")
_add("escape", "lint", "builds an attribute's name for getattr", "return number(len(getattr((), '_' + '_class_' + '_')), 'count')")
_add("escape", "lint", "reads the globals of a function of the API", "return number(len(distance.__globals__), 'count')")
_add("escape", "lint", "reads builtins by name", "return number(len(__builtins__), 'count')")
_add("escape", "lint", "imports os", "import os\nreturn number(os.getpid(), 'count')")
_add("escape", "lint", "imports by call", "return number(__import__('os').getpid(), 'count')")
_add("escape", "lint", "imports from inside a lambda's default", "f = lambda m=__import__: m('os')\nreturn number(f().getpid(), 'count')")
_add("escape", "lint", "evaluates text", "return number(eval('1+1'), 'count')")
_add("escape", "lint", "executes text", "exec('x = 1')\nreturn number(1.0, 'm')")
_add("escape", "lint", "compiles text", "return number(len(str(compile('1', 'a', 'eval'))), 'count')")
_add("escape", "lint", "asks for globals", "return number(len(globals()), 'count')")
_add("escape", "lint", "makes a type", "return number(len(str(type('X', (), {}))), 'count')")
_add("escape", "lint", "hides a dunder in an f-string", "return choice(f'{().__class__}', ['a', 'b'])")
_add("escape", "lint", "hides a dunder in a format field", "return choice('{0.__class__}'.format(1), ['a', 'b'])")
_add("escape", "lint|runtime|bad_result", "joins a format field with a dunder in it", """
    field = "{0._" + "_class_" + "_}"
    return choice(field.format(1), [field.format(1), "b"])""")
_add("escape", "lint|runtime|bad_result", "formats a map with a dunder in it", """
    field = "{x._" + "_class_" + "_}"
    t = field.format_map({"x": 1})
    return choice(t, [t, "b"])""")
_add("escape", "lint|runtime|syntax|bad_result", "reads a generator's frame", """
    g = (i for i in [1])
    return number(len(str(g.gi_frame.f_back)), "count")""")
_add("escape", "lint|runtime|syntax|bad_result", "reads a traceback through an exception", """
    try:
        1 / 0
    except ZeroDivisionError as e:
        return number(len(str(e.with_traceback(None))), "count")""")
_add("escape", "lint", "decorates a helper", """
    @print
    def f():
        pass
    return number(1.0, "m")""")
_add("escape", "lint", "subclasses", "class A(str):\n    pass\nreturn number(1.0, 'm')")
_add("escape", "lint", "matches class patterns", "match 1:\n    case int(real=x):\n        return number(x, 'count')")
_add("escape", "lint", "writes a dunder by keyword", "return number(dict(__class__=1)['a'], 'count')")
_add("escape", "lint|syntax", "spells a dunder in full-width letters", "return number(len(().＿＿class＿＿), 'count')")
_add("escape", "lint", "spells eval in bold letters", "return number(𝐞val('1'), 'count')")
_add("escape", "lint", "awaits", "return number(await 1, 'count')")
_add("escape", "lint", "deletes a function of the API", "del distance\nreturn number(1.0, 'm')")
_add("escape", "lint", "rebinds by walrus at top level", "(answer := 1)\nreturn number(answer, 'count')")
_add("escape", "lint", "puts code beside the function", "def answer():\n    return number(1.0, 'm')\n_programs.clear()", raw=True)
_add("escape", "lint", "puts a call in an annotation", "def answer() -> print(1):\n    return number(1.0, 'm')", raw=True)
_add("escape", "lint", "puts a call in a default", "def answer(x=print(1)):\n    return number(1.0, 'm')", raw=True)
_add("escape", "syntax|lint", "closes the wrapper's text", "def answer():\n    return number(1.0, '''m", raw=True)
_add("escape", "syntax|lint", "ends in a backslash", "def answer():\n    return number(1.0, 'm')\\", raw=True)
_add("escape", "syntax|lint", "holds a NUL byte", "def answer():\n    return number(1.0, '\0m')", raw=True)
_add("escape", "syntax|lint", "holds a form feed and a carriage return", "def answer():\n    x = 1\r_programs.clear()\r    return number(1.0, 'm')", raw=True)
_add("escape", "lint", "holds a lone surrogate", "def answer():\n    return choice('\ud800', ['\ud800', 'b'])", raw=True)

# --- network, files, processes, clock ---
_add("outside", "lint", "opens a socket", "import socket\nsocket.create_connection(('example.com', 80))\nreturn number(1.0, 'm')")
_add("outside", "lint", "fetches a page", "from urllib.request import urlopen\nreturn number(len(urlopen('http://example.com').read()), 'count')")
_add("outside", "lint", "reads a file", "return number(len(open('/etc/passwd').read()), 'count')")
_add("outside", "lint", "writes a file", "open('/tmp/x', 'w').write('x')\nreturn number(1.0, 'm')")
_add("outside", "runtime|lint", "reads a file through pathlib", "return number(len(Path('/etc/passwd').read_text()), 'count')")
_add("outside", "runtime|lint", "runs a command", "return number(os.system('id'), 'count')")
_add("outside", "runtime|lint", "asks the environment", "return number(len(os.environ), 'count')")
_add("outside", "lint", "asks for input", "return choice(input(), ['a', 'b'])")
_add("outside", "runtime|lint", "asks the clock", "return number(time.time() % 7, 's')")
_add("outside", "runtime|lint", "draws a random number", "return number(random.random(), 'm')")
_add("outside", "lint", "drops into the debugger", "breakpoint()\nreturn number(1.0, 'm')")
_add("outside", "runtime|lint", "ends the worker", "raise SystemExit(0)")
_add("outside", "lint", "calls exit", "exit(0)")
_add("outside", "runtime|lint|timeout", "asks the host by way of the module", "return number(math.os.getpid(), 'count')")

# --- outputs that are none ---
_add("output", "bad_result", "returns a handle", "return only('table')")
_add("output", "bad_result", "returns a look-alike", "return ('number', 3.0, 'm', None)")
_add("output", "bad_result", "returns a list that holds itself", "x = ['a']\nx.append(x)\nreturn ordering(x)")
_add("output", "bad_result", "returns a million letters", "return choice('a' * 10**6, ['a' * 10**6, 'b'])")
_add("output", "bad_result", "returns five thousand digits", "return number(10**5000, 'count')")
_add("output", "bad_result", "returns not-a-number", "return number(float('nan'), 'm')")
_add("output", "bad_result", "returns infinity", "return number(float('inf'), 'm')")
_add("output", "bad_result", "overflows to infinity", "return number(1e308 * 10, 'm')")
_add("output", "bad_result", "returns a negative count", "return number(-1, 'count')")
_add("output", "bad_result", "passes a bool off as a count", "return number(True, 'count')")
_add("output", "bad_result", "invents a unit", "return number(1.0, 'furlong')")
_add("output", "bad_result", "makes the unit a list", "return number(1.0, ['m'])")
_add("output", "bad_result", "makes the step nothing", "return number(1.0, 'm', 0)")
_add("output", "bad_result", "makes the step not-a-number", "return number(1.0, 'm', float('nan'))")
_add("output", "bad_result", "chooses what is not offered", "return choice('c', ['a', 'b'])")
_add("output", "bad_result", "offers the same twice", "return choice('a', ['a', 'a'])")
_add("output", "bad_result", "orders thirteen", "return ordering([str(i) for i in range(13)])")
_add("output", "bad_result", "smuggles a separator into an item", "return ordering(['a, b', 'c'])")
_add("output", "bad_result", "smuggles an escape sequence", "return choice('\\x1b[2J', ['\\x1b[2J', 'b'])")
_add("output", "bad_result", "turns the text around", "return choice('\\u202eabc', ['\\u202eabc', 'b'])")
_add("output", "bad_result", "shows a memory address", "s = str(distance)\nreturn choice(s, [s, 'b'])")
_add("output", "bad_result|lint", "changes a result's kind", "r = number(1.0, 'm')\nreturn r + ('more',)")
_add("output", "bad_result|runtime", "prints in the place of an answer", "print('2.4')")

# --- answers that are not the scene's alone ---
_add("chance", "lint", "hashes a text", "return number(hash('a') % 7, 'count')")
_add("chance", "lint", "asks for an address", "return number(id(answer) % 7, 'count')")
_add("chance", "disagreement", "takes the first of a set of texts", """
    s = {"ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine"}
    return choice(list(s)[0], sorted(s))""")
_add("chance", "disagreement", "pops from a set of categories", """
    s = set([o.category for o in objects()])
    return choice(s.pop(), sorted(set([o.category for o in objects()])))""")
_add("chance", "disagreement", "orders by a set", "return ordering([c for c in {o.category for o in objects()}])")
_add("chance", "disagreement", "lets the last of a set win", """
    best = ""
    for c in {"north", "south", "east", "west", "up", "down", "left", "right"}:
        best = c
    return choice(best, ["north", "south", "east", "west", "up", "down", "left", "right"])""")
_add("chance", "disagreement|bad_result", "measures how a function is written", "return number(len(str(distance)), 'count')")
_add("chance", "answer: 2.4", "counts a set, which has no order", """
    s = {o.category for o in objects()}
    return number(2.4 if len(s) == 6 else 9.9, "m")""")
_add("chance", "answer: 2.4", "sorts a set before it looks", """
    s = sorted({o.category for o in objects()})
    return number(2.4 if s[0] == "chair" else 9.9, "m")""")

# --- the neighbours of the batch ---
_add("neighbours", "lint", "replaces a function by global", "global distance\ndistance = lambda a, b: 99.0\nreturn number(1.0, 'm')")
_add("neighbours", "lint", "replaces a function by a nested global", """
    def f():
        global count
        count = len
    f()
    return number(1.0, "m")""")
_add("neighbours", "lint", "replaces a function by nonlocal", """
    def f():
        nonlocal distance
        distance = None
    return number(1.0, "m")""")
_add("neighbours", "lint", "sets an attribute of the module", "math.pi = 3\nreturn number(math.pi, 'm')")
_add("neighbours", "lint", "sets an attribute of a function", "distance.answer = 1\nreturn number(1.0, 'm')")
_add("neighbours", "lint", "sets an attribute of a handle", "only('table').size = (9, 9, 9)\nreturn number(1.0, 'm')")
_add("neighbours", "lint", "binds an attribute in a for", "for math.pi in [3]:\n    pass\nreturn number(1.0, 'm')")
_add("neighbours", "runtime", "writes into a handle's size", "only('table').size[0] = 9.0\nreturn number(1.0, 'm')")
_add("neighbours", "lint", "replaces a handle's field", "t = only('table')._replace(size=(9, 9, 9))\nreturn number(height(t), 'm')")
_add("neighbours", "lint", "writes into the tables", "_boxes[0] = 99.0\nreturn number(1.0, 'm')")
_add("neighbours", "lint", "loads other tables", "_load([[], '', [], 1.0])\nreturn number(1.0, 'm')")
_add("neighbours", "lint", "clears the evidence", "_touched.clear()\nreturn number(2.4, 'm')")
_add("neighbours", "lint", "reads the other programs", "return number(len(_programs), 'count')")
_add("neighbours", "lint", "calls the program before it", "return answer()")
_add("neighbours", "answer: 2.4", "empties the lists that it is given", """
    x = objects()
    x.clear()
    y = categories()
    y.append("ghost")
    return number(2.4 if len(objects()) == 7 and "ghost" not in categories() else 9.9, "m")""")
_add("neighbours", "answer: 2.4", "hides functions of the API behind its own names", """
    distance = lambda a, b: 99.0
    math = None
    len = None
    return number(2.4, "m")""")
_add("neighbours", "bad_argument", "swallows a failure of the API", """
    try:
        distance("table", "tv")
    except BaseException:
        pass
    return number(2.4, "m")""")
_add("neighbours", "not_unique", "swallows an ambiguity and answers", """
    try:
        return number(height(only("chair")), "m")
    except BaseException:
        return number(2.4, "m")
    finally:
        pass""")
# fmt: on
