"""What the benchmarks share: medians, tables, and the command line of the product."""
import json
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
from lab import OPERATOR, Problem  # noqa: E402

median = statistics.median


def percentile(ordered, share):
    return ordered[int(share * (len(ordered) - 1))] if ordered else 0.0


class Table:
    """A table of one benchmark, printed as Markdown when it is whole."""

    def __init__(self, title, *columns):
        self.title, self.columns, self.rows, self.missed = title, columns, [], 0

    def row(self, *cells, target="", met=None):
        verdict = "" if met is None else ("met" if met else "**missed**")
        self.missed += met is False
        self.rows.append([str(c) for c in cells] + [f"{target} {verdict}".strip()])
        print("   ", " | ".join(self.rows[-1]), flush=True)

    def text(self):
        head = [*self.columns, "target"]
        lines = [f"### {self.title}", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in self.rows])


def migration(name, operations, **spec):
    return {"apiVersion": "lockkeeper.dev/v1alpha1", "kind": "Migration", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"databaseRef": {"name": "shop"}, "operations": operations} | spec}


def cli_apply(lab, manifest, until="Contract", db="shop"):
    """`lockkeeper apply` of one Migration: seconds, the start of the program included."""
    path = lab.folder / f"{manifest['metadata']['name']}.json"
    path.write_text(json.dumps(manifest))
    args = [str(OPERATOR), "apply", "-f", str(path), "--database-url", lab.uri("lockkeeper_op", host="127.0.0.1", db=db), "--until", until]
    started = time.monotonic()
    result = subprocess.run(args, capture_output=True, text=True, timeout=900)
    took = time.monotonic() - started
    # 3: it waits for somebody to raise `until`, which is as far as it was asked to go.
    if result.returncode not in ((0,) if until == "Contract" else (0, 3)):
        raise Problem(f"lockkeeper apply of {path.name}: exit {result.returncode}\n{(result.stdout + result.stderr)[-1500:]}")
    return took


def step_seconds(lab, pattern):
    """Sum of the times of the ledger's steps whose id matches, of the Migration that was made last."""
    return float(lab.sql(f"""
        SELECT sum(extract(epoch FROM finished_at - started_at)) FROM lockkeeper.step
        WHERE step_id LIKE '{pattern}' AND migration_id = (SELECT id FROM lockkeeper.migration ORDER BY created_at DESC LIMIT 1)"""))
