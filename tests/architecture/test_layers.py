"""The floor plan holds: layers, names, sizes, literal lists, nothing forbidden."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src" / "foresell"
MODULES = sorted(SOURCE.rglob("*.py"))
PACKAGES = sorted(path.parent for path in MODULES if path.name == "__init__.py")
MAX_LINES = 400
# One declaration after another, looked up by name: splitting it would hide where a table is.
DECLARATIONS = {"contracts/tables.py"}
VAGUE_NAMES = {"utils", "helpers", "common", "core", "misc", "base", "manager", "handler", "process"}
# Loading runs code that the file brings along, or the code asks another host.
FORBIDDEN_IMPORTS = {
    *("pickle", "cPickle", "shelve", "marshal", "dill", "joblib", "cloudpickle"),
    *(
        "requests",
        "httpx",
        "aiohttp",
        "urllib.request",
        "urllib3",
        "http.client",
        "ftplib",
        "smtplib",
        "telnetlib",
    ),
}
# Who may ask, and only addresses that the user has named: in the environment, in settings, to the client.
MAY_ASK_THE_NETWORK = {
    "services/posting.py": {"urllib.request"},
    "client/connection.py": {"http.client"},
}
FORBIDDEN_CALLS = {
    "torch.load",
    "torch.save",
    "pandas.read_pickle",
    "pd.read_pickle",
    "numpy.load",
    "np.load",
}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_a_room_imports_only_the_rooms_below_it() -> None:
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert command, "import-linter is not installed beside this Python"
    answer = subprocess.run(
        [command, "--no-cache", "--no-logo"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_can_be_held_in_the_head(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES or name_of(path) in DECLARATIONS
    assert not UNFINISHED.search(text)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_function_is_a_stub(path: Path) -> None:
    functions = [node for node in tree(path).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [function.name for function in functions if is_stub(function.body[-1])] == []


def is_stub(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or ast.unparse(statement) in {"...", "raise NotImplementedError"}


def test_names_say_what_is_inside() -> None:
    words = {name_of(path): set(path.stem.split("_")) for path in MODULES}
    words |= {name_of(path): {path.name} for path in PACKAGES}
    assert {name: found for name, parts in words.items() if (found := parts & VAGUE_NAMES)} == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_loads_code_or_asks_the_network(path: Path) -> None:
    parsed = tree(path)
    imported = set(imports(parsed))
    roots = {name.split(".")[0] for name in imported}
    allowed = MAY_ASK_THE_NETWORK.get(name_of(path), set())
    assert (imported | roots) & FORBIDDEN_IMPORTS == allowed
    calls = {ast.unparse(node.func) for node in ast.walk(parsed) if isinstance(node, ast.Call)}
    assert calls & (FORBIDDEN_CALLS | {"eval", "exec", "__import__"}) == set()


def imports(parsed: ast.Module) -> Iterator[str]:
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_the_list_of_a_room_is_a_literal_dict(package: Path) -> None:
    """Data never chooses code: what a room offers can be read in its `__init__.py`.

    `**NAME` may spread a dict of the room's own, such as the preset that every table has.
    """
    for name, value in room_lists(tree(package / "__init__.py")):
        assert isinstance(value, ast.Dict), f"{name} is computed"
        entries = zip(value.keys, value.values, strict=True)
        literal = [isinstance(k, ast.Constant) or (k is None and isinstance(v, ast.Name)) for k, v in entries]
        assert all(literal), f"{name} has computed keys"


def room_lists(parsed: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in parsed.body:
        if isinstance(node, ast.AnnAssign):
            target, is_list = (
                node.target,
                ast.unparse(node.annotation).lower().startswith(("dict", "mapping")),
            )
        elif isinstance(node, ast.Assign):
            target, is_list = node.targets[0], isinstance(node.value, ast.Dict | ast.DictComp | ast.Call)
        else:
            continue
        if is_list and node.value and isinstance(target, ast.Name) and target.id.isupper():
            yield target.id, node.value


def test_every_module_says_what_it_is_for() -> None:
    assert [name_of(path) for path in MODULES if not ast.get_docstring(tree(path))] == []


def test_there_are_no_empty_rooms() -> None:
    empty = [name_of(p) for p in PACKAGES if not any(q.name != "__init__.py" for q in p.rglob("*.py"))]
    assert empty == []
