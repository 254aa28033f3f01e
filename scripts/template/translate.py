"""Writes template.yaml as CloudFormation gets it, once SAM has translated it: no account is asked, nothing is uploaded.

python translate.py prod.json Stage=prod ReserveConcurrency=true

The values given become the parameters' defaults, so that whoever reads the result sees the conditions of that stage.
"""

import json
import sys
from pathlib import Path

from cfnlint.decode import cfn_yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

PROJECT = Path(__file__).resolve().parents[2]
# Where `sam deploy` would put what it packages.
PACKAGED = "s3://packaged/artifact"


def packaged(resource):
    """What `sam deploy` does with the files that a resource names."""
    properties = resource.get("Properties", {})
    for name in ("CodeUri", "ContentUri"):
        if name in properties:
            properties[name] = PACKAGED
    if "DefinitionUri" in properties:
        # Within the template, where cfn-lint reads it too.
        properties["Definition"] = json.loads((PROJECT / properties.pop("DefinitionUri")).read_text())
    return resource


def main(output, overrides):
    template = json.loads(json.dumps(cfn_yaml.load(str(PROJECT / "template.yaml"))))
    for name, value in overrides.items():
        template["Parameters"][name]["Default"] = value
    for resource in template["Resources"].values():
        packaged(resource)
    translator = Translator(managed_policy_map={}, sam_parser=Parser())
    Path(output).write_text(json.dumps(translator.translate(template, {}), indent=2))


main(sys.argv[1], dict(argument.split("=", 1) for argument in sys.argv[2:]))
