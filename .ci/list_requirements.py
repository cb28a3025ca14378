"""Prints what pyproject.toml asks for, extras included, one requirement a line.

The dependencies are installed apart from the project itself, so that checkouts share
them. Python 3.10 has no TOML reader of its own, but its pip carries one.
"""

import sys

try:
    import tomllib
except ModuleNotFoundError:
    from pip._vendor import tomli as tomllib

with open("pyproject.toml", "rb") as file:
    document = tomllib.load(file)
project = document["project"]
requirements = list(project["dependencies"])
for extra in sys.argv[1].split(","):
    requirements += project["optional-dependencies"][extra]
# The in-place install builds without isolation, on these.
requirements += [*document["build-system"]["requires"], "editables"]
print("\n".join(requirements))
