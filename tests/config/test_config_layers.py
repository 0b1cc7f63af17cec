"""Environment, references, includes, defaults and files: what is worked into the main file, and where from."""

from __future__ import annotations

import pytest
from config_folder import EXPECTED_TYPE, Folder, secret

from monitor.config import load


def test_references_take_their_value_from_the_environment(folder: Folder, good: str) -> None:
    text = good.replace("made-up-token", "${TOKEN}").replace(
        "channels:",
        '    labels: {a: "x-${A}-${B:-b}-$$-$5-$${A}", d: "${EMPTY:-default}"}\n    down_after: ${N:-7}\nchannels:',
    )
    shop = folder.load(text, {"TOKEN": "12345678", "A": "1", "EMPTY": ""}).sources["shop"]
    assert secret(shop, "token") == "12345678"
    assert shop.labels == {"a": "x-1-b-$-$5-${A}", "d": "default"}
    assert shop.down_after == 7


def test_an_unset_name_without_default_is_an_error_at_its_place(folder: Folder, good: str) -> None:
    assert folder.problems(good.replace("made-up-token", "a${TOKEN}")) == [
        "monitor.yaml:5:12: sources.shop.token: the environment variable TOKEN is not set: "
        "set it, or write ${TOKEN:-default}"
    ]


def test_an_unquoted_reference_to_nothing_is_nothing(folder: Folder, good: str) -> None:
    text = good.replace("channels:", "    proxy: ${PROXY:-}\nchannels:")
    assert folder.load(text).sources["shop"].proxy is None
    assert folder.load(text, {"PROXY": "http://proxy.example.com"}).sources["shop"].proxy is not None
    assert folder.load(good, {"MONITOR_SOURCES__SHOP__PROXY": ""}).sources["shop"].proxy is None
    (problem,) = folder.problems(good.replace("made-up-token", "${TOKEN}"), {"TOKEN": ""})
    assert problem == "monitor.yaml:5:12: sources.shop.token: expected text, but there is nothing"
    (problem,) = folder.problems(good.replace("made-up-token", '"${TOKEN}"'), {"TOKEN": ""})
    assert problem == "monitor.yaml:5:12: sources.shop.token: is empty"


@pytest.mark.parametrize("text", ["${", "${}", "${1}", "${A", "${A:x}", "${A-x}"])
def test_a_malformed_reference_is_an_error(folder: Folder, good: str, text: str) -> None:
    (problem,) = folder.problems(good.replace("made-up-token", f"'{text}'"), {"A": "x"})
    assert problem.startswith("monitor.yaml:5:12: sources.shop.token: after ${ a name and } are expected")


def test_a_value_that_is_no_utf_8_is_refused(folder: Folder, good: str) -> None:
    problems = folder.problems(good.replace("made-up-token", "${A}"), {"A": "\udcff"})
    assert problems == ["monitor.yaml:5:12: sources.shop.token: the environment variable A is not valid UTF-8"]


def test_keys_are_not_interpolated(folder: Folder, good: str) -> None:
    text = good.replace("channels:", '    labels: {"${A}": x}\nchannels:')
    assert folder.load(text).sources["shop"].labels == {"${A}": "x"}


