#!/usr/bin/env python3
"""make bench: what the promises cost, each beside a baseline of the same run.

    tests/bench/bench.py [clients] [backfill] [contract] [many] [version] [cluster] [--rows N] [--runs N] [--write]

Without names, all of them. Prints a table each; --write keeps them in README.md with date and machine.
A target that is missed is shown, it does not fail the run.
"""
import argparse
import pathlib
import platform
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]
import clients  # noqa: E402
import cluster  # noqa: E402
import engine  # noqa: E402
from lab import Lab, Problem  # noqa: E402

MARK = "<!-- measured: written by bench.py --write -->"


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), platform.machine())
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / 2**20
    return f"{time.strftime('%Y-%m-%d')}, {text.count('processor')} x {model}, {memory:.0f} GB, {platform.system()} {platform.release()}, PostgreSQL 15"


def with_postgres(work):
    with Lab() as lab:
        lab.start_postgres()
        return work(lab)


def with_cluster(work):
    with Lab() as lab:
        lab.start_control_plane()
        lab.install()
        return work(lab)


def sections(options):
    rows, runs = options.rows, options.runs
    return {"version": lambda: engine.version(),
            "many": lambda: with_postgres(lambda lab: engine.many(lab, runs)),
            "contract": lambda: with_postgres(lambda lab: engine.contract(lab, rows, runs)),
            "backfill": lambda: with_postgres(lambda lab: engine.backfill(lab, rows, runs)),
            "clients": lambda: with_postgres(lambda lab: clients.bench(lab, rows, runs)),
            "cluster": lambda: with_cluster(lambda lab: cluster.bench(lab, options.objects, runs))}


def keep(tables):
    readme = HERE / "README.md"
    head = readme.read_text().split(MARK)[0]
    readme.write_text(head + MARK + f"\n\nMeasured {machine()}.\n\n" + "\n\n".join(t.text() for t in tables) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", help="which; all when left out")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3, help="interleaved runs; medians are shown")
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--write", action="store_true", help="keep the tables in README.md")
    options = parser.parse_args()
    known = sections(options)
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    tables, failed = [], []
    for name in options.names or known:
        print(f"-- {name}", flush=True)
        try:
            tables.append(known[name]())
        except Problem as problem:
            failed.append(name)
            print(f"    could not be measured: {problem}", file=sys.stderr)
    print(f"\nMeasured {machine()}.")
    for table in tables:
        print("\n" + table.text())
    print(f"\n{sum(t.missed for t in tables)} targets missed" + (f"; not measured: {', '.join(failed)}" if failed else ""))
    if options.write:
        keep(tables)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
