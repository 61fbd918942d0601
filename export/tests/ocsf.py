"""Checks events, one JSON object a line, against the schema that OCSF publishes.

Usage: ocsf.py VERSION FILE. It prints what is wrong, and exits with 1 when anything is. What the schema does not know
is wrong, too.
"""

import json
import sys

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema


def closed(schema):
    """The same schema, where an object has nothing that is not listed."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and schema["properties"]:
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            closed(value)
    elif isinstance(schema, list):
        for value in schema:
            closed(value)
    return schema


def main(version, path):
    published = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
    validators, wrong, count = {}, 0, 0
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        event = json.loads(line)
        uid = event["class_uid"]
        if uid not in validators:
            name = published.lookup_class_name_from_uid(class_uid=uid)
            validators[uid] = Draft202012Validator(closed(published.get_class_schema(class_name=name)))
        for error in validators[uid].iter_errors(event):
            wrong += 1
            print(f"{number}: {error.json_path}: {error.message[:300]}")
        count += 1
    print(f"{count} events fit" if wrong == 0 and count > 0 else f"{wrong} faults in {count} events")
    return 0 if wrong == 0 and count > 0 else 1


sys.exit(main(*sys.argv[1:]))