def test_the_environment_wins_over_the_file_and_adds_to_it(folder: Folder, good: str) -> None:
    folder.write("json://one.example.com\n\n  json://two.example.com\n", "urls")
    environ = {
        "MONITOR_SOURCES__SHOP__TOKEN": "0032",
        "MONITOR_SOURCES__SHOP__EVERY": "5m",
        "MONITOR_SOURCES__SHOP__DOWN_AFTER": "4",
        "MONITOR_SOURCES__SHOP__LABELS__CLIENT": "true",
        "MONITOR_SOURCES__SHOP__HEADERS": '{"X-Tenant": "acme"}',
        "MONITOR_SOURCES__OTHER": '{"type": "opterius", "url": "https://other.example.com"}',
        "MONITOR_SOURCES__OTHER__TOKEN": "[1]",
        "MONITOR_CHANNELS__OPS__URL_FILE": "urls",
        "MONITOR_CHANNELS__MORE__URL": "json://more.example.com",
        "MONITOR_HEALTH__CHANNELS": '["more"]',
        "MONITOR_LOG__LEVEL": "DEBUG",
        "MONITOR__STATE": "sqlite:///other.db",
        "MONITOR_PORT": "tcp://10.0.0.1:80",
        "MONITOR_CONFIG": "elsewhere.yaml",
        "MONITOR_SERVICE_HOST": "10.0.0.1",
    }
    settings = folder.load(good, environ)
    shop, other = settings.sources["shop"], settings.sources["other"]
    assert (secret(shop, "token"), shop.every.total_seconds(), shop.down_after) == ("0032", 300, 4)
    assert shop.labels == {"client": "true"}
    assert {name: value.get_secret_value() for name, value in shop.headers.items()} == {"X-Tenant": "acme"}
    assert (other.url, secret(other, "token")) == ("https://other.example.com", "[1]")
    urls = [url.get_secret_value() for url in settings.channels["ops"].urls]
    assert urls == ["json://one.example.com", "json://two.example.com"]
    assert settings.health_channels == ("more",)
    assert settings.log.level == "debug"
    assert settings.state_file == folder.path / "other.db"


def test_errors_of_the_environment_name_the_variable(folder: Folder, good: str) -> None:
    environ = {
        "MONITOR_SORCES__SHOP__TOKEN": "x1",
        "MONITOR_SOURCES__SHOP__TOKN": "x2",
        "MONITOR_SOURCES__SHOP__EVERY": "often",
        "MONITOR_SOURCES__SHPO__TOKEN": "x3",
        "MONITOR_SOURCES__SHOP__PROXY": "http://x4.example.com",
        "MONITOR_SOURCES__SHOP__PROXY_FILE": "x5",
        "MONITOR_SOURCES__SHOP__HEADERS": "x6",
        "MONITOR_sources__shop__EVERY": "5m",
        "MONITOR_HEALTH__CHANNELS": '["opss"]',
        "MONITOR_LOG": "info",
        "MONITOR_LOG__LEVEL": "inf",
        "MONITOR__TIME_ZON": "UTC",
        "MONITOR__INCLUDE": "x.yaml",
        "MONITOR_CHANNELS__MORE": '{"ulr": "x7"}',
        "MONITOR_WHATEVER__X": "x",
    }
    unset = "required, but missing"
    assert folder.problems(good, environ) == [
        "environment: MONITOR_CHANNELS__MORE: channels.more.ulr: unknown key, did you mean url?",
        "environment: MONITOR_CHANNELS__MORE: leads nowhere, expected url (or url_file) or mail",
        "environment: MONITOR_HEALTH__CHANNELS: unknown channel, did you mean ops?",
        "environment: MONITOR_LOG__LEVEL: expected one of debug, info, warning, error, critical; did you mean info?",
        "environment: MONITOR_SORCES__SHOP__TOKEN: unknown variable, did you mean MONITOR_SOURCES__SHOP__TOKEN?",
        "environment: MONITOR_SOURCES__SHOP__EVERY: expected a duration such as 90s, 5m, 1h or 2d",
        "environment: MONITOR_SOURCES__SHOP__HEADERS: expected keys and values, as in key: value",
        "environment: MONITOR_SOURCES__SHOP__PROXY_FILE: stands beside MONITOR_SOURCES__SHOP__PROXY: keep one",
        "environment: MONITOR_SOURCES__SHOP__TOKN: unknown key, did you mean MONITOR_SOURCES__SHOP__TOKEN?",
        f"environment: MONITOR_SOURCES__SHPO__TOKEN: sources.shpo.type is {unset}, {EXPECTED_TYPE}",
        f"environment: MONITOR_SOURCES__SHPO__TOKEN: sources.shpo.url is {unset}",
        "environment: MONITOR_WHATEVER__X: unknown variable",
        "environment: MONITOR__INCLUDE: unknown variable",
        "environment: MONITOR__TIME_ZON: unknown variable, did you mean MONITOR__TIME_ZONE?",
        "environment: MONITOR_sources__shop__EVERY: means the same as MONITOR_SOURCES__SHOP__EVERY: keep one",
    ]


