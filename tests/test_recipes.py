"""docs/recipes.md: each recipe runs against a served sandbox, in the environment that it is for."""

import configparser
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.documents import PATH, marked, run_script
from tests.shell import EXECUTABLE, TOKEN, Shell, served

URL = "https://kabelwerk.example"
# Stands in for programs that install, wait or need systemd as process 1: writes down its call.
STAND_IN = '#!/bin/sh\necho "${0##*/} $*" >> "$HOME/calls"\n'
INSTALL = "pipx install ./kabelwerk_cli-*.whl"
FILES = {
    "staff": "r1,One\nr2,Two\n",
    "changed": "r1,One\nr2,Second\nr3,Three\n",
    "rejected": "r1,One\nr2,Two\nr4, \n",
    "nobody": "",
}
PING = "-fsS -m 10 --retry 3 -o /dev/null https://heartbeat.example/staff"
THREE = "r1\tOne\nr2\tSecond\nr3\tThree\n"


class Machine:
    """A machine on which a recipe runs.

    Args:
        shell: has the settings of a served sandbox.
    """

    def __init__(self, shell: Shell) -> None:
        self.home = shell.home
        self.url = shell.environment["KABELWERK_URL"]
        self.shell = shell.without("KABELWERK_URL").without("KABELWERK_API_TOKEN")
        self.write("etc/kabelwerk/token", TOKEN + "\n").chmod(0o600)
        for name in ("curl", "pip", "pipx", "sleep", "systemctl"):
            self.write(f"stand-ins/{name}", STAND_IN).chmod(0o755)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the machine."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def list_users(self, name: str, rows: str) -> None:
        """Write a file of users."""
        self.write(name, f"key,name\n{FILES[rows]}")

    def here(self, text: str) -> str:
        """Return a part of a recipe with the paths and the URL of this machine."""
        text = re.sub(r"(?<![\w.])/(?=(srv|etc/kabelwerk|var/(lib|log))\b)", f"{self.home}/", text)
        return text.replace(URL, self.url)

    def run(self, script: str, *options: str, program: str = "bash", **environment: str) -> int:
        """Run a part of a recipe and return its exit code."""
        environment = {"PATH": f"{self.home}/stand-ins:{PATH}", **environment}
        ran = run_script(self.here(script), self.shell, *options, program=program, **environment)
        self.out, self.err = ran.stdout, ran.stderr
        assert TOKEN not in self.out + self.err
        return ran.returncode

    def users(self) -> str:
        """Return the keys and names of the users in the sandbox, sorted."""
        ran = self.shell.run("sandbox", "show", "users", "-o", "tsv", "--fields", "key,name")
        return "".join(sorted(ran.out.splitlines(keepends=True)))

    def calls(self) -> list[str]:
        """Return the calls of stand-ins since the last time, and forget them."""
        path = self.home / "calls"
        calls = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return calls


@pytest.fixture
def machine(shell: Shell) -> Iterator[Machine]:
    with served(shell, "--token", TOKEN) as client:
        yield Machine(client)


class Workflow:
    """The workflow of the recipe, with a cache that outlives its runs."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.definition = yaml.safe_load(marked("file .github/workflows/users.yml").text)
        self.cache = machine.home / "cache"
        self.url = machine.url

    def run(self, event: str, *, new_state: bool = False) -> int:
        """Run the steps of the job for an event; return the first exit code that is not 0."""
        (job,) = self.definition["jobs"].values()
        code = 0
        for step in job["steps"]:
            condition = step.get("if", "True")
            if (code == 0 or "always()" in condition) and holds(
                condition, event, new_state=new_state
            ):
                code = self._step(step, job["env"]) or code
        return code

    def _step(self, step: dict[str, Any], environment: dict[str, str]) -> int:
        action = step.get("uses", "").partition("@")[0]
        state = self.machine.home / step.get("with", {}).get("path", "")
        if action == "actions/cache/restore":
            state.unlink(missing_ok=True)  # each run has a new workspace
            if self.cache.exists():
                shutil.copy(self.cache, state)
        elif action == "actions/cache/save":
            if state.exists():
                shutil.copy(state, self.cache)
        elif action:
            assert action == "actions/checkout"
        else:
            variables = {**environment, **step.get("env", {})}
            values = {
                "${{ vars.KABELWERK_URL }}": self.url,
                "${{ secrets.KABELWERK_API_TOKEN }}": TOKEN,
            }
            settings = {name: values[value] for name, value in variables.items()}
            return self.machine.run(step["run"], "-e", GITHUB_ACTIONS="true", **settings)
        return 0


def holds(condition: str, event: str, *, new_state: bool) -> bool:
    """Tell whether a step's condition holds; its operators are spelled as in Python here."""
    for theirs, ours in (("&&", "and"), ("!inputs", "not inputs"), ("new-state", "new_state")):
        condition = condition.replace(theirs, ours)
    names = {
        "github": SimpleNamespace(event_name=event),
        "inputs": SimpleNamespace(new_state=new_state),
        "always": lambda: True,
    }
    return bool(eval(condition, names))


