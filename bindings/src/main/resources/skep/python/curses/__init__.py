"""As much of curses as a tool that redraws a table needs: a screen by ANSI sequences, keys without waiting for Enter."""
import os
import sys

A_NORMAL, A_REVERSE, A_BOLD, A_UNDERLINE = 0, 1 << 18, 1 << 21, 1 << 17
KEY_DOWN, KEY_UP, KEY_LEFT, KEY_RIGHT, KEY_RESIZE, ERR = 258, 259, 260, 261, 410, -1


class error(Exception):
    pass


class _Window:
    def __init__(self):
        self._cells = []
        self._wait = -1

    def getmaxyx(self):
        try:
            size = os.get_terminal_size(1)
            return size.lines, size.columns
        except OSError:
            return 24, 80

    def clear(self):
        self._cells = []

    erase = clear

    def nodelay(self, flag):
        self._wait = 0 if flag else -1

    def timeout(self, millis):
        self._wait = millis

    def keypad(self, flag):
        pass

    def addstr(self, *arguments):
        if isinstance(arguments[0], int):
            y, x, text = arguments[:3]
            style = arguments[3] if len(arguments) > 3 else 0
        else:
            y, x, text = 0, 0, arguments[0]
            style = arguments[1] if len(arguments) > 1 else 0
        lines, columns = self.getmaxyx()
        if y < 0 or y >= lines:
            raise error("addwstr() returned ERR")
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        self._cells.append((y, x, text[:max(0, columns - x)], style))

    def addnstr(self, y, x, text, count, style=0):
        self.addstr(y, x, text[:count], style)

    def refresh(self):
        out = ["\x1b[H\x1b[2J"]
        for y, x, text, style in self._cells:
            if style & A_REVERSE:
                text = "\x1b[7m" + text + "\x1b[0m"
            out.append("\x1b[%d;%dH%s" % (y + 1, x + 1, text))
        sys.stdout.write("".join(out))
        sys.stdout.flush()

    def getch(self):
        import select
        import time
        end = None if self._wait < 0 else time.time() + self._wait / 1000
        while True:
            left = 0.1 if end is None else min(0.1, max(0, end - time.time()))
            ready = select.select([0], [], [], left)[0]
            if ready:
                data = os.read(0, 1)
                return data[0] if data else ERR
            if end is not None and time.time() >= end:
                return ERR


_settings = []


def initscr():
    return _Window()


def endwin():
    sys.stdout.write("\x1b[0m\n")
    sys.stdout.flush()


def _stty(*words):
    import subprocess
    return subprocess.run(["stty", *words], stdin=0, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def cbreak():
    if os.isatty(0):
        _stty("-icanon", "min", "1")


def nocbreak():
    if os.isatty(0):
        _stty("icanon")


def noecho():
    if os.isatty(0):
        _stty("-echo")


def echo():
    if os.isatty(0):
        _stty("echo")


def curs_set(visibility):
    return 1


def start_color():
    pass


def use_default_colors():
    pass


def wrapper(function, *arguments, **named):
    window = initscr()
    try:
        cbreak()
        noecho()
        return function(window, *arguments, **named)
    finally:
        echo()
        nocbreak()
        endwin()
