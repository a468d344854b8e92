"""The command line."""

import argparse
import importlib
import signal
import sys

from benchmarks import NAMES
from benchmarks.ground import Ground
from benchmarks.harness import Options, Report, as_json, busy, markdown, say, table
from benchmarks.versions import versions


def main() -> int:
    """Run what was named; 0 when all of it could be measured, whatever was measured."""
    arguments = _arguments()
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    options = Options(rounds=rounds, quick=arguments.quick)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # as Ctrl-C: clean up
    warning = busy()
    reports = [_run(name, options) for name in arguments.names or NAMES]
    if warning:
        reports[0].notes.insert(0, warning)
    for report in reports:
        print(table(report))
    if arguments.markdown:
        print(markdown(reports))
    if arguments.json:
        print(as_json(reports, versions()))
    return 1 if any(report.failures for report in reports) else 0


def _run(name: str, options: Options) -> Report:
    module = importlib.import_module(f"benchmarks.{name}")
    say(f"{name}: {(module.__doc__ or '').partition('\n')[0]}")
    ground = Ground(options=getattr(module, "POSTGRES", ()))
    try:
        report: Report = module.run(ground, options)
    finally:
        ground.close()
    return report


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[*NAMES, "profile", "simulation"], metavar="NAME"
    )
    parser.add_argument("--json", action="store_true", help="one object as the last line")
    parser.add_argument("--markdown", action="store_true", help="tables for the README")
    parser.add_argument("--quick", action="store_true", help="a smaller run of one round")
    parser.add_argument("--rounds", type=int, help="turns of each system (3; 1 with --quick)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
