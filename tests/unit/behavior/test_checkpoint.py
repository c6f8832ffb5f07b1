"""A training killed wherever it stands goes on to the very same losses and weights."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import pytest
import torch
import training_run
from safetensors.torch import load_file
from training_run import LOSS, TRAINING, some_held_out, some_model, some_sequences

from foresell.behavior.checkpoint import STATE_FILE, Checkpoint, Progress, State
from foresell.behavior.model import BehaviorModel
from foresell.behavior.pretrain import pretrain
from foresell.contracts.errors import ConflictError

DROPOUT = 0.3
NUM_DEATHS = 4

# Torch is imported once; every process that dies is a copy of that one.
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["torch", "foresell.behavior.pretrain", "foresell.behavior.content"])


def started(function: Callable[..., None], *given: object) -> BaseProcess:
    process = PROCESSES.Process(target=function, args=given)
    process.start()
    return process


def ended(processes: list[BaseProcess]) -> list[int | None]:
    for process in processes:
        process.join(120)
    return [process.exitcode for process in processes]


def run_by_two(folder: Path, dying_step: int | None = None) -> list[int | None]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = (2, port, folder, 0.0, dying_step)
    return ended([started(training_run.run_as, rank, *given) for rank in range(2)])


def curve_of(folder: Path) -> list[dict[str, float]]:
    rows = json.loads((folder / "curve.json").read_text())
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def assert_same(folder: Path, undisturbed: Path) -> None:
    assert curve_of(folder) == curve_of(undisturbed)
    weights, wanted = (load_file(one / "weights.safetensors") for one in (folder, undisturbed))
    assert weights.keys() == wanted.keys()
    assert all(torch.equal(weights[name], wanted[name]) for name in wanted)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    training_run.run(folder, DROPOUT, None)
    return folder


@pytest.fixture(scope="module")
def by_torchrun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("torchrun")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run([*command, training_run.__file__, folder], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return folder


def test_killed_at_any_step_it_goes_on_to_the_same_losses(tmp_path: Path, undisturbed: Path) -> None:
    last = json.loads((undisturbed / "state" / STATE_FILE).read_text())["progress"]["step"]
    random = Random(8)
    for step in sorted(random.sample(range(1, last), NUM_DEATHS)):
        process = started(training_run.run, tmp_path, DROPOUT, step, random.random() < 0.5)
        assert ended([process]) == [-signal.SIGKILL]
        assert not (tmp_path / "curve.json").exists()
    assert ended([started(training_run.run, tmp_path, DROPOUT, None)]) == [0]
    assert_same(tmp_path, undisturbed)


def test_two_processes_train_as_one_does(tmp_path: Path, by_torchrun: Path) -> None:
    training_run.run(tmp_path, 0.0, None)
    alone, together = curve_of(tmp_path), curve_of(by_torchrun)
    assert [row["loss"] for row in together] == pytest.approx([row["loss"] for row in alone], abs=1e-4)
    assert [row["ndcg@10"] for row in together] == pytest.approx([row["ndcg@10"] for row in alone], abs=1e-4)
    assert len(together) == TRAINING.max_epochs


def test_two_processes_go_on_to_the_same_losses(tmp_path: Path, by_torchrun: Path) -> None:
    first, second = run_by_two(tmp_path, dying_step=Random(3).randrange(5, 25))
    assert first == -signal.SIGKILL
    assert second not in (0, None)
    assert run_by_two(tmp_path) == [0, 0]
    assert_same(tmp_path, by_torchrun)


class StoppedError(Exception):
    pass


def test_an_epoch_closed_after_a_stop_is_the_same(tmp_path: Path) -> None:
    """At the last step of an epoch a checkpoint is written twice, and there is no step left to take."""
    config = replace(TRAINING, checkpoint_steps=1, max_epochs=1)

    def curve(checkpoint: Checkpoint) -> list[dict[str, float]]:
        model = some_model()
        rows = pretrain(model, some_sequences(), some_held_out(), config, LOSS, checkpoint=checkpoint).curve
        return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]

    whole = curve(Checkpoint(tmp_path / "whole", "run"))
    last = json.loads((tmp_path / "whole" / STATE_FILE).read_text())["progress"]["step"]

    class Stopping(Checkpoint):
        def write(self, state: State, *given: object) -> None:
            super().write(state, *given)  # type: ignore[arg-type]
            if state.progress.step == last:
                raise StoppedError

    with pytest.raises(StoppedError):
        curve(Stopping(tmp_path / "stopped", "run"))
    assert json.loads((tmp_path / "stopped" / STATE_FILE).read_text())["progress"]["epoch"] == 0
    assert curve(Checkpoint(tmp_path / "stopped", "run")) == whole


def test_what_a_death_left_half_written_is_passed_over_and_removed(tmp_path: Path, undisturbed: Path) -> None:
    assert ended([started(training_run.run, tmp_path, DROPOUT, 10, True)]) == [-signal.SIGKILL]
    half = tmp_path / "state" / "state-00002-000000013.safetensors"
    half.write_bytes(b"half of it")
    (tmp_path / "state" / f"{STATE_FILE}.new").write_text('{"run": "te')
    training_run.run(tmp_path, DROPOUT, None)
    assert_same(tmp_path, undisturbed)
    kept = {path.name for path in (tmp_path / "state").iterdir()}
    said = json.loads((tmp_path / "state" / STATE_FILE).read_text())
    assert kept == {STATE_FILE, said["file"]}


def written(folder: Path) -> tuple[Checkpoint, BehaviorModel, torch.optim.Optimizer]:
    model, checkpoint = some_model(), Checkpoint(folder, "run")
    optimizer = torch.optim.AdamW(model.parameters())
    best, average = ({name: one.clone() for name, one in model.state_dict().items()} for _ in range(2))
    checkpoint.write(State(Progress(step=5), best, average), model, optimizer)
    return checkpoint, model, optimizer


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_weights_that_are_not_as_written_are_refused(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    checkpoint, model, optimizer = written(tmp_path)
    [path] = tmp_path.glob("state-*.safetensors")
    damage(path)
    with pytest.raises(ConflictError, match="not as it was written"):
        checkpoint.read(model, optimizer)


@pytest.mark.parametrize(
    "said",
    [b"", b"{", b"[]", b"{}", b'{"run": "run", "file": "a", "sha256": "b", "progress": {"x": 1}}', b"\xff"],
)
def test_a_state_that_is_not_as_written_is_refused(tmp_path: Path, said: bytes) -> None:
    checkpoint, model, optimizer = written(tmp_path)
    (tmp_path / STATE_FILE).write_bytes(said)
    with pytest.raises(ConflictError, match="not as it was written"):
        checkpoint.read(model, optimizer)


def test_the_state_of_another_training_is_refused_and_nothing_done(tmp_path: Path) -> None:
    _, model, optimizer = written(tmp_path)
    with pytest.raises(ConflictError, match="another training"):
        Checkpoint(tmp_path, "another").read(model, optimizer)
    other = some_model(sizes=training_run.Sizes(7, 3, 2))
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(ConflictError, match="another training"):
        Checkpoint(tmp_path, "run").read(other, torch.optim.AdamW(other.parameters()))
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.state_dict().items())


def test_without_a_state_nothing_is_done(tmp_path: Path) -> None:
    model = some_model()
    assert Checkpoint(tmp_path / "none", "run").read(model, torch.optim.AdamW(model.parameters())) is None
