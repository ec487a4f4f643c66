"""Which packages are installed, under which names; everything else is in pyproject.toml.

The folder `training` is installed as `repalign_training`: `training` is a common name for a folder of scripts, and
an installed package must not compete with one. pyproject.toml can either rename packages or find them, not both.
"""

from setuptools import find_namespace_packages, setup

INSTALLED_AS = {"repalign": "repalign", "training": "repalign_training"}
"""Folder in the checkout -> import name."""

# Namespace packages: folders that hold data only, such as training/recipes, have no __init__.py.
folders = find_namespace_packages(
    include=[f"{folder}*" for folder in INSTALLED_AS], exclude=["*.__pycache__"]
)
packages = []
for folder in folders:
    root, dot, rest = folder.partition(".")
    packages.append(INSTALLED_AS[root] + dot + rest)

setup(packages=packages, package_dir={name: folder for folder, name in INSTALLED_AS.items()})
