"""Version, changelog, citation and the list of public names agree; what the container files name exists."""

from __future__ import annotations

import datetime
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

import repose
import repose.apps
from repose.cli import app
from repose.hub.groups import choose
from repose.version import __version__

yaml = pytest.importorskip("yaml", reason="PyYAML comes with the extra docs")

ROOT = Path(__file__).parents[1]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


# -- versions -------------------------------------------------------------------------------------------------------


def test_the_version_is_the_newest_of_the_changelog() -> None:
    sections = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", CHANGELOG, re.M)
    assert sections[0] == ("Unreleased", "")
    versions = [version for version, _ in sections[1:]]
    assert versions[0] == __version__
    numbers = [tuple(map(int, version.split("."))) for version in versions]
    assert all(len(number) == 3 for number in numbers)
    assert numbers == sorted(set(numbers), reverse=True)
    days = [datetime.date.fromisoformat(day) for _, day in sections[1:]]
    assert days == sorted(days, reverse=True)
    assert set(re.findall(r"^### (.+)$", CHANGELOG, re.M)) <= KINDS


def test_the_citation_file() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= citation.keys(), "the schema requires these"
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["authors"] == [{"name": "The Repose authors"}]
    assert citation["version"] == __version__
    assert citation["license"] == "Apache-2.0"
    assert f"[{__version__}] - {citation['date-released']}" in CHANGELOG


def test_every_public_name_is_listed() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    text = text[text.index("## Versions") : text.index("## Tests that need more")]
    listed = {}
    for line in text.splitlines():
        if found := re.match(r"- .*of `(repose(?:\.apps)?)`: (.+)[;.]$", line):
            listed[found[1]] = re.findall(r"`(\w+)`", found[2])
    assert listed == {"repose": sorted(repose.__all__), "repose.apps": sorted(repose.apps.__all__)}


# -- containers -----------------------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """(instruction, the rest) of the Dockerfile, with continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.M)
    text = re.sub(r"\s*\\\n\s*", " ", text)
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def stages() -> dict[str, list[tuple[str, str]]]:
    """Name of each stage -> its instructions, those of the stage that it begins from first."""
    found: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for word, rest in instructions():
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = list(found.get(base, []))
        if name:
            found[name].append((word, rest))
    return found


KNOWN = {"FROM", "ARG", "ENV", "RUN", "COPY", "WORKDIR", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


def test_the_stages_of_the_dockerfile() -> None:
    assert {word for word, _ in instructions()} <= KNOWN
    names = list(stages())
    assert names[-1] == "cpu", "the last target is the default"
    assert {"cpu", "cuda"} <= set(names)
    for word, rest in instructions():
        if word == "FROM":
            base = rest.partition(" AS ")[0]
            assert base in names or re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base), f"{base} is not pinned"
        if word == "COPY" and (found := re.match(r"--from=(\S+)", rest)):
            assert found[1] in names


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_what_runs_in_a_container(target: str) -> None:
    stage = stages()[target]
    words = [word for word, _ in stage]
    assert dict(stage)["USER"] == "10001:10001", "not root"
    assert "HEALTHCHECK" in words
    assert "/healthz" in dict(stage)["HEALTHCHECK"]
    copied = [rest for word, rest in stage if word == "COPY"]
    assert copied == [f"--from=environment-{target} /opt/repose /opt/repose"], "nothing of the build is in it"
    assert not any("apt-get" in rest or "pip install" in rest for word, rest in stage if word == "RUN")
    index = re.findall(r"--index-url (\S+)", " ".join(rest for _, rest in stages()[f"environment-{target}"]))
    assert index == [f"https://download.pytorch.org/whl/{'cpu' if target == 'cpu' else 'cu126'}"]
    torch = re.findall(r"^TORCH +\?= (\S+)$", (ROOT / "Makefile").read_text(), re.M)[0]
    assert ("ARG", f"TORCH={torch}") in stages()[f"environment-{target}"]


def test_what_is_copied_into_the_build_exists_and_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    for word, rest in stages()["wheels"]:
        if word == "COPY":
            for path in rest.split()[:-1]:
                assert (ROOT / path).exists(), path
                assert f"!{path}" in ignored, f"{path} does not reach the build"
    for line in ignored:
        if line.startswith("!"):
            assert (ROOT / line[1:]).exists(), line
    assert "weights/*-market" in ignored, "weights for research only stay out of the image"


def options_exist(words: list[str]) -> None:
    """Fail where a verb or an option of `repose` does not exist."""
    command: Any = typer.main.get_command(app)
    verb = command.commands.get(words[0])
    if verb is None and words[0] == "serve":
        pytest.skip("repose serve is not in this checkout")
    assert verb is not None, f"repose has no verb {words[0]}"
    known = {name for parameter in verb.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words[1:] if word.startswith("--")} <= known, words


def test_the_commands_of_the_dockerfile_exist() -> None:
    assert dict(stages()["cpu"])["ENTRYPOINT"] == '["repose"]'
    runs = " ".join(rest for word, rest in stages()["cpu"] if word == "RUN")
    assert "repose fetch $FETCH" in runs
    options_exist(["doctor", "--try"])
    defaults = {rest for word, rest in instructions() if word == "ARG" and rest.startswith("FETCH")}
    assert [choose(rest.partition("=")[2].split()) for rest in defaults] == [choose(["photographs"])]
    options_exist(yaml.safe_load(dict(stages()["cpu"])["CMD"]))


def test_the_compose_file() -> None:
    document = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services = document["services"]
    assert services.keys() == {"server", "server-gpu"}
    for name, service in services.items():
        assert service["build"]["target"] in stages()
        assert (ROOT / service["build"]["context"] / "Dockerfile").is_file()
        assert all(port.startswith("127.0.0.1:") and port.endswith(":8000") for port in service["ports"]), name
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in document["volumes"]
        options_exist(service["command"])
    assert services["server-gpu"]["profiles"] == ["gpu"]
    assert services["server-gpu"]["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]


def test_the_shell_lines_of_the_dockerfile_can_be_parsed() -> None:
    for word, rest in instructions():
        if word == "RUN":
            assert shlex.split(rest), rest
        if word in ("CMD", "ENTRYPOINT"):
            assert isinstance(yaml.safe_load(rest), list)
