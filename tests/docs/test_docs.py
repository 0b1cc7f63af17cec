"""The documents are true: their configurations load, their commands exist, their links lead somewhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from test_documents import ROOT, blocks, commands, configurations, fault, load_block

from monitor.errors import ConfigError
from monitor.simulator.timeline import Timeline
from monitor.sources.registry import ADAPTERS

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/*.md")])
FORMS = sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*.yml"))
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_INSIDE = re.compile(r"^.*?/?bin/order-monitor (.*?)(?: >.*)?$", re.MULTILINE)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=_name)


@each_document
def test_every_yaml_block_is_a_configuration_that_loads_or_a_timeline(document: Path, tmp_path: Path) -> None:
    text = document.read_text(encoding="utf-8")
    loading = configurations(text)
    for block in blocks(text, "yaml", "yml"):
        if isinstance(data := yaml.safe_load(block), list):
            Timeline.parse(data)
            continue
        assert block in loading, f"is no configuration:\n{block}"
        for certificate in re.findall(r"(?:ca_file|client_cert|client_key_file): *([\w.-]+)", block):
            (tmp_path / certificate).touch()
        try:
            load_block(block, tmp_path)
        except ConfigError as error:
            pytest.fail(f"{block}\n{error}")


@each_document
def test_every_command_can_be_typed(document: Path) -> None:
    text = document.read_text(encoding="utf-8").replace("docker compose exec order-monitor ", "")
    typed = list(commands(text))
    for block in blocks(text, "ini", ""):  # a unit or a line of cron names the command by its path
        typed += [f"order-monitor {found}" for found in _INSIDE.findall(block)]
    faults = [f"{command}: {why}" for command in typed if (why := fault(command))]
    assert not faults, "\n".join(faults)


def test_commands_inside_crontabs_are_found() -> None:
    text = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    found = [command for block in blocks(text, "ini", "") for command in _INSIDE.findall(block)]
    assert [command.split()[0] for command in found] == ["poll"]


@each_document
def test_every_link_leads_somewhere(document: Path) -> None:
    """Links to other sites are not followed: this test needs no network."""
    faults = [link for link in _links(document) if not _leads_somewhere(document, link)]
    assert not faults, f"{_name(document)}: {faults}"


def _links(document: Path) -> list[str]:
    text = re.sub(r"^ *```.*?^ *```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [link for link in _LINK.findall(text) if "://" not in link]


def _leads_somewhere(document: Path, link: str) -> bool:
    path, _, anchor = unquote(link).partition("#")
    target = (document.parent / path).resolve() if path else document
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(document: Path) -> set[str]:
    """The names that GitHub gives headings, and our own."""
    text = document.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {_slug(heading) for heading in headings} | set(re.findall(r'<a id="([^"]+)">', text))


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@each_document
def test_every_document_is_reached_from_the_readme_or_is_one_that_people_look_for(document: Path) -> None:
    looked_for = {ROOT / "README.md", ROOT / "docs" / "README.md", *ROOT.glob(".github/*.md")}
    linked = {(other.parent / link.partition("#")[0]).resolve() for other in DOCUMENTS for link in _links(other)}
    assert document in looked_for | linked


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    """Else the test above would prove nothing."""
    document = tmp_path / "a.md"
    document.write_text('# One `key`\n<a id="b.c"></a>[x](#one-key) [x](#b.c) [x](#two) [x](b.md) [x](a.md#three)\n')
    assert [link for link in _links(document) if not _leads_somewhere(document, link)] == ["#two", "b.md", "a.md#three"]


@pytest.fixture(scope="module")
def generate() -> dict[str, Any]:
    """What docs/generate.py defines."""
    return runpy.run_path(str(ROOT / "docs" / "generate.py"))


def test_what_is_generated_is_up_to_date(generate: dict[str, Any]) -> None:
    documents: dict[Path, str] = generate["renewed"]()
    assert {path.name for path in documents} == {"configuration.md", "messages.md", "sources.md"}
    stale = [path.name for path, text in documents.items() if path.read_text(encoding="utf-8") != text]
    assert not stale, f"{stale}: run `make docs`"


def test_the_reference_of_the_configuration_has_each_key_once(generate: dict[str, Any]) -> None:
    text: str = generate["configuration"]()
    anchors = [_slug(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]
    anchors += re.findall(r'<a id="([^"]+)">', text)
    assert len(anchors) == len(set(anchors))
    assert {"state", "include", "opterius.token", "hostup.token_file", "channels.NAME.url_file"} <= set(anchors)
    assert {"routes.when.min_total", "routes.when.not", "log.level", "health.channels", "defaults.source"} <= set(
        anchors
    )


def test_the_reference_says_what_a_value_may_be(generate: dict[str, Any]) -> None:
    rows = {
        found[1]: found[2]
        for found in re.finditer(
            r'^\| <a id="([^"]+)"></a>`\w+` \| (.*) \|$', generate["configuration"](), re.MULTILINE
        )
    }
    assert rows["sources.NAME.every"].startswith("duration, at least 1s | `1m` | How soon")
    assert rows["opterius.token"].startswith("text, secret | **required** |")
    assert rows["routes.when.to"].startswith("text, or a list | ")
    assert rows["log.level"].startswith("`debug`, `info`, `warning`, `error`, `critical` | `info` |")
    assert rows["routes.stop"].startswith("`true` or `false` | `false` |")
    assert rows["routes.when.not"].startswith("section: as [`routes[].when`](#routeswhen), without `")


def test_the_page_of_sources_tells_of_each_type_what_it_can_do_and_how_to_configure_it() -> None:
    text = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    for kind in ADAPTERS:
        assert f"| [`{kind}`](configuration.md#sources-of-type-{kind}) |" in text
        assert re.search(rf"^\| `{kind}` \|", text, re.MULTILINE), f"what follows for {kind}"
        assert f"type: {kind}\n" in text or (ROOT / "config" / f"{kind}.yaml").exists(), kind


def test_the_log_table_names_every_event_that_is_logged_and_no_other() -> None:
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    table = text.partition("| event | level |")[2].partition("\n\n")[0]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split(" | ")[0])}
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "monitor").rglob("*.py"))
    logged = set(re.findall(r"_log\.(?:debug|info|warning|error|critical)\(\s*\"(\w+)\"", code))
    assert named == logged


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_form_asks_for_a_report(form: Path) -> None:
    data = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.name == "config.yml":
        return
    labels = [entry["attributes"].get("label", "") for entry in data["body"]]
    assert {"name", "description", "body"} <= data.keys()
    assert any("`order-monitor report`" in label for label in labels)


def test_the_workflow_runs_what_ci_runs() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert ".ci/run" in [step.get("run") for step in yaml.safe_load(text)["jobs"]["all"]["steps"]]
    assert "://" not in text
