"""The recipes that need more than Python: systemd's checks, Docker's steps, a run of Ansible."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import PATH, ROOT, marked
from tests.shell import ENVIRONMENT, EXECUTABLE, TOKEN, Shell
from tests.test_recipes import Machine

INVENTORY = ("-i", "kabelwerk,", "-c", "local")
STAFF = "r1\tOne\nr2\tTwo\n"


@pytest.fixture
def machine(sandbox: Shell) -> Machine:
    return Machine(sandbox)


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for name in ("kabelwerk-sync.service", "kabelwerk-sync.timer", "kabelwerk-failed@.service"):
        text = marked(f"file /etc/systemd/system/{name}").text
        unit = tmp_path / name
        unit.write_text(text.replace("/usr/local/bin/kabelwerk", str(EXECUTABLE)))
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *tmp_path.iterdir()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "kabelwerk" not in ran.stderr
    assert ran.returncode == 0, ran.stderr


class Image:
    """A Dockerfile's steps, taken in a virtual environment instead of a container.

    Args:
        root: stands for the root of the file system.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.entrypoint: list[str] = []
        subprocess.run([sys.executable, "-m", "venv", root / "venv"], check=True)
        (root / "tmp").mkdir()

    def build(self, dockerfile: str) -> None:
        """Take each step of a Dockerfile."""
        for line in dockerfile.splitlines():
            instruction, _, rest = line.partition(" ")
            step = getattr(self, f"_{instruction.lower()}")
            step(rest)

    def _from(self, image: str) -> None:
        assert re.fullmatch(r"python:3\.1[1-9]-slim", image)

    def _copy(self, paths: str) -> None:
        (source, target) = paths.split()
        for path in self.root.glob(source):
            shutil.copy(path, f"{self.root}{target}")

    def _run(self, command: str) -> None:
        environment = {**os.environ, "PATH": f"{self.root}/venv/bin:{os.defpath}"}
        command = command.replace("/tmp/", f"{self.root}/tmp/")
        subprocess.run(["sh", "-c", command], env=environment, check=True)

    def _user(self, name: str) -> None:
        assert name == "nobody"

    def _workdir(self, folder: str) -> None:
        assert folder == "/data"

    def _entrypoint(self, words: str) -> None:
        program, *rest = json.loads(words)
        self.entrypoint = [f"{self.root}/venv/bin/{program}", *rest]


def test_docker(machine: Machine) -> None:
    wheel, build, *runs = marked("docker").text.splitlines()
    wheels = wheel.replace("--wheel-dir dist", f"-q --wheel-dir {machine.home}/dist")
    subprocess.run([sys.executable, "-m", *shlex.split(wheels)], cwd=ROOT, check=True)
    image = Image(machine.home)
    image.build(marked("file Dockerfile").text)
    assert build == "docker build --tag kabelwerk ."
    settings = {
        "HOME": "/",
        "KABELWERK_URL": machine.url,
        "KABELWERK_API_TOKEN_FILE": str(machine.home / "etc/kabelwerk/token"),
    }
    machine.list_users("staff.csv", "staff")
    for line in runs:
        options, _, arguments = line.partition(" kabelwerk users ")
        for option in (
            "--env KABELWERK_URL ",
            "--env KABELWERK_API_TOKEN_FILE=/run/secrets/token ",
            '-token:/run/secrets/token:ro" ',
            '--volume "$PWD:/data"',
        ):
            assert option in options
        command = [*image.entrypoint, "users", *shlex.split(arguments)]
        ran = subprocess.run(command, cwd=machine.home, env=settings, check=False)
        assert ran.returncode == 0
    assert machine.users() == STAFF


class Playbook:
    """The playbook of the recipe, run by Ansible against one machine."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine = machine
        self.program = folder / "bin/ansible-playbook"
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "ansible-core"], check=True)
        text = machine.here(marked("file kabelwerk.yml").text).replace("delay: 60", "delay: 0")
        machine.write("kabelwerk.yml", text)
        machine.write("vault.yml", f"kabelwerk_api_token: {TOKEN}\n")

    def play(self, *options: str) -> tuple[int, int]:
        """Run the playbook; return how many tasks changed something, and how many failed."""
        home = str(self.machine.home)
        ran = subprocess.run(
            [self.program, "kabelwerk.yml", "-vv", *INVENTORY, "-e", "@vault.yml", *options],
            cwd=home,
            env={**ENVIRONMENT, "HOME": home, "PATH": PATH, "ANSIBLE_REMOTE_TMP": f"{home}/tmp"},
            capture_output=True,
            text=True,
            check=False,
        )
        self.shown = ran.stdout + ran.stderr
        assert TOKEN not in self.shown
        recap = re.search(r"changed=(\d+) .* failed=(\d+)", self.shown)
        assert recap, self.shown
        return int(recap[1]), int(recap[2])


def test_ansible(machine: Machine, tmp_path: Path) -> None:
    playbook = Playbook(machine, tmp_path / "ansible")
    machine.list_users("srv/hr/staff.csv", "staff")
    # the folders, the token and the hub user are new, but there is no state
    assert playbook.play() == (3, 1)
    assert "There is no state" in playbook.shown
    assert playbook.play("-e", "kabelwerk_new_state=true") == (1, 0)
    assert machine.users() == f"batou\tBatou\n{STAFF}"
    assert playbook.play() == (0, 0)
    machine.list_users("srv/hr/staff.csv", "changed")
    assert playbook.play() == (1, 0)
    machine.list_users("srv/hr/staff.csv", "rejected")
    assert playbook.play() == (0, 1)
    assert "can't be blank" in playbook.shown