def test_github_actions(machine: Machine) -> None:
    workflow = Workflow(machine)
    assert set(workflow.definition[True]) == {"pull_request", "push", "workflow_dispatch"}
    machine.list_users("users.csv", "staff")
    assert workflow.run("push") == 2  # no state: nothing is sent
    assert machine.users() == ""
    assert workflow.run("workflow_dispatch", new_state=True) == 0
    assert machine.users() == "r1\tOne\nr2\tTwo\n"
    machine.list_users("users.csv", "changed")
    assert workflow.run("pull_request") == 0
    assert "create  r3" in machine.out
    assert machine.users() == "r1\tOne\nr2\tTwo\n"
    assert workflow.run("push") == 0
    assert machine.users() == THREE
    machine.list_users("users.csv", "nobody")
    assert workflow.run("push") == 11  # a file without users deletes nobody
    assert machine.users() == THREE
    assert set(machine.calls()) == {INSTALL}


def test_github_actions_tries_again_where_that_helps(shell: Shell) -> None:
    with served(shell, "--token", TOKEN) as client:
        machine = Machine(client)
        workflow = Workflow(machine)
        machine.list_users("users.csv", "staff")
        assert workflow.run("workflow_dispatch", new_state=True) == 0
        machine.list_users("users.csv", "rejected")
        machine.calls()
        assert workflow.run("push") == 10
        assert "::error file=users.csv,line=4" in machine.err
        assert machine.calls() == [INSTALL, "sleep 60", "sleep 300", "sleep 0"]
    machine.shell = machine.shell.with_(KABELWERK_RETRIES="0")
    assert workflow.run("push") == 10
    assert "connection refused" in machine.out
    assert len(machine.calls()) == 4
    machine.list_users("users.csv", "nobody")
    assert workflow.run("push") == 11
    assert machine.calls() == [INSTALL]


def test_gitlab_ci(machine: Machine) -> None:
    (job,) = yaml.safe_load(marked("file .gitlab-ci.yml").text).values()
    assert job["retry"]["exit_codes"] == [7, 8, 9, 10]
    assert job["cache"] == {"key": "users-state", "paths": ["users.state"], "when": "always"}
    script = "\n".join(job["before_script"] + job["script"])
    settings = {"KABELWERK_URL": machine.url, "KABELWERK_API_TOKEN": TOKEN}
    machine.list_users("users.csv", "staff")
    assert machine.run(script, "-e", **settings) == 2
    assert machine.run(script, "-e", NEW_STATE="1", **settings) == 0
    machine.list_users("users.csv", "changed")
    assert machine.run(script, "-e", **settings) == 0
    assert machine.users() == THREE
    machine.list_users("users.csv", "rejected")
    assert machine.run(script, "-e", **settings) == 10
    assert machine.users() == "r1\tOne\nr2\tTwo\n"  # all but the rejected row
    (rejects,) = job["artifacts"]["paths"]
    assert "r4" in (machine.home / rejects).read_text()
    assert "<failure" in (machine.home / job["artifacts"]["reports"]["junit"]).read_text()


