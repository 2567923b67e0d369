"""Import contracts of our own, for import-linter: ``.importlinter`` names them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib.metadata import Distribution as Installed
from importlib.metadata import distributions as installed
from pathlib import Path
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from packaging.requirements import Requirement

from workspace import canonical


@dataclass
class Ownership:
    """Who owns which module of a tree of unpacked wheels, and who declares to need whom."""

    owner: dict[str, str] = field(default_factory=dict)
    declared: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of_tree(cls, tree: Path) -> Ownership:
        """Read the ``.dist-info`` folders of a tree.

        :arg tree: a folder into which wheels were unpacked.
        :returns: what they say.
        """
        ownership = cls()
        for dist in installed(path=[str(tree)]):
            ownership.add(dist)
        return ownership

    def add(self, dist: Installed) -> None:
        """Take one distribution in.

        :arg dist: its metadata.
        """
        name = canonical(dist.metadata["Name"])
        required = {canonical(Requirement(line).name) for line in dist.requires or ()}
        self.declared[name] = required
        for file in dist.files or ():
            if file.suffix == ".py":
                parts = file.with_suffix("").parts
                self.owner[".".join(parts).removesuffix(".__init__")] = name

    def fault(self, importer: str, imported: str) -> str | None:
        """Judge one import.

        :arg importer: the module that imports.
        :arg imported: the module that is imported; of a foreign package only its first name.
        :returns: what is wrong with it, or nothing.
        """
        mine = self.owner.get(importer)
        if mine is None:
            return f"{importer} belongs to no wheel"
        top = imported.partition(".")[0]
        if imported in self.owner:
            theirs = self.owner[imported]
        elif top in sys.stdlib_module_names:
            return None
        else:
            theirs = canonical(top)
        if theirs == mine or theirs in self.declared[mine]:
            return None
        return f"{importer} imports {imported}, but {mine} does not require {theirs}"


class DistributionsContract(Contract):
    """Let a distribution import only itself, the standard library and what it declares to need.

    The option ``tree`` names the folder of unpacked wheels, which is the first on the module path.
    """

    type_name = "distributions"

    tree = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Judge every import of the graph.

        :arg graph: all imports, those of foreign packages included.
        :arg verbose: has no meaning here.
        :returns: whether the contract is kept.
        """
        ownership = Ownership.of_tree(Path(str(self.tree)))
        faults = set()
        for importer in graph.modules:
            if graph.is_module_squashed(importer):
                continue
            for imported in graph.find_modules_directly_imported_by(importer):
                faults.add(ownership.fault(importer, imported))
        faults.discard(None)
        return ContractCheck(kept=not faults, metadata={"faults": sorted(map(str, faults))})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print what is wrong.

        :arg check: the outcome.
        """
        metadata: dict[str, Any] = check.metadata
        for fault in metadata["faults"]:
            output.print_error(fault)
