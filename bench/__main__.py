"""`./run bench [NAME] [--json]`: measures, and says whether the bars are met."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from bench import ami_parse, board, call_backs, floor, fold, ingest, journey, reports, timers
from bench.report import Result
from bench.stores import Kind
from core.errors import HotlineError

BENCHES: dict[str, Callable[[], Result]] = {
    bench.NAME: bench.measure
    for bench in (ami_parse, fold, ingest, call_backs, timers, board, floor, reports, journey)
}


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every bar is met, 1 if one is not, 2 if a bench could not be run."""
    parser = argparse.ArgumentParser(prog="./run bench", description="Measures, against the project's bars.")
    parser.add_argument("name", nargs="?", choices=BENCHES, help="one bench; without it all of them")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument(
        "--database",
        type=Kind,
        choices=list(Kind),
        default=Kind.SQLITE,
        help="journey, timers: where the service keeps what it writes",
    )
    parser.add_argument("--span", type=float, default=timers.SPAN_S, help="timers: seconds they come due in")
    chosen = parser.parse_args(arguments)
    benches = BENCHES | {
        journey.NAME: partial(journey.measure, chosen.database),
        timers.NAME: partial(timers.measure, chosen.span, chosen.database),
    }
    # Told to stop, it stops what it has started, as at Ctrl-C: an Asterisk left behind holds its ports.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    met = True
    for name in [chosen.name] if chosen.name else BENCHES:
        cores = os.sched_getaffinity(0)
        try:
            result = benches[name]()
        except HotlineError as problem:
            print(f"bench {name}: {problem}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(f"bench {name}: stopped", file=sys.stderr)
            return 130
        finally:
            os.sched_setaffinity(0, cores)
        print(result.line() if chosen.json else result.table(), flush=True)
        met = met and result.met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
