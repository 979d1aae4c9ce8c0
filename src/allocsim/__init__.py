"""allocsim: from past evaluation scores to next year's budget, stress-tested before a yuan moves.

>>> import allocsim as al
>>> scenario = al.load("scenarios/chongqing")
>>> result = al.run(scenario)
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_FACE = {
    "load": "allocsim.files.scenario",
    "check": "allocsim.files.check",
    "evaluate": "allocsim.study.year",
    "fit": "allocsim.study.year",
    "plan": "allocsim.study.year",
    "simulate": "allocsim.study.year",
    "run": "allocsim.study.year",
    "futures": "allocsim.study.futures",
    "Scenario": "allocsim.model.scenario",
    "Evidence": "allocsim.model.evidence",
    "Curves": "allocsim.model.curve",
    "Plan": "allocsim.model.plan",
    "Outcomes": "allocsim.model.trajectory",
    "Comparison": "allocsim.model.comparison",
    "Result": "allocsim.model.result",
    "Moves": "allocsim.model.policy",
    "Observation": "allocsim.model.policy",
    "Brief": "allocsim.model.policy",
    "Weather": "allocsim.model.shock",
    "AllocsimError": "allocsim.errors",
    "InvalidInput": "allocsim.errors",
    "UsageError": "allocsim.errors",
    "RulesConflict": "allocsim.model.plan",
}
__all__ = ["__version__", *_FACE]


class _Face(ModuleType):
    """The package itself: two verbs bear the name of a room, and here the name means the verb.

    Importing a room sets it as an attribute of the package; these properties take no notice of that.
    """

    evaluate = property(lambda face: __getattr__("evaluate"), lambda face, room: None)
    simulate = property(lambda face: __getattr__("simulate"), lambda face, room: None)


sys.modules[__name__].__class__ = _Face


def __getattr__(name: str) -> Any:
    """Look a name of the face up when it is first used, so that ``allocsim --help`` loads no numbers."""
    if name not in _FACE:
        raise AttributeError(f"module 'allocsim' has no attribute {name!r}")
    return getattr(import_module(_FACE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
