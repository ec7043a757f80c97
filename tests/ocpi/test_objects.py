"""The models against the tables of the specification."""

from typing import Any

import pytest
from tests.ocpi.specification import (
    CLASSES,
    ENUMS,
    FIELDS,
    OURS,
    PATTERNED,
    STR_ENUMS,
    Field,
    everything,
    longest,
    minimum,
    model,
    sample,
    too_long,
    wrong,
)

from ocpi_party.dialects.dialect import Finding, read_own
from ocpi_party.dialects.v2_2_1 import V2_2_1
from ocpi_party.ocpi.errors import InvalidObject

each_class = pytest.mark.parametrize("name", CLASSES)


def each(fields: list[Field]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("field", fields, ids=lambda field: f"{field.owner}.{field.name}")


def refusal(field: Field, document: dict[str, Any]) -> InvalidObject:
    with pytest.raises(InvalidObject) as refused:
        read_own(model(field.owner), document)
    return refused.value


def test_the_tables_are_complete() -> None:
    assert (len(CLASSES), len(FIELDS), len(ENUMS)) == (55, 296, 34)


@each_class
def test_a_model_has_the_fields_of_the_table(name: str) -> None:
    ours = {field: info.is_required() for field, info in model(name).model_fields.items()}

    assert ours == {field.name: field.required for field in CLASSES[name]}


@pytest.mark.requirement("TYP-03")
@pytest.mark.parametrize("name", ENUMS)
def test_an_enum_has_the_values_of_the_table(name: str) -> None:
    assert sorted(STR_ENUMS[OURS.get(name, name)]) == sorted(ENUMS[name])


@each_class
def test_the_required_fields_alone_make_an_object(name: str) -> None:
    document = minimum(name)

    assert V2_2_1.read(model(name), document).document == document
    assert read_own(model(name), document) == document


@each_class
def test_all_fields_together_make_an_object(name: str) -> None:
    document = everything(name)

    assert V2_2_1.read(model(name), document).findings == ()
    assert read_own(model(name), document) == document


@pytest.mark.requirement("TYP-18")
@each_class
def test_an_unknown_field_is_kept(name: str) -> None:
    document = minimum(name) | {"from_the_future": {"a": [1]}}

    assert V2_2_1.read(model(name), document).document == document


@pytest.mark.requirement("OWN-08", "OWN-09")
@each([field for field in FIELDS if field.required])
@pytest.mark.parametrize("given", [{}, None])
def test_a_required_field_must_be_there(field: Field, given: object) -> None:
    document = minimum(field.owner)
    if given is None:
        document[field.name] = None
    else:
        del document[field.name]

    assert refusal(field, document).pointer == f"/{field.name}"


FORGIVEN = {"ClientInfo.last_updated", "CdrLocation.evse_id", "Endpoint.role", "CommandResponse.timeout"}
"""HCI-R-11, AMB-49, AMB-60, AMB-54."""


@pytest.mark.requirement("OWN-08", "TRN-28", "CDR-R-01")
@each([field for field in FIELDS if field.required])
def test_of_a_partner_too_but_for_four(field: Field) -> None:
    document = minimum(field.owner)
    del document[field.name]

    if f"{field.owner}.{field.name}" in FORGIVEN:
        assert [finding.pointer for finding in V2_2_1.read(model(field.owner), document).findings] == [f"/{field.name}"]
    else:
        with pytest.raises(InvalidObject) as refused:
            V2_2_1.read(model(field.owner), document)
        assert refused.value.pointer == f"/{field.name}"


@pytest.mark.requirement("TYP-15", "TYP-16")
@each([field for field in FIELDS if not field.required])
def test_absent_null_and_an_empty_list_are_the_same(field: Field) -> None:
    kind, document = model(field.owner), minimum(field.owner)
    if (field.owner, field.name) == ("PublishTokenType", "group_id"):
        document = {"uid": "012345678", "type": "RFID"}

    assert V2_2_1.read(kind, document | {field.name: None}).document == document
    if field.many:
        assert V2_2_1.read(kind, document | {field.name: []}).document == document


@pytest.mark.requirement("TYP-17")
@each([field for field in FIELDS if field.cardinality == "+"])
def test_a_list_that_must_not_be_empty(field: Field) -> None:
    document = minimum(field.owner) | {field.name: []}

    assert refusal(field, document).pointer == f"/{field.name}"
    with pytest.raises(InvalidObject):
        V2_2_1.read(model(field.owner), document)


@pytest.mark.requirement("TYP-04", "TYP-14")
@each([field for field in FIELDS if field.max and field.type != "DateTime"])
def test_one_character_too_many(field: Field) -> None:
    value = too_long(field)
    document = everything(field.owner) | {field.name: [value] if field.many else value}

    assert refusal(field, document).pointer == f"/{field.name}" + ("/0" if field.many else "")


@pytest.mark.requirement("TYP-14")
@pytest.mark.parametrize(
    "url",
    [
        "/relative",
        "example.com/a",
        "//example.com/a",
        "ftp://example.com/a",
        "https://",
        "https://a b",
        "https://e.x/" + "x" * 244,
    ],
)
@each([field for field in FIELDS if field.type == "URL"])
def test_a_url_that_is_none_is_not_sent_and_noted_where_it_may_be_absent(field: Field, url: str) -> None:
    document = everything(field.owner) | {field.name: url}

    assert refusal(field, document).pointer == f"/{field.name}"
    if field.required:
        with pytest.raises(InvalidObject) as refused:
            V2_2_1.read(model(field.owner), document)
        assert refused.value.pointer == f"/{field.name}"
    else:
        reading = V2_2_1.read(model(field.owner), document)
        rule = "must be an absolute http or https URL of at most 255 characters; kept as it is"
        assert (reading.document, reading.findings) == (document, (Finding(f"/{field.name}", rule),))


@pytest.mark.requirement("TYP-04")
@each([field for field in FIELDS if field.type in {"CiString", "string", "URL"} and field.name not in PATTERNED])
def test_as_long_as_it_may_be(field: Field) -> None:
    value = longest(field)
    document = everything(field.owner) | {field.name: [value] if field.many else value}

    assert read_own(model(field.owner), document) == document


@pytest.mark.requirement("TYP-11", "TYP-13", "TRN-28")
@each(FIELDS)
def test_a_value_of_another_type(field: Field) -> None:
    value = wrong(field)
    document = everything(field.owner) | {field.name: [value] if field.many else value}

    assert refusal(field, document).pointer == f"/{field.name}" + ("/0" if field.many else "")


@each([field for field in FIELDS if field.many])
def test_one_value_in_place_of_a_list(field: Field) -> None:
    document = everything(field.owner) | {field.name: sample(field)[0]}

    assert refusal(field, document).pointer == f"/{field.name}"


@each([field for field in FIELDS if field.enum])
def test_every_value_of_an_enum(field: Field) -> None:
    for value in ENUMS[field.enum]:
        document = minimum(field.owner) | {field.name: [value] if field.many else value}
        assert read_own(model(field.owner), document) == document
