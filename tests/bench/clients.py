"""What clients of the table feel while an operation runs: 8 clients, 400 requests/s, open loop."""
import subprocess
import time

from lab import Load, programs
from measure import Table, cli_apply, median, migration, percentile

CLIENTS, RATE, LOCK_TIMEOUT_MS = 8, 400, 500
REQUESTS = ["SELECT note FROM items WHERE id = $1 AND $2::text IS NOT NULL",
            "UPDATE items SET note = $2 WHERE id = $1"]
OPERATIONS = {
    "addColumn, NOT NULL with up": [{"addColumn": {"table": "items", "column": {"name": "plan", "type": "text", "nullable": False}, "up": "'free'"}}],
    "dropColumn": [{"dropColumn": {"table": "items", "column": "spare"}}],
    "renameColumn": [{"renameColumn": {"table": "items", "from": "label", "to": "title"}}],
    "changeType int -> bigint": [{"changeType": {"table": "items", "column": "amount", "type": "bigint"}}],
    "setNotNull": [{"setNotNull": {"table": "items", "column": "label"}}],
    "createIndex": [{"createIndex": {"table": "items", "name": "items_label", "columns": [{"name": "label"}]}}],
    "sql": [{"sql": {"expand": ["ALTER TABLE items ADD COLUMN extra text"], "rollback": ["ALTER TABLE items DROP COLUMN extra"]}}],
}


def make_items(lab, rows):
    lab.sql(f"""
        DROP TABLE IF EXISTS items;
        CREATE TABLE items (id bigint PRIMARY KEY, label text, note text, amount int NOT NULL DEFAULT 0, spare int);
        INSERT INTO items SELECT i, 'label ' || i, 'note', i % 1000, i FROM generate_series(1, {rows}) i;
        CREATE INDEX items_amount ON items (amount);
        GRANT SELECT, INSERT, UPDATE, DELETE ON items TO shop_app;
        ANALYZE items""")
    lab.sql("VACUUM items")


class Readers:
    """Two sessions that hold the table 5 s at a time, so that one of them always does."""

    def __init__(self, lab):
        text = "BEGIN; SELECT count(*) FROM items WHERE id < 10; SELECT pg_sleep(5); COMMIT;\n" * 200
        self.processes = []
        for _ in range(2):
            file = lab.folder / f"readers-{time.monotonic_ns()}.sql"
            file.write_text(text)
            self.processes.append(subprocess.Popen([programs() / "psql", "-XAtq", "-f", file], env=lab.pg_env("shop_app"),
                                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            time.sleep(2.5)

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


def one_run(lab, name, operations, rows, readers):
    make_items(lab, rows)
    load = Load(lab, f"bench-{time.monotonic_ns()}", REQUESTS, CLIENTS, RATE, rows)
    time.sleep(1)
    idle_from = time.time()
    time.sleep(4)
    holders = Readers(lab) if readers else None
    begin = time.time()
    try:
        seconds = cli_apply(lab, migration(f"bench-{time.time_ns()}", operations, safety={"approval": "Never"}))
    finally:
        if holders:
            holders.stop()
    end = time.time()
    final = load.stop()
    idle, during = load.latencies(idle_from, idle_from + 4), load.latencies(begin, end)
    return {"seconds": seconds, "errors": final["errors"], "idle_p99": percentile(idle, 0.99),
            "p99": percentile(during, 0.99), "max": during[-1] if during else 0.0}


def bench(lab, rows, runs):
    table = Table("Clients while an operation runs (8 clients, 400 requests/s, open loop)",
                  "operation", "beside it", "errors", "p99 idle", "p99 while it runs", "longest wait", "through in")
    results = {}
    for _ in range(runs):  # interleaved: what the machine does besides falls on all of them
        for name, operations in OPERATIONS.items():
            for readers in (False, True):
                results.setdefault((name, readers), []).append(one_run(lab, name, operations, rows, readers))
    for (name, readers), seen in results.items():
        m = {key: median(run[key] for run in seen) for key in seen[0]}
        errors, longest = sum(run["errors"] for run in seen), max(run["max"] for run in seen)
        if readers:
            target, met = "0 errors, p99 < 100 ms, within 40 s", errors == 0 and m["p99"] < 100 and m["seconds"] <= 40
        else:
            target = "0 errors, wait <= 600 ms, p99 <= 1.5 x idle"
            met = errors == 0 and longest <= 1.2 * LOCK_TIMEOUT_MS and m["p99"] <= 1.5 * m["idle_p99"]
        table.row(name, "5 s readers" if readers else "-", errors, f"{m['idle_p99']:.2f} ms", f"{m['p99']:.2f} ms",
                  f"{longest:.1f} ms", f"{m['seconds']:.1f} s", target=target, met=met)
    return table
