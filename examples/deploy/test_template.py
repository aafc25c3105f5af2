"""The template: it lints, it gives the rights listed here and no others, and it agrees with the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint, lint_file
from cfnlint.data import AdditionalSpecs
from cfnlint.decode import cfn_yaml
from cfnlint.helpers import load_resource

TOP = Path(__file__).parents[2]
CORE = TOP / "helios-core/src"
PATH = Path(__file__).with_name("template.yaml")
TEMPLATE: dict[str, Any] = cfn_yaml.load(str(PATH))
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]

# Who may do what. This is the contract: a right that is added here has to be needed, and told of in the README.
READ_STREAMS = {
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "kinesis:ListStreams",
}
OPERATOR = READ_STREAMS | {
    "dynamodb:CreateTable",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "lambda:CreateEventSourceMapping",
    "lambda:DeleteEventSourceMapping",
    "lambda:GetEventSourceMapping",
    "lambda:GetFunctionConfiguration",
    "lambda:ListEventSourceMappings",
    "lambda:UpdateEventSourceMapping",
}
READER = READ_STREAMS | {
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "lambda:GetEventSourceMapping",
    "lambda:GetFunctionConfiguration",
    "lambda:ListEventSourceMappings",
}
FUNCTION = READ_STREAMS | {
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "kinesis:DescribeStream",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:SendMessage",
}
FUNCTION_IN_VPC = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}
# AWS knows no resource for these.
NOT_NARROWED = {
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "kinesis:ListStreams",
    "lambda:CreateEventSourceMapping",
    "lambda:ListEventSourceMappings",
}
# For these it knows the function.
OF_FUNCTION = {
    "lambda:CreateEventSourceMapping",
    "lambda:DeleteEventSourceMapping",
    "lambda:GetEventSourceMapping",
    "lambda:UpdateEventSourceMapping",
}


def documents() -> dict[str, Any]:
    """The policies, by what the tests call them."""
    delivery, vpc = RESOURCES["FunctionRole"]["Properties"]["Policies"]
    return {
        "operator": RESOURCES["OperatorPolicy"]["Properties"]["PolicyDocument"],
        "reader": RESOURCES["ReaderPolicy"]["Properties"]["PolicyDocument"],
        "function": delivery["PolicyDocument"],
        "function in a VPC": vpc["Fn::If"][1]["PolicyDocument"],
    }


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(document: Any) -> list[str]:
    return [action for statement in document["Statement"] for action in as_list(statement["Action"])]


STATEMENTS = [
    pytest.param(statement, id=f"{name}: {statement['Sid']}")
    for name, document in documents().items()
    for statement in document["Statement"]
]


def arns(resource: Any) -> Iterator[str]:
    """The texts of a resource; of one that is the template's own, nothing."""
    if isinstance(resource, str):
        yield resource
    elif isinstance(resource, list):
        for one in resource:
            yield from arns(one)
    elif "Fn::Sub" in resource:
        yield resource["Fn::Sub"]
    elif "Fn::If" in resource:
        yield from arns(resource["Fn::If"][1:])
    else:
        assert set(resource) <= {"Fn::GetAtt", "Ref"}, resource


def rust(*folders: str) -> str:
    """The library's source, or that of some folders."""
    return "\n".join(path.read_text() for folder in folders or ["."] for path in sorted((CORE / folder).rglob("*.rs")))


def constant(name: str, source: str) -> str:
    (value,) = re.findall(rf'const {name}: &str = "([^"]+)";', source)
    return str(value)


def test_it_lints() -> None:
    assert [str(match) for match in lint_file(PATH)] == []


def test_it_lints_as_plain_cloudformation() -> None:
    """Of a template that is to be transformed, cfn-lint checks neither actions nor all properties of the function."""
    text = PATH.read_text()
    for old, new in (
        (r"Transform: .*", ""),
        (r"AWS::Serverless::Function", "AWS::Lambda::Function"),
        (r"CodeUri: .*", "Code: {S3Bucket: packages, S3Key: helios-delivery.zip}"),
    ):
        text, count = re.subn(old, new, text)
        assert count == 1, old
    assert [str(match) for match in lint(text)] == []


