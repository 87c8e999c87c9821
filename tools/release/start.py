"""The `__main__.py` of the single file.

Python can run a zip archive, but imports from one take long: they read the list of all files, ask
for each module twice, and compile what is not compiled for this version of Python. So the modules
are in front of the archive, and in it are only the lists of where each of them is.
"""

import sys
from importlib.machinery import ModuleSpec
from marshal import loads
from zipimport import zipimporter
from zlib import decompress

if False:  # `typing.TYPE_CHECKING`, without importing typing
    from types import CodeType, ModuleType

ARCHIVE = sys.path[0]


class Modules:
    """Imports the modules of the single file."""

    def __init__(self) -> None:
        """Read where the modules for this Python are, or else their sources."""
        archive = zipimporter(ARCHIVE)
        try:
            index = archive.get_data(str(sys.implementation.cache_tag))
            self.is_compiled = True
        except OSError:  # an older Python reads from the sources what is needed
            index = archive.get_data("sources")
            self.is_compiled = False
        self.places = loads(index)  # noqa: S302 - ours

    def find_spec(self, name: str, *_: object) -> "ModuleSpec | None":
        """Find a module."""
        if name not in self.places:
            return None
        origin, is_package, *_ = self.places[name]
        spec = ModuleSpec(name, self, origin=ARCHIVE + "/" + origin, is_package=is_package)
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python to create a module."""

    def exec_module(self, module: "ModuleType") -> None:
        """Run a module."""
        exec(self.get_code(module.__name__), module.__dict__)  # noqa: S102 - ours

    def get_code(self, name: str) -> "CodeType":
        """Return the code of a module."""
        origin, _, start, length = self.places[name]
        # opened for each module, so that threads do not share a position, and that no closed
        # standard stream is taken for the file
        with open(ARCHIVE, "rb") as file:  # noqa: PTH123 - importing pathlib takes long
            file.seek(start)
            content = decompress(file.read(length))
        if self.is_compiled:
            return loads(content)  # noqa: S302 - ours
        return compile(content, ARCHIVE + "/" + origin, "exec", dont_inherit=True)

    def get_resource_reader(self, name: str) -> object:
        """Return what reads the data of a package, which is in the archive."""
        from importlib.resources.readers import ZipReader

        parent = name.rpartition(".")[0].replace(".", "/")
        return ZipReader(zipimporter(ARCHIVE + "/" + parent if parent else ARCHIVE), name)


sys.meta_path.insert(0, Modules())

from kabelwerk_cli.__main__ import main  # noqa: E402 - it is imported by the line above

main()
