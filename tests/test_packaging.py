"""What is shipped: both distributions build, pass the index's checks and work in an empty environment."""

from __future__ import annotations

import email
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("cfrealtime", "cfrealtime_rooms")
RUNTIME = {"attrs", "cattrs", "certifi", "httpcore", "httpx"}


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command; its output is the failure message."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel that was built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    """The wheel."""
    (path,) = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel, what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", wheel)
    return python


def test_both_distributions_pass_the_index_checks(distributions: Path) -> None:
    built = sorted(distributions.iterdir())
    assert [path.suffix for path in built] == [".whl", ".gz"]
    run(sys.executable, "-m", "twine", "check", "--strict", *built)


def test_the_wheel_holds_every_file_of_both_packages_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    folders = (ROOT / package for package in PACKAGES)
    present = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert shipped == {name for name in present if not re.search(r"(?:^|/)(?:\.|__pycache__/)", name)}


@pytest.mark.parametrize(
    "name", ["LICENSE", "openapi/realtime.yaml", "tests/test_packaging.py", "scripts/test"]
)
def test_the_sdist_holds_what_a_packager_builds_and_tests_with(distributions: Path, name: str) -> None:
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        assert f"{path.name.removesuffix('.tar.gz')}/{name}" in archive.getnames()


def test_only_these_packages_are_needed_at_run_time(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {re.split(r"[^\w.-]", line)[0] for line in needed} == RUNTIME


def test_an_empty_environment_can_import_and_type_check_both_packages(
    installed: Path, tmp_path: Path
) -> None:
    code = """
import importlib, json, importlib.resources as resources, importlib.util as util
found = {}
for name in ("cfrealtime", "cfrealtime_rooms"):
    module = importlib.import_module(name)
    found[name] = {
        "exported": sorted(set(module.__all__) - set(dir(module))) == [],
        "typed": resources.files(name).joinpath("py.typed").is_file(),
        "installed": "site-packages" in (module.__file__ or ""),
    }
found["page"] = resources.files("cfrealtime_rooms").joinpath("web", "rooms.js").is_file()
found["extra"] = util.find_spec("aiortc") is not None or util.find_spec("starlette") is not None
print(json.dumps(found))
"""
    found = json.loads(run(installed, "-c", code, cwd=tmp_path))
    package = {"exported": True, "typed": True, "installed": True}
    assert found == {"cfrealtime": package, "cfrealtime_rooms": package, "page": True, "extra": False}


def test_the_emulator_without_its_extra_says_what_to_install(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed, "-m", "cfrealtime.emulator"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "cfrealtime[emulator]" in done.stderr
    assert "Traceback" not in done.stderr