def unit(name: str) -> configparser.ConfigParser:
    """Return a unit file of the recipe, in which each setting stands once."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(marked(f"file /etc/systemd/system/kabelwerk-sync.{name}").text)
    return parser


def test_systemd(machine: Machine) -> None:
    service = unit("service")["Service"]
    assert service["RestartPreventExitStatus"].split() == ["1", "2", "3", "4", "5", "6", "11"]
    name, token = service["LoadCredential"].split(":")
    shutil.copy(machine.here(token), machine.home / name)
    specifiers = {"%d": str(machine.home), "%S": "/var/lib", "%L": "/var/log"}
    specifiers["/usr/local/bin"] = str(EXECUTABLE.parent)
    command, environment = (
        re.sub("|".join(specifiers), lambda match: str(specifiers[match[0]]), service[setting])
        for setting in ("ExecStart", "Environment")
    )
    settings = dict(item.split("=", 1) for item in shlex.split(machine.here(environment)))
    machine.list_users("srv/hr/staff.csv", "staff")
    for folder in ("var/log/kabelwerk", "var/lib/node_exporter"):
        (machine.home / folder).mkdir(parents=True)
    assert machine.run(machine.here(command), **settings) == 2
    assert metrics(machine)["kabelwerk_run_exit_code"] == 2
    assert machine.run(marked("setup systemd").text, "-e") == 0
    assert machine.calls() == [
        "systemctl daemon-reload",
        "systemctl enable --now kabelwerk-sync.timer",
    ]
    machine.list_users("srv/hr/staff.csv", "changed")
    assert (machine.run(command, **settings), machine.out, machine.err) == (0, "", "")
    assert machine.users() == THREE
    found = metrics(machine)
    assert (found["kabelwerk_run_exit_code"], found["created"], found["updated"]) == (0, 1, 1)
    text = (machine.home / "var/log/kabelwerk/sync.log").read_text()
    log = [json.loads(line) for line in text.splitlines()]
    events = [line["event"] for line in log]
    assert events == ["start", "end", "start", "request", "request", "end"]
    assert unit("timer")["Timer"]["OnCalendar"]


def test_a_failed_unit_is_reported(machine: Machine) -> None:
    service = configparser.ConfigParser(interpolation=None)
    service.read_string(marked("file /etc/systemd/system/kabelwerk-failed@.service").text)
    assert unit("service")["Unit"]["OnFailure"] == "kabelwerk-failed@%n.service"
    machine.write("stand-ins/journalctl", '#!/bin/sh\necho "the end of $1"\n').chmod(0o755)
    machine.write("stand-ins/mail", '#!/bin/sh\necho "$2 to $3"; cat\n').chmod(0o755)
    command = service["Service"]["ExecStart"]
    assert machine.run(command.replace("%i", "kabelwerk-sync.service").replace("%H", "here")) == 0
    assert machine.out == (
        "kabelwerk-sync.service failed on here to operations\n"
        "the end of --unit=kabelwerk-sync.service\n"
    )


def test_the_rules_for_prometheus_ask_for_metrics_that_exist(machine: Machine) -> None:
    machine.list_users("users.csv", "staff")
    script = "kabelwerk users create --from users.csv --summary /var/lib/node_exporter/x.prom"
    settings = {"KABELWERK_URL": machine.url, "KABELWERK_API_TOKEN": TOKEN}
    (machine.home / "var/lib/node_exporter").mkdir(parents=True)
    assert machine.run(script, **settings) == 0
    found = metrics(machine, "x.prom")
    rules = yaml.safe_load(marked("file kabelwerk.rules.yml").text)["groups"][0]["rules"]
    named = {name for rule in rules for name in re.findall(r"kabelwerk_\w+", rule["expr"])}
    assert named == {"kabelwerk_run_exit_code", "kabelwerk_run_end_timestamp_seconds"}
    assert named <= set(found)


def metrics(machine: Machine, name: str = "kabelwerk-staff.prom") -> dict[str, float]:
    """Return the samples of a summary as Prometheus reads them: of each outcome by its name."""
    text = (machine.home / "var/lib/node_exporter" / name).read_text()
    return {
        sample.labels.get("outcome", sample.name): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_cron(machine: Machine) -> None:
    """A line of a crontab runs in `sh`; cron turns `\\%` into `%`."""
    lines = marked("file crontab").text.splitlines()
    settings = dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))
    settings = {name: machine.here(value) for name, value in settings.items()}
    settings |= {"PATH": f"{machine.home}/stand-ins:{EXECUTABLE.parent}:{settings['PATH']}"}
    sync, mailing = (
        line.split(maxsplit=5)[5].replace(r"\%", "%") for line in lines[len(settings) :]
    )
    machine.list_users("srv/hr/staff.csv", "staff")
    assert machine.run(sync, program="sh", **settings) == 2
    assert machine.calls() == [f"curl {PING}/2"]
    (machine.home / "var/lib/kabelwerk").mkdir(parents=True)
    assert machine.run(marked("setup cron").text, "-e", program="sh") == 0
    machine.list_users("srv/hr/staff.csv", "changed")
    assert machine.run(sync, program="sh", **settings) == 0
    assert machine.users() == THREE
    assert machine.calls() == [f"curl {PING}/0"]
    for key, hub in (("batou", ["--hub", "section9"]), ("kusanagi", [])):
        ran = machine.shell.with_(**settings).run(
            "users", "create", "--key", key, "--name", "x", *hub
        )
        assert ran.code == 0
    machine.write("srv/hr/visits.csv", "room,visit\nkusanagi,1 May\n")
    machine.write("srv/hr/visit.txt", "See you on {{visit}}.")
    assert (machine.run(mailing, program="sh", **settings), machine.err) == (0, "")
    assert machine.run(mailing, program="sh", **settings) == 11  # posts nothing twice
    shown = machine.shell.run("sandbox", "show", "messages", "-o", "tsv", "--fields", "text")
    assert shown.out == "See you on 1 May.\n"
