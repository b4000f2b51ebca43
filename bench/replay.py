"""Makes a pgbench script of what was heard: the same statements, with values that are new each time.

A value that was the same in several statements is the same in all of them again. What has to be new each time is
found by comparing two requests: ids, hashes, references and lock numbers that differ. The rest stays as heard.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.capture import Heard, NotReplayable, Statement
from bench.postgres import Postgres

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_HASH = r"(?<=x)[0-9a-f]{64}(?![0-9a-f])"
_REFERENCE = r"\b[A-Z]{3}-\d{4}-\d{6,}\b"
_LOCK = r"(?<![\w.-])-?\d{17,19}(?![\w.])"
_FRESH = re.compile(f"(?P<uuid>{_UUID})|(?P<hash>{_HASH})|(?P<reference>{_REFERENCE})|(?P<lock>{_LOCK})")


@dataclass(frozen=True)
class Script:
    """A script for pgbench, and the texts it is given as variables."""

    text: str
    variables: dict[str, str]


class _Writer:
    """Writes statements with expressions in place of values."""

    def __init__(self, first: Heard, second: Heard) -> None:
        self.values = first.sample.values
        self.variables: dict[str, str] = {}
        self.fresh = self._what_differs(first, second)

    def _what_differs(self, first: Heard, second: Heard) -> dict[str, str]:
        """Words that are new with each request, and the SQL for another such word."""
        fresh: dict[str, str] = {}
        for one, other in zip(first.statements, second.statements, strict=True):
            for value, counterpart in zip(one.values, other.values, strict=True):
                words = list(_FRESH.finditer(value or ""))
                counterparts = list(_FRESH.finditer(counterpart or ""))
                for word, another in zip(words, counterparts, strict=False):
                    if word.group() != another.group() and word.group() not in self.values:
                        fresh.setdefault(word.group(), _another(word, len(fresh)))
        return fresh

    def statement(self, statement: Statement, types: list[str]) -> str:
        def expression(match: re.Match[str]) -> str:
            place = int(match.group(1)) - 1
            return self._expression(statement.values[place], types[place])

        return re.sub(r"\$(\d+)", expression, statement.sql)

    def _expression(self, value: str | None, type_name: str) -> str:
        if value is None:
            return f"null::{type_name}"
        parts = self._parts(value)
        if any(is_sql for is_sql, _ in parts):
            texts = [f"({part})::text" if is_sql else _literal(part) for is_sql, part in parts]
            return f"({' || '.join(texts)})::{type_name}"
        for name, known in self.variables.items():
            if known == value:
                return f":{name}::{type_name}"
        name = f"c{len(self.variables)}"
        self.variables[name] = value
        return f":{name}::{type_name}"

    def _parts(self, value: str) -> list[tuple[bool, str]]:
        """The value cut into texts that stay and SQL for those that don't."""
        replaced = {**self.fresh, **self.values}
        if not replaced:
            return [(False, value)]
        found = re.split("(" + "|".join(map(re.escape, replaced)) + ")", value)
        return [(word in replaced, replaced.get(word, word)) for word in found if word]


def _another(word: re.Match[str], variant: int) -> str:
    match word.lastgroup:
        case "uuid":
            return f"bench.fresh_uuid(:u::bigint, {variant})"
        case "hash":
            return f"encode(bench.fresh_hash(:u::bigint, {variant}), 'hex')"
        case "reference":
            return f"'{word.group()[:9]}' || :u::bigint"
        case _:
            return f"hashint8extended(:u::bigint, {variant})"


def _literal(text: str) -> str:
    """A literal in which pgbench finds no variable."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace(":", "\\x3a")
    return f"E'{escaped}'"


def _types(postgres: Postgres, database: str, statement: Statement) -> list[str]:
    """The types of the values, as Postgres infers them, with arrays guessed where it can't."""
    if not statement.values:
        return []
    guesses = ", ".join(_guess(value) for value in statement.values)
    trouble = ""
    for declared in ("", f"({guesses})"):
        try:
            told = postgres.run(database, f"prepare it{declared} as {statement.sql};\n"
                                "select unnest(parameter_types) from pg_prepared_statements;")
            return told.splitlines()
        except RuntimeError as error:
            trouble = str(error).splitlines()[0]
    raise NotReplayable(trouble)


def _guess(value: str | None) -> str:
    """The type of an array by its looks; of all else none. An object of JSON has colons."""
    if value is None or not value.startswith("{") or '":' in value:
        return "unknown"
    if re.fullmatch("{" + f"({_UUID},?)+" + "}", value):
        return "uuid[]"
    if re.fullmatch(r"{(-?\d+,?)+}", value):
        return "bigint[]"
    return "text[]"


def script(postgres: Postgres, database: str, heard: tuple[Heard, Heard], number: str) -> Script:
    """The script; `number` is what sets the variable n."""
    writer = _Writer(*heard)
    lines = [number, "\\set u random(1, 1000000000000000)"]
    for statement in heard[0].statements:
        lines.append(writer.statement(statement, _types(postgres, database, statement)) + ";")
    return Script("\n".join(lines) + "\n", writer.variables)
