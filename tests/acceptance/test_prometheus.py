"""The alerts and the dashboard that are shipped fit the metrics, and each alert fires."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from syndicator import observe

CONFIG = Path(__file__).parents[2] / "config"
ALERTS = CONFIG / "alerts.yml"
PROMTOOL = shutil.which("promtool")

#: For each alert: series that make it fire, and when
#: (https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series).
FIRES = {
    "SyndicatorDown": ({'up{job="syndicator"}': "0x10"}, "6m"),
    "SyndicatorRunsFail": ({"syndicator_last_run_timestamp_seconds": "0x30"}, "25m"),
    "SyndicatorJobsWait": ({"syndicator_oldest_job_timestamp_seconds": "60x100"}, "70m"),
    "SyndicatorPingsGivenUp": (
        {'syndicator_pings_total{hub="https://hub.example/",outcome="given_up"}': "_x5 1x5"},
        "6m",
    ),
    "SyndicatorDeliveriesFail": (
        {
            'syndicator_deliveries_total{kind="deliver",outcome="done"}': "0+1x90",
            'syndicator_deliveries_total{kind="deliver",outcome="retry"}': "0+3x90",
        },
        "70m",
    ),
    "SyndicatorErrors": ({'syndicator_requests_total{status="503"}': "0+5x60"}, "40m"),
    "SyndicatorProblems": ({"syndicator_problems": "2x70"}, "65m"),
    "SyndicatorWatcherMisses": ({"syndicator_polls_missed_total": "0+1x30"}, "20m"),
    "SyndicatorLogLost": ({"syndicator_log_lines_lost_total": "0+1x30"}, "20m"),
}

#: Series of a daemon that has nothing to do.
QUIET = {
    'up{job="syndicator"}': "1x90",
    "syndicator_last_run_timestamp_seconds": "0+60x90",
    "syndicator_oldest_job_timestamp_seconds": "0x90",
    'syndicator_deliveries_total{kind="deliver",outcome="done"}': "0+1x90",
    'syndicator_pings_total{hub="https://hub.example/",outcome="done"}': "0+1x90",
    'syndicator_requests_total{status="200"}': "0+5x90",
    "syndicator_problems": "0x90",
    "syndicator_polls_missed_total": "0x90",
    "syndicator_log_lines_lost_total": "0x90",
}


def shipped_metrics() -> set[str]:
    """Every name that `/metrics` has."""
    metrics = observe.Metrics()
    metrics.count_lost_lines(lambda: 0)
    kinds = re.findall(r"^# TYPE (\w+) (\w+)$", metrics.text().decode(), re.MULTILINE)
    parts = {"histogram": ("_bucket", "_sum", "_count")}
    return {name + part for name, kind in kinds for part in parts.get(kind, ("",))}


def expressions() -> dict[str, list[str]]:
    """The PromQL expressions of both files."""
    rules = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    dashboard = json.loads((CONFIG / "grafana.json").read_text())
    targets = [target for panel in dashboard["panels"] for target in panel["targets"]]
    variables = [variable["query"] for variable in dashboard["templating"]["list"]]
    return {
        "alerts.yml": [rule["expr"] for rule in rules],
        "grafana.json": [target["expr"] for target in targets]
        + [query["query"] for query in variables if isinstance(query, dict)],
    }


@pytest.mark.parametrize("file", ["alerts.yml", "grafana.json"])
def test_every_metric_exists(file: str) -> None:
    """What Prometheus adds itself is `up`."""
    texts = expressions()[file]
    named = set(re.findall(r"\b(?:syndicator|process)_\w+", " ".join(texts)))
    assert len(named) > 5
    assert named <= shipped_metrics()


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    """A new metric gets a panel. Of a histogram the buckets are shown."""
    shown = " ".join(expressions()["grafana.json"])
    ours = {name for name in shipped_metrics() if name.startswith("syndicator_")}
    missing = {name for name in ours if not re.search(rf"\b{name}\b", shown)}
    assert missing == {"syndicator_build_seconds_sum", "syndicator_build_seconds_count"}


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
def test_each_alert_fires(tmp_path: Path) -> None:
    """And none does while all is well."""

    def group(series: dict[str, str], at: str, firing: str, number: int) -> dict[str, object]:
        return {
            "interval": "1m",
            "input_series": [{"series": key, "values": value} for key, value in series.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname=~"{firing}", alertstate="firing"}})',
                    "eval_time": at,
                    "exp_samples": [{"labels": "{}", "value": number}] if number else [],
                }
            ],
        }

    tests = [group(series, at, name, 1) for name, (series, at) in FIRES.items()]
    tests.append(group(QUIET, "85m", ".*", 0))
    (tmp_path / "test.yml").write_text(
        yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests})
    )
    run = [str(PROMTOOL), "test", "rules", "test.yml"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    rules = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    assert {rule["alert"] for rule in rules} == FIRES.keys()
