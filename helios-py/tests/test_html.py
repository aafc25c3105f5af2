"""What a notebook shows."""

from __future__ import annotations

import copy
import pickle
from html.parser import HTMLParser

import pytest

import helios
from helios import Column, Schema
from helios._wire import Answers

HOSTILE = "<script>alert('x')</script>&\"'"


class Seen(HTMLParser):
    """The tags and the text of some HTML; fails where a tag is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "br":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def shown(of: object) -> Seen:
    return Seen(of._repr_html_())  # type: ignore[attr-defined]


def test_a_result(client: helios.Helios) -> None:
    result = client.query("SELECT number AS n, if(number = 1, NULL, toString(number)) AS t FROM numbers(3)")
    seen = shown(result)
    assert seen.text == ["n", "UInt64", "t", "Nullable(String)", "0", "0", "1", "NULL", "2", "2"]
    assert seen.tags.count("tr") == 4
    # A text is told from a value that is none.
    assert "<i>NULL</i>" in result._repr_html_()
    assert "<i>NULL</i>" not in client.query("SELECT 'NULL' AS t")._repr_html_()


def test_a_long_result_is_cut(client: helios.Helios) -> None:
    result = client.query("SELECT repeat('é', 1000) AS long FROM numbers(100000)")
    seen = shown(result)
    assert seen.tags.count("tr") == 21
    assert seen.text[2] == "é" * 200 + "…"
    assert seen.text[-1] == "… 99980 more rows"
    with client.query_arrow("SELECT number FROM numbers(100000)") as batches:
        batch = next(batches)
    assert shown(batch).text[-1] == f"… {len(batch) - 20} more rows"


def test_a_result_of_several_pieces(client: helios.Helios) -> None:
    result = client.query("SELECT number FROM numbers(100) SETTINGS max_block_size = 7")
    assert shown(result).text[2:-1] == [str(number) for number in range(20)]


def test_columns_of_the_same_name_are_all_there(client: helios.Helios) -> None:
    assert shown(client.query("SELECT * FROM (SELECT 1 AS a) AS x, (SELECT 2 AS a) AS y")).text.count("2") == 1


def test_no_rows_and_no_columns(client: helios.Helios, table: str) -> None:
    assert shown(client.query("SELECT 1 AS a WHERE 0")).text == ["a", "UInt8"]
    assert shown(client.query(f"CREATE TABLE {table} (a UInt8) ORDER BY a")).text == []


def test_names_and_values_are_no_html(client: helios.Helios) -> None:
    result = client.query(f"SELECT {{t:String}} AS `{HOSTILE}`, [{{t:String}}] AS list", {"t": HOSTILE})
    seen = shown(result)
    assert "script" not in seen.tags
    assert seen.text[0] == seen.text[4] == HOSTILE
    schema = Schema({HOSTILE: "String"})
    for of in (schema, schema.check([{HOSTILE: 1}]), Column(HOSTILE, "String", HOSTILE, "/" + HOSTILE)):
        seen = shown(of)
        assert "script" not in seen.tags
        assert HOSTILE in "".join(seen.text)


class Endless:
    def __str__(self) -> str:
        return str(self)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10**5_000, "0x"),
        ([10**5_000], "<list>"),
        (Endless(), "<Endless>"),
        ({"a": "\ud800"}, "\\ud800"),
    ],
    ids=["digits", "digits in a list", "endless", "surrogate"],
)
def test_what_python_does_not_write_is_shown_as_it_can_be(value: object, text: str) -> None:
    seen = shown(Column("a", "String", default=value))
    assert any(text in part for part in seen.text)
    "".join(seen.text).encode()


def test_a_map_whose_keys_json_has_not(client: helios.Helios) -> None:
    assert "2026" in shown(client.query("SELECT map(toDate('2026-01-31'), 1) AS m")).text[-1]


def test_an_answer_and_what_is_in_it() -> None:
    check = Schema({"id": "UInt8"}).check([{"id": 1}, {"id": 300}])
    seen = shown(check)
    # Every field, with the name that it has in Python.
    for name in ("schema", "events", "fitting", "rejected", "rejects", "unknown_fields", "create_table_query"):
        assert name in seen.text
    assert {"out_of_range", "$.id", "300", "UInt8"} <= set(seen.text)
    assert seen.tags.count("table") == 3 and "pre" in seen.tags


def test_a_list_of_answers_is_still_a_list() -> None:
    settled = [helios.RangeSettled(f"shard-{number}", "1-2", "absent", "") for number in range(25)]
    answers = Answers(settled)
    assert answers == settled and list(answers) == settled
    seen = shown(answers)
    assert seen.text[:4] == ["shard", "range", "outcome", "message"]
    assert seen.tags.count("tr") == 21 and seen.text[-1] == "… 5 more of them"
    assert shown(Answers([])).text == ["nothing"]


def test_a_schema_without_a_sample() -> None:
    schema = Schema({"id": "UInt64"}).add("plan", "String", default="free", field="/user/plan")
    seen = shown(schema)
    assert {"id", "UInt64", "plan", "String", "free", "/user/plan"} <= set(seen.text)
    assert "CREATE TABLE `default`.`events`" in "".join(seen.text)
    assert schema.evidence == {}
    with pytest.raises(helios.InvalidInputError, match="comes from no sample"):
        schema.check()


def test_a_schema_that_no_table_can_have_says_so() -> None:
    assert "no_such_type" in "".join(shown(Schema({"id": "no_such_type"})).text)


def test_a_copy_of_a_schema_is_a_schema() -> None:
    schema = Schema({"id": "UInt64"})
    for other in (copy.deepcopy(schema), pickle.loads(pickle.dumps(schema)), copy.copy(schema)):
        assert other == schema and isinstance(other, Schema)
