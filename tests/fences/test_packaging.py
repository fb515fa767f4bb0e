"""Folders, wheel, import roots and layers name the same packages; the lock and the tree name no registry."""

import importlib.metadata
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = set(CONFIG["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
NO_PACKAGES = {"tests"}

# In parts, so that this file passes its own test.
REGISTRY_HOSTS = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in [
            ("pypi", "org"),
            ("python" + "hosted", "org"),
            ("registry", "npmjs", "org"),
            ("registry", "yarnpkg", "com"),
            ("deb", "debian", "org"),
            ("security", "debian", "org"),
        ]
    )
)


def test_folders_and_wheel_agree() -> None:
    folders = {init.parent.name for init in ROOT.glob("*/__init__.py")}

    assert folders - NO_PACKAGES == PACKAGES


def test_import_roots_and_wheel_agree() -> None:
    assert set(CONFIG["tool"]["importlinter"]["root_packages"]) == PACKAGES


def test_layers_hold_every_package_once() -> None:
    contracts = CONFIG["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    layered = [package for layer in layers for package in re.split(r"[ |]+", layer)]

    assert sorted(layered) == sorted(PACKAGES)


def test_our_top_level_names_are_ours_alone() -> None:
    owners = importlib.metadata.packages_distributions()

    for package in PACKAGES | NO_PACKAGES:
        assert set(owners.get(package, ())) <= {CONFIG["project"]["name"]}, package


def test_wheel_holds_the_packages_and_no_site_data() -> None:
    files = {Path(file.distribution_path) for file in WheelBuilder(str(ROOT)).recurse_included_files()}

    assert {path.parts[0] for path in files} == PACKAGES
    assert "config.yaml" not in {path.name for path in files}
    assert not {path for path in files if path.parts[:2] == ("api", "web")}
    assert Path("api/static/vendor/htmx/htmx.min.js") in files


def test_every_pin_has_a_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = [pin for pin in re.sub(r"\\\n", "", lock).splitlines() if pin.strip()]

    assert pins
    for pin in pins:
        assert re.match(r"[a-z0-9.\-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin), pin


def test_lock_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")

    assert "://" not in lock
    assert not re.search(r"^\s*(-|--)(i|f|index-url|extra-index-url|find-links)\b", lock, re.MULTILINE)


def test_lock_holds_every_direct_dependency() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9.\-]+)==", lock, re.MULTILINE))
    asked = [*CONFIG["project"]["dependencies"], *CONFIG["dependency-groups"]["dev"]]

    assert {re.split(r"[<>=\[ ]", requirement)[0] for requirement in asked} <= pinned


def test_tree_names_no_registry() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git work tree")

    naming = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and REGISTRY_HOSTS.search(path.read_bytes().decode("utf-8", errors="ignore")):
            naming.append(name)

    assert naming == []
