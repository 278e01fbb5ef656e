"""A small data frame: columns of the same length, by name. What is larger goes to pandas."""


def _number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _quantile(numbers, percent):
    """Linear between the two nearest, as numpy has it."""
    if not numbers:
        return float("nan")
    ordered = sorted(numbers)
    at = (len(ordered) - 1) * percent / 100
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def _mean(numbers):
    return sum(numbers) / len(numbers) if numbers else float("nan")


def _std(numbers):
    if len(numbers) < 2:
        return float("nan")
    mean = _mean(numbers)
    return (sum((n - mean) ** 2 for n in numbers) / (len(numbers) - 1)) ** 0.5


AGGREGATES = {
    "count": len, "sum": sum, "min": min, "max": max, "mean": _mean, "std": _std,
    "median": lambda numbers: _quantile(numbers, 50),
    "first": lambda values: values[0], "last": lambda values: values[-1],
}


def _aggregate(how):
    if callable(how):
        return how
    if how in AGGREGATES:
        return AGGREGATES[how]
    if how.startswith("p") and how[1:].replace(".", "", 1).isdigit():
        return lambda numbers: _quantile(numbers, float(how[1:]))
    raise ValueError("no aggregate %s; there are %s, and p50, p99, …" % (how, ", ".join(AGGREGATES)))


class Frame:
    """Columns by name. frame["pid"] is a column, frame[3] a row as a dictionary, frame[frame_of_booleans] the rows chosen."""

    def __init__(self, columns):
        columns = {str(name): list(values) for name, values in columns.items()}
        lengths = {len(values) for values in columns.values()}
        if len(lengths) > 1:
            raise ValueError("columns of different lengths: " +
                             ", ".join("%s %d" % (name, len(values)) for name, values in columns.items()))
        self._columns = columns

    @classmethod
    def of_rows(cls, rows, names):
        rows = [tuple(row) for row in rows]
        width = max([len(row) for row in rows], default=len(names))
        names = list(names) + ["c%d" % i for i in range(len(names), width)]
        return cls({name: [row[i] if i < len(row) else None for row in rows] for i, name in enumerate(names)})

    @classmethod
    def of_events(cls, values, names):
        if values and all(isinstance(value, dict) for value in values):
            known = list(dict.fromkeys(name for value in values for name in value))
            return cls({name: [value.get(name) for value in values] for name in known})
        return cls.of_rows([value if isinstance(value, tuple) else (value,) for value in values], names)

    @classmethod
    def of_map(cls, source, names):
        rows = []
        values = []
        for key, value in source.items():
            rows.append(key if isinstance(key, tuple) else (key,))
            values.append(value)
        width = max([len(row) for row in rows], default=len(names))
        names = list(names) + (["key"] if width == 1 and not names else
                               ["key%d" % (i + 1) for i in range(len(names), width)])
        keys = cls.of_rows(rows, names[:width] if rows else names)
        columns = dict(keys._columns)
        if values and hasattr(values[0], "percentile"):
            for name in ("samples", "mean", "p50", "p90", "p99"):
                columns[name] = [getattr(value, name) for value in values]
        elif values and isinstance(values[0], dict):
            for name in values[0]:
                columns[name] = [value[name] for value in values]
        else:
            columns["value"] = values
        return cls(columns)

    @property
    def columns(self):
        return list(self._columns)

    @property
    def shape(self):
        return len(self), len(self._columns)

    def __len__(self):
        return len(next(iter(self._columns.values()), []))

    def __iter__(self):
        """Through the rows, each a dictionary."""
        for i in range(len(self)):
            yield self[i]

    def __getitem__(self, what):
        if isinstance(what, str):
            try:
                return self._columns[what]
            except KeyError:
                raise KeyError("no column %s; there are %s" % (what, ", ".join(self._columns))) from None
        if isinstance(what, int):
            return {name: values[what] for name, values in self._columns.items()}
        if isinstance(what, slice):
            return Frame({name: values[what] for name, values in self._columns.items()})
        if what and all(isinstance(w, bool) for w in what):
            return Frame({n: [v for v, keep in zip(values, what) if keep] for n, values in self._columns.items()})
        return Frame({name: self[name] for name in what})

    def where(self, test):
        """The rows for which test(row) is true."""
        return self[[bool(test(row)) for row in self]] if len(self) else self

    def head(self, rows=5):
        return self[:rows]

    def sort(self, column, descending=False):
        order = sorted(range(len(self)), key=self[column].__getitem__, reverse=descending)
        return Frame({name: [values[i] for i in order] for name, values in self._columns.items()})

    def _numbers(self, column):
        return [value for value in self[column] if _number(value)]

    def percentile(self, percent, column=None):
        """Of a column, or of each that holds numbers, by name; linear between neighbours."""
        if not 0 <= percent <= 100:
            raise ValueError("percentile %s is not between 0 and 100" % percent)
        if column is not None:
            return _quantile(self._numbers(column), percent)
        return {name: _quantile(self._numbers(name), percent) for name in self._columns if self._numbers(name)}

    def describe(self):
        """count, mean, std, min, quartiles and max of the columns that hold numbers, as a frame."""
        names = [name for name in self._columns if self._numbers(name)]
        rows = [("count", len), ("mean", _mean), ("std", _std), ("min", min), ("25%", _aggregate("p25")),
                ("50%", _aggregate("p50")), ("75%", _aggregate("p75")), ("max", max)]
        made = {"": [row for row, _ in rows]}
        for name in names:
            numbers = self._numbers(name)
            made[name] = [how(numbers) for _, how in rows]
        return Frame(made)

    def groupby(self, *by):
        """Groups of rows that agree in these columns; `.agg(bytes="sum")`, `.count()`, `.sum("bytes")`."""
        for name in by:
            self[name]
        return Groups(self, by)

    def to_csv(self, path=None):
        """As comma-separated values: the text, or into a file."""
        import csv
        import io
        out = io.StringIO() if path is None else open(path, "w", newline="", encoding="utf-8")
        with out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(self._columns)
            writer.writerows(zip(*self._columns.values()))
            return out.getvalue() if path is None else None

    def to_dict(self):
        return {name: list(values) for name, values in self._columns.items()}

    def to_pandas(self):
        """A pandas.DataFrame; needs a pandas that this Python, GraalPy, can import."""
        try:
            import pandas
        except ImportError as reason:
            raise ImportError(
                "pandas cannot be imported by this Python (%s); what to_csv() writes any pandas reads" % reason) from reason
        return pandas.DataFrame(self._columns)

    def __eq__(self, other):
        return isinstance(other, Frame) and self._columns == other._columns

    __hash__ = None

    def __repr__(self):
        def cell(value):
            return "%.6g" % value if isinstance(value, float) else str(value)

        most = 20
        shown = {name: [name] + [cell(v) for v in values[:most]] for name, values in self._columns.items()}
        lines = []
        for i in range(min(most, len(self)) + 1):
            words = []
            for name, cells in shown.items():
                width = max(len(c) for c in cells)
                words.append(cells[i].rjust(width) if _number(self._columns[name][0] if len(self) else None)
                             else cells[i].ljust(width))
            lines.append("  ".join(words).rstrip())
        if len(self) > most:
            lines.append("… %d rows" % len(self))
        return "\n".join(lines)

    def _repr_html_(self):
        from html import escape
        head = "".join("<th>%s</th>" % escape(name) for name in self._columns)
        rows = "".join("<tr>%s</tr>" % "".join("<td>%s</td>" % escape(str(v)) for v in row)
                       for row in list(zip(*self._columns.values()))[:100])
        return "<table><tr>%s</tr>%s</table>" % (head, rows)