def test_what_is_missing_in_an_entry_of_the_file_is_reported_in_the_file(folder: Folder, good: str) -> None:
    problems = folder.problems(good.replace("    type: opterius\n", ""), {"MONITOR_SOURCES__SHOP__EVERY": "5m"})
    assert problems == [f"monitor.yaml:3:5: sources.shop.type: required, but missing, {EXPECTED_TYPE}"]


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 60 + "]" * 60, '{"a":' * 100_000, "[1,", "\udcff", "\0"])
def test_odd_values_of_variables_are_no_surprise(folder: Folder, good: str, text: str) -> None:
    assert folder.problems(good, {"MONITOR_SOURCES__SHOP__LABELS": text}) != []
    assert folder.problems(good, {"MONITOR_SOURCES__SHOP": text}) != []


def test_without_its_file_the_environment_is_still_checked(folder: Folder) -> None:
    problems = folder.reload({"MONITOR_SORCES__SHOP__TOKEN": "x"})
    assert [line.partition(": ")[0] for line in problems] == ["monitor.yaml:1:1", "environment"]


def test_included_files_are_put_together(folder: Folder, good: str) -> None:
    other = good[good.index("    type") : good.index("channels")]
    folder.write(f"sources:\n  two:\n{other}routes: [{{name: c, channels: [ops]}}]\n", "sources.d/2.yaml")
    folder.write(f"sources:\n  one:\n{other}routes: [{{name: b, channels: [ops]}}]\n", "sources.d/1.yaml")
    folder.write("# nothing yet\n", "sources.d/3.yaml")
    folder.write("not: read", "sources.d/4.yml")
    folder.write("log: {level: debug}\nchannels: {late: {url: json://x.example.com}}\n", "sources.d/deep/log.yaml")
    folder.write("include: deep/*.yaml\n", "sources.d/0.yaml")
    text = f"include: [sources.d/*.yaml, nothing.d/*.yaml]\nroutes: [{{name: a, channels: [late]}}]\n{good}"
    settings = folder.load(text)
    assert set(settings.sources) == {"shop", "one", "two"}
    assert [route.name for route in settings.routes] == ["a", "b", "c"]
    assert settings.log.level == "debug"
    assert set(settings.channels) == {"ops", "late"}


def test_files_that_match_a_pattern_come_in_the_order_of_their_names(folder: Folder, good: str) -> None:
    names = [f"r{number}" for number in range(10)]
    for name in [*names[5:], *reversed(names[:5])]:
        folder.write(f"routes: [{{name: {name}, channels: [ops]}}]\n", f"routes.d/{name}.yaml")
    assert [route.name for route in folder.load(f"include: routes.d/*\n{good}").routes] == names


def test_errors_in_included_files_keep_their_place(folder: Folder, good: str) -> None:
    folder.write("\nsources:\n  two:\n    tipe: opterius\n", "sources.d/two.yaml")
    problems = folder.problems("include: sources.d/*.yaml\nlocale: xx\n" + good)
    assert [line.partition(": ")[0] for line in problems] == ["monitor.yaml:2:9"] + ["sources.d/two.yaml:4:5"] * 3


def test_names_stand_once_across_files(folder: Folder, good: str) -> None:
    folder.write(good + "routes: [{name: a, channels: [ops]}]\nlocale: sv\n", "more.yaml")
    problems = folder.problems(f"include: more.yaml\nroutes: [{{name: a, channels: [ops]}}]\nlocale: en\n{good}")
    assert problems == [
        "more.yaml:2:3: sources.shop: this name is taken, the first stands at monitor.yaml:5:3",
        "more.yaml:7:3: channels.ops: this name is taken, the first stands at monitor.yaml:10:3",
        "more.yaml:9:17: routes[0].name: this name is taken, the first stands at monitor.yaml:2:17",
        "more.yaml:10:1: locale: set twice, the first stands at monitor.yaml:3:1",
    ]


