"""Map a table's own columns to the dataset contract's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthmed.datasets.rows import CONTRACT_COLUMNS, as_text
from synthmed.errors import SynthmedError

# Names that tables in the field use for a contract column.
_ALIASES = {"labels": "label", "mask_file_name": "mask"}
_PLACE = re.compile(r"\{([^{}]+)\}")  # {column} in a template


class ColumnMap:
    """The mapping of one table's columns to the contract's.

    Args:
        columns: Contract column to source, as `synthmed.read_dataset` explains.
        where: The conditions, whose columns are checked too.
        header: The table's columns.
        table: The table, for error messages.

    Raises:
        SynthmedError: A contract or source column that does not exist, or a source of no known
            form.
    """

    def __init__(
        self,
        columns: Mapping[str, Any],
        where: Mapping[str, Any],
        header: Sequence[str],
        table: Path,
    ) -> None:
        _check_known(columns, ("file_name", *CONTRACT_COLUMNS), "the contract has no column", table)
        aliases = {to: name for to, name in _ALIASES.items() if to not in header and name in header}
        self.columns = {**aliases, **columns}
        for source in self.columns.values():
            _check_known(_names(source, table), header, "the table has no column", table)
        _check_known(where, header, "the table has no column", table)

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Give a row's cells by contract column; all its other columns are kept."""
        cells = dict(row)
        cells.update({column: _value(source, row) for column, source in self.columns.items()})
        return cells


def matches(row: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Tell whether each column of `where` holds the value, or one of the values, that it names."""
    for column, wanted in where.items():
        values = wanted if isinstance(wanted, list | tuple | set | frozenset) else [wanted]
        cell = row.get(column)
        found = cell if isinstance(cell, list | tuple) else [cell]
        if not {as_text(part) for part in found} & {as_text(value) for value in values}:
            return False
    return True


def _names(source: Any, table: Path) -> list[str]:
    """Give the source columns that a mapping's entry reads; refuse unknown forms."""
    if isinstance(source, str):
        return [source]
    keys = set(source) if isinstance(source, Mapping) else set()
    if keys == {"const"}:
        return []
    if keys == {"template"}:
        return _PLACE.findall(str(source["template"]))
    if (keys == {"map", "from"} and isinstance(source["map"], Mapping)) or (
        keys == {"split", "from"} and source["split"]
    ):
        return [str(source["from"])]
    raise SynthmedError(
        f"a column cannot be made of {source!r}",
        where=table,
        mend='Write a column name, {"const": value}, {"template": "x:{column}"}, '
        '{"map": {"from": "to"}, "from": column} or {"split": "|", "from": column}',
    )


def _check_known(names: Any, known: Sequence[str], what: str, table: Path) -> None:
    for name in names:
        if name not in known:
            raise SynthmedError(
                f"{what} {name!r}", where=table, mend=f"Known: {', '.join(sorted(known))}"
            )


def _value(source: Any, row: Mapping[str, Any]) -> Any:
    if isinstance(source, str):
        return row.get(source)
    if "const" in source:
        return source["const"]
    if "template" in source:
        template = str(source["template"])
        parts = {name: as_text(row.get(name)) for name in _PLACE.findall(template)}
        return _PLACE.sub(lambda m: parts[m[1]], template) if all(parts.values()) else ""
    text = as_text(row.get(source["from"]))
    if "map" in source:
        return {as_text(k): v for k, v in source["map"].items()}.get(text, text)
    return [part.strip() for part in text.split(source["split"]) if part.strip()]
