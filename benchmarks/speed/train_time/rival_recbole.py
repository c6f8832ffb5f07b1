"""RecBole's SASRec on a file of sequences, its course of validation NDCG@10 and time written as JSON.

Runs in the rival's own environment (environment.py) and knows nothing of Foresell. The settings are RecBole's
own: those of its SASRec, its Adam, batch, sequence length and stopping, its CE loss. Three things differ, to
ask of it what is asked of us: it stops and picks by NDCG@10 (its default is MRR@10), scores are not rounded
to four digits, and a user's earlier products are no candidates, which it does not do by itself for sequences
and which raises its score. It writes no checkpoints of its own, which spares it time; the ones here, by which
a stopped run goes on, are written while its clock stands still. With `--seconds` it is cut off by that clock:
its best is then what it was so far.
"""

import argparse
import copy
import hashlib
import json
import math
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.model.sequential_recommender import SASRec
from recbole.trainer import Trainer
from recbole.utils import init_logger, init_seed

METRIC = "ndcg@10"
# Products held back at a sequence's end while validating, and while testing.
VALIDATION, TEST = 2, 1
DATASET = "sequences"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sequences", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="a folder for its files; also run it there")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=2020)
    parser.add_argument("--epochs", type=int, default=300, help="at most so many; it stops earlier by itself")
    parser.add_argument("--seconds", type=float, default=math.inf, help="cut it off after the epoch at them")
    parser.add_argument("--gpu", action="store_true")
    given = parser.parse_args()
    sys.argv = sys.argv[:1]  # RecBole reads settings from there
    torch.set_num_threads(given.threads)

    sequences = read_sequences(given.sequences)
    write_atomic(sequences, given.work / DATASET)
    config = Config(
        model="SASRec", dataset=DATASET, config_dict=settings(given.work, given.seed, given.epochs, given.gpu)
    )
    init_seed(config["seed"], config["reproducibility"])
    init_logger(config)
    dataset = create_dataset(config)
    training, validation, test = data_preparation(config, dataset)
    check_split(sequences, training, validation, test)
    init_seed(config["seed"], config["reproducibility"])
    model = SASRec(config, training._dataset).to(config["device"])
    asked = {
        "sequences": hashlib.sha256(given.sequences.read_bytes()).hexdigest(),
        "seed": given.seed,
        "threads": given.threads,
        "device": torch.cuda.get_device_name() if given.gpu else "processor",
        "settings": {name: config[name] for name in TOLD},
    }
    trainer = TimedTrainer(config, model, seen_of(sequences, dataset), Files(given.out, given.work), asked)
    trainer.go_on(training.generator)
    with suppress(CutOffError):
        trainer.stop_at(given.seconds)
        trainer.fit(training, validation, saved=False, verbose=False, callback_fn=trainer.keep)
    trainer.finish(test)


def settings(work: Path, seed: int, epochs: int, use_gpu: bool) -> dict[str, Any]:
    """What is said to RecBole; all else is its default."""
    return {
        "data_path": str(work),
        "gpu_id": "0" if use_gpu else "",  # without it any GPU is taken, whatever use_gpu says
        "show_progress": False,
        "state": "WARNING",
        "seed": seed,
        "epochs": epochs,
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "train_neg_sample_args": None,  # as the loss CE demands
        "repeatable": True,  # as its sequence models demand
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user", "mode": "full"},
        "metrics": ["NDCG", "Recall"],
        "topk": [10],
        "valid_metric": "NDCG@10",
        "metric_decimal_place": 9,
    }