@pytest.mark.parametrize(
    ("include", "problem"),
    [
        ("gone.yaml", "1:10: include: there is no such file"),
        ("[a.d/*.yaml, gone.yaml]", "1:23: include[1]: there is no such file"),
        ("monitor.yaml", "1:10: include: this includes a file that is being read or was read already"),
        ("'*.yaml'", "1:10: include: this includes a file that is being read or was read already"),
        (".", "1:10: include: "),
        ("5", "1:10: include: expected a file, or a pattern"),
        ("{a: b}", "1:10: include: expected a file, or a pattern"),
        ("${UNSET}", "1:10: include: the environment variable UNSET is not set"),
        ('"a\\0b"', "1:10: include: expected a file, or a pattern"),
    ],
)
def test_includes_that_cannot_be_are_errors_at_their_place(
    folder: Folder, good: str, include: str, problem: str
) -> None:
    problems = folder.problems(f"include: {include}\n{good}")
    assert len(problems) == 1
    assert problems[0].startswith(f"monitor.yaml:{problem}")


def test_a_loop_of_includes_is_refused(folder: Folder, good: str) -> None:
    folder.write("include: b.yaml\n", "a.yaml")
    folder.write("include: a.yaml\n", "b.yaml")
    problems = folder.problems("include: a.yaml\n" + good)
    assert [line.partition(": ")[0] for line in problems] == ["b.yaml:1:10"]


def test_a_broken_included_file_causes_no_further_errors(folder: Folder, good: str) -> None:
    """Its channels are not known: a route that names one of them is not wrong for that."""
    folder.write("channels:\n  b: [\n", "more.yaml")
    problems = folder.problems(f"include: more.yaml\nroutes: [{{name: a, channels: [b]}}]\nlocale: xx\n{good}")
    assert [line.partition(": ")[0] for line in problems] == ["monitor.yaml:3:9", "more.yaml:3:1"]


def test_defaults_stand_under_every_entry(folder: Folder, good: str) -> None:
    body = good.replace("channels:", "    every: 7m\n    labels: {b: '2', c: '2'}\nchannels:\n  own: {}")
    defaults = """\
defaults:
  source: {every: 5m, timeout: 3s, labels: {a: "1", b: "1"}, token_file: default-token}
  channel: {url: [json://default.example.com]}
  route: {channels: [ops, own], when: {to: fraud}}
routes: [{name: a}, {name: b, channels: [own], when: {from: pending}}]
"""
    folder.write("another", "default-token")
    settings = folder.load(defaults + body)
    shop = settings.sources["shop"]
    assert (shop.every.total_seconds(), shop.timeout.total_seconds()) == (420, 3)
    assert shop.labels == {"a": "1", "b": "2", "c": "2"}
    assert secret(shop, "token") == "made-up-token"
    assert settings.channels["own"].urls[0].get_secret_value() == "json://default.example.com"
    assert settings.channels["ops"].urls[0].get_secret_value() == "json://alerts.example.com/"
    assert [route.channels for route in settings.routes] == [["ops", "own"], ["own"]]
    assert (settings.routes[1].when.to, settings.routes[1].when.from_) == (["fraud"], ["pending"])


def test_errors_in_defaults_are_reported_once_and_there(folder: Folder, good: str) -> None:
    """Also one that every entry overrides, and one for which there is no entry."""
    other = good[good.index("    type") : good.index("channels")]
    text = good.replace("channels:", f"    every: 6m\n  two:\n{other}    every: 5m\nchannels:")
    defaults = """\
defaults:
  source: {every: often, timeut: 5s, proxy_file: gone, down_after: 0}
  channels: {}
  route: {channels: [nobody], stopp: true}
"""
    assert folder.problems(defaults + text) == [
        "monitor.yaml:2:19: defaults.source.every: expected a duration such as 90s, 5m, 1h or 2d",
        "monitor.yaml:2:26: defaults.source.timeut: unknown key, did you mean timeout?",
        "monitor.yaml:2:50: defaults.source.proxy_file: there is no such file",
        "monitor.yaml:2:68: defaults.source.down_after: must be at least 1",
        "monitor.yaml:3:3: defaults.channels: unknown key, did you mean channel?",
        "monitor.yaml:4:31: defaults.route.stopp: unknown key, did you mean stop?",
    ]


@pytest.mark.parametrize("defaults", ["5", "[a]", "{source: 5}", "{source: [a]}"])
def test_defaults_that_are_no_mappings_are_refused(folder: Folder, good: str, defaults: str) -> None:
    (problem,) = folder.problems(f"defaults: {defaults}\n{good}")
    assert "expected keys and values" in problem


