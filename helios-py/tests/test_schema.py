"""Schemas that are changed before a table is made."""

from __future__ import annotations

import pytest

import helios
from helios import Column, Schema


def test_each_change_gives_another_schema() -> None:
    schema = Schema([("userId", "UInt64"), ("debug", "String")])
    changed = schema.rename("userId", "user_id").drop("debug").retype("user_id", "Nullable(INT)")
    assert changed == [Column("user_id", "Nullable(Int32)", field="/userId")]
    assert schema == [Column("userId", "UInt64"), Column("debug", "String")]
    changed = changed.add("plan", "String", default="free", field="/user/plan").default("user_id", None)
    assert changed == [
        Column("user_id", "Nullable(Int32)", default=None, field="/userId"),
        Column("plan", "String", default="free", field="/user/plan"),
    ]
    assert changed.default("user_id")[0] == Column("user_id", "Nullable(Int32)", field="/userId")
    counted = changed.add("born", "DateTime64(3)", unit="seconds").unit("born", "milliseconds")
    assert counted[2] == Column("born", "DateTime64(3)", unit="milliseconds")
    assert repr(counted[2]) == "Column(name='born', type='DateTime64(3)', unit='milliseconds')"
    assert "milliseconds since 1970" in counted.create_table_query("people")
    assert counted.unit("born", None)[2] == Column("born", "DateTime64(3)")
    assert Schema.from_json(counted.to_json()) == counted
    assert changed.edit({"drop": {"column": "plan"}}, {"drop": {"column": "user_id"}}) == []


def test_a_column_shows_what_is_said_of_it() -> None:
    assert repr(Column("a", "UInt8")) == "Column(name='a', type='UInt8')"
    assert repr(Column("a", "UInt8", None, "/b")) == "Column(name='a', type='UInt8', default=None, field='/b')"
    assert Column("a", "UInt8").to_dict() == {"name": "a", "type": "UInt8"}


def test_a_change_that_cannot_be_made_is_an_error() -> None:
    schema = Schema({"a": "UInt8", "b": "UInt8"})
    with pytest.raises(helios.InvalidInputError, match="no such column") as caught:
        schema.drop("c")
    assert caught.value.context["column"] == "c"
    with pytest.raises(helios.InvalidInputError, match="already"):
        schema.rename("a", "b")
    with pytest.raises(helios.InvalidInputError, match="minutes"):
        schema.unit("a", "minutes")  # type: ignore[arg-type]
    with pytest.raises(helios.InvalidInputError, match="a unit is for a DateTime"):
        schema.unit("a", "seconds").create_table_query("t")
    with pytest.raises(helios.InvalidInputError):
        schema.retype("a", "Array(")
    with pytest.raises(TypeError, match=r"^to must be a str"):
        schema.rename("a", 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="JSON"):
        schema.default("a", {1, 2})
    for value in ("\ud800", 10**5_000, float("nan")):
        with pytest.raises(helios.InvalidInputError):
            schema.default("a", value)


@pytest.mark.parametrize("text", ["", "[", '[{"name": "a"', "[" * 100_000])
def test_what_is_not_json_is_no_schema(text: str) -> None:
    with pytest.raises(helios.InvalidInputError, match="must be JSON"):
        Schema.from_json(text)


def test_a_schema_is_checked_and_compared_without_aws(client: helios.Helios, table: str) -> None:
    events = [{"id": 1, "user": {"plan": "pro"}}, {"id": 300, "user": {"plan": "free"}}]
    schema = Schema({"id": "UInt8"}).add("plan", "String", field="/user/plan")
    check = client.check_schema(events=events, schema=schema, table=table)
    assert (check.fitting, check.rejects[0].event, check.rejects[0].column) == (1, 1, "id")
    mended = client.check_schema(events=events, schema=check.schema.retype("id", "UInt16"), table=table)
    assert mended.rejected == 0
    assert "`plan` String COMMENT 'event field /user/plan'" in mended.create_table_query
    client.query(check.create_table_query)
    drift = client.schema_drift(table, events=events)
    assert [changed.proposed for changed in drift.changed] == ["UInt64"]
    assert drift.alter is not None
    client.query(drift.alter)
    assert client.schema_drift(table, events=events).rejected == 0