def read_sequences(path: Path) -> dict[str, list[str]]:
    """Each user's items, oldest first; one of fewer than three has nothing to learn from and is left out."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {user: items for user, *items in lines if len(items) >= 3}


def write_atomic(sequences: dict[str, list[str]], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{folder.name}.inter").open("w", encoding="utf-8") as file:
        file.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for user, items in sequences.items():
            file.writelines(f"{user}\t{item}\t{time}\n" for time, item in enumerate(items))


def check_split(sequences: dict[str, list[str]], training: Any, validation: Any, test: Any) -> None:
    """The test must ask for the last product of each user, and validation for the one before."""
    for data, from_end in ((validation, VALIDATION), (test, TEST)):
        dataset = data._dataset
        users = dataset.id2token("user_id", dataset.inter_feat["user_id"].numpy())
        targets = dataset.id2token("item_id", dataset.inter_feat["item_id"].numpy())
        asked = dict(zip(users, targets, strict=True))
        assert len(users) == len(asked) == len(sequences)
        assert asked == {user: items[-from_end] for user, items in sequences.items()}
    assert len(training._dataset) == sum(len(items) - 3 for items in sequences.values())


def seen_of(sequences: dict[str, list[str]], dataset: Any) -> dict[int, torch.Tensor]:
    """RecBole's number of a user → its numbers of the user's items, oldest first."""
    return {
        int(dataset.token2id("user_id", user)): torch.from_numpy(
            np.asarray(dataset.token2id("item_id", items))
        )
        for user, items in sequences.items()
    }


@dataclass(frozen=True)
class Files:
    record: Path
    work: Path

    @property
    def state(self) -> Path:
        return self.work / "state.pt"


class CutOffError(Exception):
    """The rival has had its time."""


class TimedTrainer(Trainer):
    """RecBole's trainer, with a clock, a record of every epoch, and earlier products out of the ranking."""

    def __init__(
        self, config: Any, model: SASRec, seen: dict[int, torch.Tensor], files: Files, asked: dict[str, Any]
    ) -> None:
        super().__init__(config, model)
        self._seen = seen
        self._held_back = VALIDATION
        self._files = files
        self._best_weights: dict[str, torch.Tensor] = {}
        self._record: dict[str, Any] = {
            "contestant": "recbole",
            "model": "SASRec",
            "parameters": sum(weights.numel() for weights in model.parameters()),
            "asked": asked,
            "finished": False,
            "cut_off": False,
            "prepared_seconds": time.time() - psutil.Process().create_time(),
            "epochs": [],
        }

    def go_on(self, shuffling: torch.Generator) -> None:
        """Take up a stopped run of the same settings where it ended, and start the clock."""
        self._shuffling = shuffling
        self._clock = dict.fromkeys(("seconds", "training_seconds", "validation_seconds", "cpu_seconds"), 0.0)
        if self._files.state.exists():
            state = torch.load(self._files.state, weights_only=True)
            if state["record"]["asked"] != self._record["asked"]:
                sys.exit(f"{self._files.work} holds a run of other settings: name another folder.")
            self._record = {**state["record"], "cut_off": False}
            self._clock = {name: self._record["epochs"][-1][name] for name in self._clock}
            self.model.load_state_dict(state["weights"])
            self.optimizer.load_state_dict(state["optimizer"])
            self._best_weights = state["best_weights"]
            self.best_valid_score, self.cur_step = state["stopping"]
            # A run stopped between its last epoch and its test has nothing left to learn.
            is_over = self.cur_step > self.stopping_step
            self.start_epoch = self.epochs if is_over else len(self._record["epochs"])
            torch.set_rng_state(state["random"])
            shuffling.set_state(state["shuffling"])
        self._resume_clock()

    def stop_at(self, seconds: float) -> None:
        """Raises CutOffError after the epoch in which its clock passes `seconds`; now, if that was before."""
        self._seconds_given = seconds
        self._end_in_time()

    def _end_in_time(self) -> None:
        if self._clock["seconds"] >= self._seconds_given and self.cur_step <= self.stopping_step:
            self._record["cut_off"] = True
            raise CutOffError

    def _resume_clock(self) -> None:
        self._since = time.perf_counter(), time.process_time()

    def _train_epoch(self, *args: Any, **named: Any) -> Any:
        started = time.perf_counter()
        loss = super()._train_epoch(*args, **named)
        self._clock["training_seconds"] += time.perf_counter() - started
        return loss

    def _valid_epoch(self, *args: Any, **named: Any) -> Any:
        started = time.perf_counter()
        score = super()._valid_epoch(*args, **named)
        self._clock["validation_seconds"] += time.perf_counter() - started
        return score

    def _full_sort_batch_eval(self, batched_data: Any) -> Any:
        interaction, scores, positive_u, positive_i = super()._full_sort_batch_eval(batched_data)
        seen = [self._seen[user][: -self._held_back] for user in interaction["user_id"].tolist()]
        rows = torch.arange(len(seen)).repeat_interleave(torch.tensor([len(items) for items in seen]))
        scores[rows, torch.cat(seen)] = -np.inf
        return interaction, scores, positive_u, positive_i

    def keep(self, epoch: int, ndcg: float) -> None:
        """Called by RecBole after each epoch's validation."""
        wall, cpu = self._since
        self._clock["seconds"] += time.perf_counter() - wall
        self._clock["cpu_seconds"] += time.process_time() - cpu
        found = {
            "epoch": epoch + 1,
            **self._clock,
            "loss": self.train_loss_dict[epoch],
            "ndcg_10": float(ndcg),
        }
        self._record["epochs"].append(found)
        if "best" not in self._record or found["ndcg_10"] > self._record["best"]["ndcg_10"]:
            self._record["best"] = found
            self._best_weights = copy.deepcopy(self.model.state_dict())
        self._save()
        self._end_in_time()
        self._resume_clock()

    def finish(self, test: Any) -> None:
        self.model.load_state_dict(self._best_weights)
        self._held_back = TEST
        found = self.evaluate(test, load_best_model=False)
        self._record["test"] = {"ndcg_10": float(found[METRIC]), "recall_10": float(found["recall@10"])}
        self._record["finished"] = True
        self._write()

    def _save(self) -> None:
        state = {
            "record": self._record,
            "weights": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best_weights": self._best_weights,
            "stopping": (float(self.best_valid_score), self.cur_step),
            "random": torch.get_rng_state(),
            "shuffling": self._shuffling.get_state(),
        }
        unfinished = self._files.state.with_suffix(".unfinished")
        torch.save(state, unfinished)
        unfinished.replace(self._files.state)
        self._write()

    def _write(self) -> None:
        unfinished = self._files.record.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self._record, indent=1), encoding="utf-8")
        unfinished.replace(self._files.record)


TOLD = (
    "n_layers",
    "n_heads",
    "hidden_size",
    "inner_size",
    "hidden_dropout_prob",
    "attn_dropout_prob",
    "loss_type",
    "learner",
    "learning_rate",
    "train_batch_size",
    "eval_batch_size",
    "MAX_ITEM_LIST_LENGTH",
    "stopping_step",
    "epochs",
)


if __name__ == "__main__":
    main()
