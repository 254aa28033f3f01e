"""Prints, as JSON, the permissions that CloudFormation needs to create, read, update and delete each resource type.

python handler-permissions.py AWS::S3::Bucket AWS::SQS::Queue

They are in the schemas of CloudFormation's registry, which cfn-lint contains. A type without a schema is left out.
"""

import json
import sys
from pathlib import Path

import cfnlint

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"


def permissions(file):
    handlers = json.loads(file.read_text()).get("handlers", {})
    # Not `list`, which only the registry's own commands call.
    names = [name for name in handlers if name != "list"]
    return sorted({action for name in names for action in handlers[name].get("permissions", [])})


def main(types):
    known = json.loads((SCHEMAS / "providers" / "us-east-1.json").read_text())
    found = {name: permissions(SCHEMAS / "resources" / f"{known[name]}.json") for name in types if name in known}
    print(json.dumps({name: actions for name, actions in found.items() if actions}))


main(sys.argv[1:])
