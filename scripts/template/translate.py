"""Writes template.yaml as SAM translates it for CloudFormation, without an AWS account and without uploading anything.

python translate.py dev.json Stage=dev prod.json Stage=prod ReserveConcurrency=true
python translate.py gallery/template.yaml prod.json Stage=prod

The values after each file become the defaults of its parameters, so that linters evaluate the conditions of that stage.
"""

import json
import sys
from pathlib import Path

import yaml
from cfnlint.decode import cfn_yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

PROJECT = Path(__file__).resolve().parents[2]
# A placeholder for the location of the artifacts that `sam deploy` uploads.
PACKAGED = "s3://packaged/artifact"


def packaged(resource, folder):
    """Replaces references to local files, as `sam deploy` does."""
    properties = resource.get("Properties", {})
    for name in ("CodeUri", "ContentUri"):
        if name in properties:
            properties[name] = PACKAGED
    if "DefinitionS3Location" in properties:
        # Inline, so that cfn-lint also checks the state machine.
        text = (PROJECT / properties.pop("DefinitionS3Location")).read_text()
        # cfn-lint knows the resources of tasks by their full names only.
        properties["Definition"] = json.loads(text.replace("${Partition}", "aws"))
    included = properties.get("DefinitionBody", {}).get("Fn::Transform", {})
    if included.get("Name") == "AWS::Include":
        location = folder / included["Parameters"]["Location"]
        properties["DefinitionBody"] = yaml.safe_load(location.read_text())
    return resource


def write(output, overrides, template, folder):
    for name, value in overrides.items():
        template["Parameters"][name]["Default"] = value
    for resource in template["Resources"].values():
        packaged(resource, folder)
    translator = Translator(managed_policy_map={}, sam_parser=Parser())
    translated = translator.translate(template, {})
    Path(output).write_text(json.dumps(translated, indent=2))


def main(arguments):
    outputs = {}
    file = PROJECT / (arguments.pop(0) if arguments[0].endswith(".yaml") else "template.yaml")
    for argument in arguments:
        name, separator, value = argument.partition("=")
        if separator:
            overrides[name] = value
        else:
            overrides = outputs[argument] = {}
    source = json.dumps(cfn_yaml.load(str(file)))
    for output, overrides in outputs.items():
        # The translation changes what it reads.
        write(output, overrides, json.loads(source), file.parent)


main(sys.argv[1:])