@pytest.mark.parametrize(
    ("name", "rights"),
    [("operator", OPERATOR), ("reader", READER), ("function", FUNCTION), ("function in a VPC", FUNCTION_IN_VPC)],
)
def test_a_policy_gives_its_rights_and_no_others(name: str, rights: set[str]) -> None:
    assert sorted(actions(documents()[name])) == sorted(rights)


def test_nothing_else_gives_rights() -> None:
    holders = {name for name, resource in RESOURCES.items() if resource["Type"].startswith("AWS::IAM::")}
    assert holders == {"FunctionRole", "OperatorPolicy", "ReaderPolicy"}
    role = RESOURCES["FunctionRole"]["Properties"]
    assert "ManagedPolicyArns" not in role
    assert role["Policies"][1]["Fn::If"][::2] == ["InVpc", {"Ref": "AWS::NoValue"}]
    assert "Policies" not in RESOURCES["DeliveryFunction"]["Properties"]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_is_narrow(statement: dict[str, Any]) -> None:
    assert statement["Effect"] == "Allow"
    assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
    allowed = set(as_list(statement["Action"]))
    assert not [action for action in allowed if "*" in action or "?" in action]
    (service,) = {action.split(":")[0] for action in allowed}
    if "*" in arns(statement["Resource"]):
        assert statement["Resource"] == "*"
        assert allowed <= NOT_NARROWED
    else:
        assert not allowed & NOT_NARROWED
        for arn in arns(statement["Resource"]):
            assert arn.startswith(f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:")
            assert arn.split(":", 5)[5] != "*"
    if allowed & OF_FUNCTION:
        assert allowed <= OF_FUNCTION
        # Only what is yet to be made has a function for certain: what is gone has none, and would be refused, not missed.
        operator = "ArnEquals" if allowed & NOT_NARROWED else "ArnEqualsIfExists"
        function = {"Fn::GetAtt": ["DeliveryFunction", "Arn"]}
        assert statement["Condition"] == {operator: {"lambda:FunctionArn": function}}
    else:
        assert "Condition" not in statement


@pytest.mark.parametrize("name", ["operator", "reader", "function"])
def test_the_streams_are_those_of_the_parameter(name: str) -> None:
    every = {"Fn::Sub": "arn:${AWS::Partition}:kinesis:${AWS::Region}:${AWS::AccountId}:stream/*"}
    (resource,) = [
        statement["Resource"]
        for statement in documents()[name]["Statement"]
        if "kinesis:GetRecords" in as_list(statement["Action"])
    ]
    assert resource == {"Fn::If": ["AllStreams", every, {"Ref": "StreamArns"}]}


def test_operators_may_do_what_the_code_does() -> None:
    """Every call of AWS in the library's source is a right of operators, and every right is needed for one."""
    known = load_resource(AdditionalSpecs, "Policies.json")
    called = {name.replace("_", "") for name in re.findall(r"\.([a-z_]+)\(\)", rust())}
    needed = set()
    # The streams of DynamoDB have calls of the same names as Kinesis.
    for service in ("dynamodb", "kinesis", "lambda"):
        found = called & set(known[service]["Actions"])
        if service == "dynamodb":
            found -= set(known["kinesis"]["Actions"])
        needed |= {f"{service}:{action}" for action in found}
    # To put events is for producers.
    needed.remove("kinesis:putrecords")
    assert sorted(needed) == sorted(action.lower() for action in OPERATOR)


@pytest.mark.parametrize(
    ("name", "role", "folder"),
    [("MappingTable", "mapping table", "sources"), ("LedgerTable", "ledger table", "delivery/ledger")],
)
def test_a_table_is_as_the_code_makes_it(name: str, role: str, folder: str) -> None:
    source, makes = rust(folder), (CORE / "dynamo.rs").read_text()
    (keys,) = re.findall(rf'role: "{role}",\s*keys: \[(\w+), (\w+)\]', source)
    kinds = re.findall(r"KeyType::(\w+)", makes)
    assert re.findall(r"ScalarAttributeType::(\w+)", makes) == ["S"]
    assert len(kinds) == 2

    table = RESOURCES[name]
    properties = table["Properties"]
    names = [constant(key, source) for key in keys]
    assert properties["KeySchema"] == [
        {"AttributeName": key, "KeyType": kind.upper()} for key, kind in zip(names, kinds, strict=True)
    ]
    assert properties["AttributeDefinitions"] == [{"AttributeName": key, "AttributeType": "S"} for key in names]
    assert properties["TableName"] == {"Ref": f"{name}Name"}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ("FunctionName", "DEFAULT_FUNCTION"),
        ("MappingTableName", "DEFAULT_MAPPING_TABLE"),
        ("LedgerTableName", "DEFAULT_LEDGER_TABLE"),
    ],
)
def test_the_names_are_the_defaults_of_the_code(parameter: str, name: str) -> None:
    assert TEMPLATE["Parameters"][parameter]["Default"] == constant(name, rust())


