"""The READMEs cannot lie: their commands run, what they name exists, and both say the same."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.zh-CN.md")
# Setting up and the long runs; what they do is tested elsewhere, or by CI itself.
LEFT_OUT = ("make ", "python3 -m venv", ".venv/bin/pip")
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")


def text_of(readme: str) -> str:
    return (REPOSITORY / readme).read_text(encoding="utf-8")


def console_commands(readme: str) -> list[str]:
    """The commands of every console block, and of every indented block but those that set up."""
    fenced = [body for kind, body in FENCED.findall(text_of(readme)) if kind == "console"]
    lines = [line for body in fenced for line in body.splitlines()]
    shown = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    indented = INDENTED.findall(FENCED.sub("", text_of(readme)))
    return shown + [line for line in indented if not line.startswith(LEFT_OUT)]


def write_samples(folder: Path, readme: str) -> None:
    """The files that the README's commands read, small; its mapping is the README's own."""
    orders = [(f"o{n}", f"c{n % 3}", f"2024-0{n % 6 + 1}-15T10:00:00Z", 5 + n) for n in range(30)]
    lines = [(f"{order}-1", order, f"p{total % 4}", 1, total) for order, _, _, total in orders]
    exported = [f"x{n};01/0{n + 1}/2024 09:30;c{n};1.234,50" for n in range(6)]
    products = [(f"p{n}", ("tea", "coffee")[n % 2]) for n in range(4)]
    files = {
        "orders.csv": ["order_id,customer_id,created_at,total_amount", *map(_row, orders)],
        "lines.csv": ["order_line_id,order_id,product_id,quantity,line_amount", *map(_row, lines)],
        "products.csv": ["product_id,category", *map(_row, products)],
        "export.csv": ["Order No;Date;Customer;Total", *exported],
    }
    for name, rows in files.items():
        (folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    [mapping] = [body for kind, body in FENCED.findall(text_of(readme)) if kind == "toml"]
    (folder / "my_shop.toml").write_text(mapping, encoding="utf-8")


def _row(values: tuple[object, ...]) -> str:
    return ",".join(map(str, values))


def test_the_commands_of_the_readme_run(
    foresell: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the Chinese one are the same: `test_both_languages_show_the_same`."""
    readme = "README.md"
    write_samples(tmp_path, readme)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORESELL_STORE", "")
    commands = console_commands(readme)
    assert len(commands) >= 8
    for command in commands:
        words = shlex.split(command)
        if words[0] == "export":
            monkeypatch.setenv(*words[1].split("="))
            continue
        assert words[0] == "foresell", command
        ended = foresell(*words[1:])
        assert ended.code == 0, f"{command}: {ended.err}"
        assert ended.out.strip(), command
    runs = foresell("store", "versions", "--json").answer["versions"]
    assert [run["source_file"] for run in runs] == [
        *("orders.csv", "lines.csv", "products.csv", "export.csv")
    ]
    assert foresell("quarantine", "list", "--json").answer["rows"] == []
    assert (tmp_path / "mystore" / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("readme", READMES)
def test_every_command_and_option_that_is_named_exists(readme: str) -> None:
    from typer.main import get_command

    from foresell.cli.main import app

    spans = [span for span in SPAN.findall(text_of(readme)) if span.startswith("foresell ")]
    assert len(spans) > 12
    for span in spans:
        command: Any = get_command(app)
        for alternatives in _words(span):
            inner = getattr(command, "commands", None)
            if inner is None:
                break
            # A word may stand for a command: `explain churn` is `explain task churn`.
            found = [command.resolve_command(command.context_class(command), [word]) for word in alternatives]
            assert all(each is not None for _, each, _ in found), span
            command = found[0][1]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in span.split() if word.startswith("-")} <= options, span


def _words(span: str) -> list[list[str]]:
    """`foresell quarantine list | show` → [["quarantine"], ["list", "show"]]: what chooses the command."""
    plain = re.match(r"foresell((?: [a-z]+(?: \| [a-z]+)*)*)", span)
    assert plain is not None
    return [found.split(" | ") for found in re.findall(r"[a-z]+(?: \| [a-z]+)*", plain.group(1))]


def test_every_command_is_named_in_the_readme() -> None:
    from typer.main import get_command

    from foresell.cli.main import app

    named = {words[0][0] for span in SPAN.findall(text_of("README.md")) if (words := _words_of(span))}
    commands: Any = get_command(app)
    # The demo is what `make demo` runs.
    assert set(commands.commands) - named == {"demo"}


def _words_of(span: str) -> list[list[str]]:
    return _words(span) if span.startswith("foresell ") else []


def test_both_languages_show_the_same() -> None:
    english, chinese = map(text_of, READMES)
    assert FENCED.findall(english) == FENCED.findall(chinese)
    assert sorted(SPAN.findall(english)) == sorted(SPAN.findall(chinese))
    assert _without_comments(english) == _without_comments(chinese)
    assert len(re.findall(r"^#+ ", english, re.MULTILINE)) == len(re.findall(r"^#+ ", chinese, re.MULTILINE))
    links = re.compile(r"\]\(([^)]+)\)")
    targets = [{*links.findall(text), *READMES} for text in (english, chinese)]
    assert targets[0] == targets[1]
    assert all((REPOSITORY / target).exists() for target in targets[0])


def _without_comments(text: str) -> list[str]:
    return [line.split("  #")[0].strip() for line in INDENTED.findall(text)]