class Groups:
    """Rows of a frame by the values of some columns, in the order in which these first come."""

    def __init__(self, frame, by):
        self._frame, self._by = frame, by
        self._rows = {}
        for i, key in enumerate(zip(*[frame[name] for name in by])):
            self._rows.setdefault(key, []).append(i)

    def __iter__(self):
        for key, rows in self._rows.items():
            part = Frame({name: [values[i] for i in rows] for name, values in self._frame._columns.items()})
            yield (key[0] if len(key) == 1 else key), part

    def __len__(self):
        return len(self._rows)

    def agg(self, **how):
        """A row for each group: column="sum", or new=("column", "p99"); or functions of a list."""
        made = {name: [key[i] for key in self._rows] for i, name in enumerate(self._by)}
        for name, wanted in how.items():
            column, wanted = wanted if isinstance(wanted, tuple) else (name, wanted)
            values, function = self._frame[column], _aggregate(wanted)
            made[name] = [function([values[i] for i in rows]) for rows in self._rows.values()]
        return Frame(made)

    def count(self):
        made = {name: [key[i] for key in self._rows] for i, name in enumerate(self._by)}
        made["count"] = [len(rows) for rows in self._rows.values()]
        return Frame(made)

    def sum(self, *columns):
        return self.agg(**{column: "sum" for column in columns})

    def mean(self, *columns):
        return self.agg(**{column: "mean" for column in columns})
