# SPDX-License-Identifier: MIT
"""sitecustomize - makes this interpreter import shmetrics.bridge with prometheus_client

`shmetrics run --bridge` puts its folder first in PYTHONPATH, so that Python's site module runs it
before the program. It imports nothing by itself: most interpreters that a program starts have
nothing to do with metrics. When prometheus_client has been imported, by whomever, and before anybody
can make a metric, the bridge is. Then the sitecustomize that this one hides is run.
"""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

PACKAGE = "prometheus_client"


def _say(message):
    sys.stderr.write("shmetrics: --bridge: %s\n" % message)


def _bridge():
    """Whatever goes wrong here, the application runs."""
    try:
        import shmetrics.bridge  # noqa: F401  (importing it is its use)
    except ImportError as error:
        _say(
            "%s has no shmetrics.bridge, so its metrics are not recorded (%s). Install it there: "
            "%s -m pip install shmetrics" % (sys.executable, error, sys.executable)
        )
    except Exception as error:
        _say("%s is not bridged: %r" % (PACKAGE, error))


class _Finder:
    """Finds prometheus_client as the others do, and has the bridge follow its import."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != PACKAGE:
            return None
        for finder in list(sys.meta_path):
            find_spec = getattr(finder, "find_spec", None)
            if finder is cls or find_spec is None:
                continue
            spec = find_spec(name, path, target)
            if spec is not None:
                cls._follow(spec.loader)
                return spec
        return None

    @classmethod
    def _follow(cls, loader):
        execute = getattr(loader, "exec_module", None)

        def exec_module(module):
            execute(module)
            if cls in sys.meta_path:
                sys.meta_path.remove(cls)
                _bridge()

        try:
            loader.exec_module = exec_module
        except AttributeError:
            _say("%s is not bridged: it is loaded by %r" % (PACKAGE, loader))


def _run_hidden():
    """The sitecustomize that would have been found without this one."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder or ".") != here]
    spec = PathFinder.find_spec(__name__)
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules[__name__] = module
    spec.loader.exec_module(module)


sys.meta_path.insert(0, _Finder)
_run_hidden()
