"""Cells of SQL in notebooks: ``%load_ext helios``, then ``%%helios``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from .client import Helios, connect

if TYPE_CHECKING:
    from .parameters import Parameter
    from .query import ArrowOptions

# `{name:Type}`, as ClickHouse writes its parameters.
_PARAMETER = re.compile(r"\{\s*([A-Za-z_]\w*)\s*:\s*[A-Za-z]")
_FORMS = {"pandas": "to_pandas", "polars": "to_polars", "arrow": "to_arrow"}


@magics_class
class HeliosMagics(Magics):
    """``%helios`` and ``%%helios``."""

    shell: Any

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._chosen: Helios | None = None

    @line_cell_magic
    @magic_arguments()
    @argument(
        "client",
        nargs="?",
        help="The variable that holds the client; `%%helios` also takes a folder or a URL, as `helios.connect` does. "
        "Default: the one chosen before, else the only open one, else `helios.connect()`.",
    )
    @argument("-o", "--output", metavar="NAME", help="Keep the result in this variable instead of showing it.")
    @argument(
        "-a", "--as", dest="form", choices=["result", *_FORMS], default="result", help="As what. Default: result."
    )
    @argument("-l", "--limit", type=int, metavar="ROWS", help="The first so many rows, and no more.")
    @argument("-d", "--database", metavar="NAME", help="The database of tables named without one.")
    def helios(self, line: str, cell: str | None = None) -> Any:
        """Run a cell of SQL, or choose the client that runs those that follow.

        ``{name:Type}`` in the SQL is the notebook's variable of that name. It is bound, and never becomes SQL.

        ::

            %helios ./data
            %%helios -o visits --as pandas
            SELECT * FROM visits WHERE page = {page:String}
        """
        given = parse_argstring(self.helios, line)
        if cell is None:
            return self._choose(given.client)
        if given.output is not None and not given.output.isidentifier():
            raise UsageError(f"{given.output} is no name of a variable")
        client = self._client(given.client)
        options: ArrowOptions = {"limit": given.limit, "database": given.database}
        result: Any = client.query(cell.strip(), self._parameters(cell), **options)
        if given.form != "result":
            result = getattr(result, _FORMS[given.form])()
        if given.output is None:
            return result
        self.shell.user_ns[given.output] = result
        return None

    def _choose(self, name: str | None) -> Helios:
        if name is None or name in self.shell.user_ns:
            self._chosen = self._client(name)
        else:
            self._chosen = connect(url=name) if "://" in name else connect(name)
        return self._chosen

    def _client(self, name: str | None) -> Helios:
        if name is not None:
            named = self.shell.user_ns.get(name)
            if isinstance(named, Helios):
                return named
            raise UsageError(f"{name} is no client: `{name} = helios.connect(…)` makes it one")
        if self._chosen is not None and not self._chosen.closed:
            return self._chosen
        by_client = {
            value: name
            for name, value in self.shell.user_ns.items()
            if isinstance(value, Helios) and not value.closed and not name.startswith("_")
        }
        if len(by_client) > 1:
            names = ", ".join(sorted(by_client.values()))
            raise UsageError(
                f"there are several clients, {names}: name one, as in `%%helios {min(by_client.values())}`"
            )
        if by_client:
            return next(iter(by_client))
        self._chosen = connect()
        return self._chosen

    def _parameters(self, sql: str) -> dict[str, Parameter]:
        variables = self.shell.user_ns
        return {name: _plain(variables[name]) for name in _PARAMETER.findall(sql) if name in variables}


def _plain(value: Any) -> Parameter:
    """A scalar of numpy or pandas as Python's own."""
    item = getattr(value, "item", None)
    plain: Parameter = item() if callable(item) and getattr(value, "shape", None) == () else value
    return plain