def test_secrets_are_read_from_files_beside_the_file_that_names_them(folder: Folder, good: str) -> None:
    folder.write("from-a-file\r\n", "sources.d/secrets/token")
    shop = good[: good.index("channels")].replace("token: made-up-token", "token_file: secrets/token")
    folder.write(shop, "sources.d/shop.yaml")
    settings = folder.load("include: sources.d/*.yaml\n" + good[good.index("channels") :])
    assert secret(settings.sources["shop"], "token") == "from-a-file"


def test_one_line_break_is_dropped_from_a_secret_and_no_more(folder: Folder, good: str) -> None:
    folder.write("http://u:p@proxy.example.com/ \n", "proxy")
    text = good.replace("channels:", "    proxy_file: proxy\nchannels:")
    proxy = folder.load(text).sources["shop"].proxy
    assert proxy is not None
    assert proxy.get_secret_value() == "http://u:p@proxy.example.com/ "


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "the file is empty"),
        ("\n", "the file is empty"),
        ("x" * 65537, "the file is larger than 64 KiB"),
        ("a\x00b", "the file holds something other than UTF-8 text"),
    ],
)
def test_secret_files_that_hold_no_secret_are_errors(folder: Folder, good: str, content: str, problem: str) -> None:
    folder.write(content, "token")
    assert folder.problems(good.replace("token: made-up-token", "token_file: token")) == [
        f"monitor.yaml:5:17: sources.shop.token_file: {problem}"
    ]


@pytest.mark.parametrize("value", ["gone", ".", "5", "''", "[a]", '"a\\0b"', "x" * 5000])
def test_secret_files_that_cannot_be_read_are_errors(folder: Folder, good: str, value: str) -> None:
    (problem,) = folder.problems(good.replace("token: made-up-token", f"token_file: {value}"))
    assert problem.startswith("monitor.yaml:5:17: sources.shop.token_file: ")


def test_a_secret_and_its_file_exclude_each_other(folder: Folder, good: str) -> None:
    assert folder.problems(good.replace("    token:", "    token_file: x\n    token:")) == [
        "monitor.yaml:5:5: sources.shop.token_file: stands beside token: keep one"
    ]


def test_paths_are_relative_to_the_file_that_names_them(folder: Folder, good: str) -> None:
    folder.write("made-up certificate", "sources.d/ca.pem")
    folder.write("made-up certificate", "cert.pem")
    folder.write("made-up key", "sources.d/key.pem")
    more = "    ca_file: ca.pem\n    client_cert: ${DIR}/cert.pem\n    client_key_file: key.pem\n"
    shop = good[: good.index("channels")] + more
    folder.write("state: sqlite:///data/x.db\n" + shop, "sources.d/shop.yaml")
    text = "include: sources.d/*.yaml\n" + good[good.index("channels") :]
    settings = folder.load(text, {"DIR": str(folder.path)})
    source = settings.sources["shop"]
    assert source.ca_file == str(folder.path / "sources.d/ca.pem")
    assert source.client_cert == str(folder.path / "cert.pem")
    assert source.client_key_file == str(folder.path / "sources.d/key.pem")
    assert settings.state_file == folder.path / "sources.d/data/x.db"


def test_certificates_that_are_not_there_are_errors(folder: Folder, good: str) -> None:
    assert folder.problems(good.replace("channels:", "    ca_file: gone.pem\nchannels:")) == [
        "monitor.yaml:6:14: sources.shop.ca_file: there is no such file"
    ]


def test_a_label_is_no_path_whatever_its_name(folder: Folder, good: str) -> None:
    text = good.replace("channels:", "    labels: {ca_file: acme}\nchannels:")
    assert folder.load(text).sources["shop"].labels == {"ca_file": "acme"}


def test_an_absolute_state_stays(folder: Folder, good: str) -> None:
    settings = folder.load(good + "state: sqlite:////var/lib/order-monitor/x.db\n")
    assert str(settings.state_file) == "/var/lib/order-monitor/x.db"


def test_a_relative_main_file_gives_absolute_paths(folder: Folder, good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    main = folder.write(good)
    monkeypatch.chdir(folder.path)
    assert load(main.relative_to(folder.path), {}).state_file == folder.path / "order-monitor.db"
