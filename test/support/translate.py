"""What AWS makes of template.yaml: SAM's own translator, run by the Python of SAM CLI. Usage: translate.py TEMPLATE NAME=VALUE …"""

import json
import os
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    def load(self):
        return {}


os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
with open(sys.argv[1]) as file:
    template = yaml_parse(file.read())
for resource in template["Resources"].values():
    # What `sam package` would have uploaded.
    for name in {"CodeUri", "ContentUri", "DefinitionUri"} & resource.get("Properties", {}).keys():
        resource["Properties"][name] = "s3://bucket/key"
parameters = dict(argument.split("=", 1) for argument in sys.argv[2:])
defaults = {name: str(parameter["Default"]) for name, parameter in template["Parameters"].items() if "Default" in parameter}
json.dump(transform(template, defaults | parameters, NoManagedPolicies()), sys.stdout, default=str)