def test_the_variables_are_settings() -> None:
    source = (CORE / "config.rs").read_text()
    assert 'format!("HELIOS_{}", self.as_str().to_ascii_uppercase())' in source
    keys = re.findall(r'Self::\w+ => "(\w+)"', source)
    assert [str(len(keys))] == re.findall(r"ALL: \[Self; (\d+)\]", source)

    variables = RESOURCES["DeliveryFunction"]["Properties"]["Environment"]["Variables"]
    assert set(variables) <= {f"HELIOS_{key.upper()}" for key in keys}
    password = variables.pop("HELIOS_CLICKHOUSE_PASSWORD")["Fn::Sub"]
    assert re.fullmatch(r"\{\{resolve:secretsmanager:\$\{ClickHousePasswordSecret\}:SecretString:.*\}\}", password)
    assert variables == {
        "HELIOS_CLICKHOUSE_URL": {"Ref": "ClickHouseUrl"},
        "HELIOS_CLICKHOUSE_USER": {"Ref": "ClickHouseUser"},
        "HELIOS_MAPPING_TABLE": {"Ref": "MappingTableName"},
        "HELIOS_LEDGER_TABLE": {"Ref": "LedgerTableName"},
    }


@pytest.mark.parametrize("url", ["https://host:8443", "http://10.0.0.7:8123/", "https://host/clickhouse"])
def test_a_url_is_taken(url: str) -> None:
    assert re.fullmatch(TEMPLATE["Parameters"]["ClickHouseUrl"]["AllowedPattern"], url)


@pytest.mark.parametrize("url", ["", "host:8443", "https://ann:secret@host:8443", "https://host?password=secret"])
def test_a_url_with_a_password_is_not_taken(url: str) -> None:
    assert not re.fullmatch(TEMPLATE["Parameters"]["ClickHouseUrl"]["AllowedPattern"], url)


def test_only_the_function_reads_its_variables() -> None:
    """Operators and readers may read its configuration: without a key of its own, also the password."""
    assert RESOURCES["DeliveryFunction"]["Properties"]["KmsKeyArn"] == {"Fn::GetAtt": ["EnvironmentKey", "Arn"]}
    statements = RESOURCES["EnvironmentKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert [(statement["Principal"]["AWS"], statement["Action"]) for statement in statements] == [
        ({"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}, "kms:*"),
        ({"Fn::GetAtt": ["FunctionRole", "Arn"]}, "kms:Decrypt"),
    ]


def test_what_is_given_up_is_kept_for_two_weeks() -> None:
    queue = RESOURCES["FailureQueue"]["Properties"]
    assert queue == {"MessageRetentionPeriod": 14 * 24 * 60 * 60, "SqsManagedSseEnabled": True}


def test_the_package_is_where_make_writes_it() -> None:
    (package,) = re.findall(r"^package := (.+)$", (TOP / "Makefile").read_text(), re.MULTILINE)
    code = RESOURCES["DeliveryFunction"]["Properties"]["CodeUri"]
    assert (PATH.parent / code).resolve() == TOP / package


def test_the_readme_tells_of_every_parameter() -> None:
    readme = PATH.with_name("README.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (\S*?) ?\|", readme, re.MULTILINE))
    together = {"StreamArns", "SubnetIds", "SecurityGroupIds"}
    assert all(f"`{name}`" in readme for name in together)
    parameters = {name: str(parameter.get("Default", "")) for name, parameter in TEMPLATE["Parameters"].items()}
    assert rows == {
        name: f"`{default}`" if default else "" for name, default in parameters.items() if name not in together
    }
