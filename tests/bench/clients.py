"""What clients of the table feel while an operation runs: 8 clients, 400 requests/s, open loop."""
import subprocess
import time

from lab import Load, Problem, programs
from measure import Table, cli_apply, median, migration, percentile

CLIENTS, RATE, LOCK_TIMEOUT_MS = 8, 400, 500
REQUESTS = ["SELECT note FROM items WHERE id = $1 AND $2::text IS NOT NULL",
            "UPDATE items SET note = $2 WHERE id = $1"]
FILLED = {"addColumn, NOT NULL with up", "renameColumn", "changeType int -> bigint"}
OPERATIONS = {
    "addColumn": [{"addColumn": {"table": "items", "column": {"name": "plan", "type": "text"}}}],
    "addColumn, NOT NULL with up": [{"addColumn": {"table": "items", "column": {"name": "plan", "type": "text", "nullable": False}, "up": "'free'"}}],
    "dropColumn": [{"dropColumn": {"table": "items", "column": "spare"}}],
    "renameColumn": [{"renameColumn": {"table": "items", "from": "label", "to": "title"}}],
    "changeType int -> bigint": [{"changeType": {"table": "items", "column": "amount", "type": "bigint"}}],
    "setNotNull": [{"setNotNull": {"table": "items", "column": "label"}}],
    "createIndex": [{"createIndex": {"table": "items", "name": "items_label", "columns": [{"name": "label"}]}}],
    "sql": [{"sql": {"expand": ["ALTER TABLE items ADD COLUMN extra text"], "rollback": ["ALTER TABLE items DROP COLUMN extra"]}}],
}


def make_template(lab, rows):
    lab.sql(f"""
        CREATE TABLE items (id bigint NOT NULL, label text, note text, amount int NOT NULL DEFAULT 0, spare int);
        INSERT INTO items SELECT i, 'label ' || i, 'note', i % 1000, i FROM generate_series(1, {rows}) i;
        ALTER TABLE items ADD PRIMARY KEY (id);
        CREATE INDEX items_amount ON items (amount);
        GRANT SELECT, INSERT, UPDATE, DELETE ON items TO shop_app""")
    lab.sql("VACUUM ANALYZE items")


def fresh_database(lab):
    """A copy of the template, which is copied file by file and so costs no time."""
    lab.sql("DROP DATABASE IF EXISTS run WITH (FORCE)", user="postgres", db="postgres")
    lab.sql("CREATE DATABASE run TEMPLATE shop STRATEGY file_copy OWNER lockkeeper_op", user="postgres", db="postgres")
    lab.sql("ALTER SCHEMA public OWNER TO lockkeeper_op", user="postgres", db="run")
    lab.sql("CHECKPOINT", user="postgres")


class Readers:
    """A session that holds the table 5 s at a time, back to back."""

    def __init__(self, lab):
        file = lab.folder / "readers.sql"
        file.write_text("BEGIN; SELECT count(*) FROM items WHERE id < 10; SELECT pg_sleep(5); COMMIT;\n" * 200)
        self.process = lab.spawn([programs() / "psql", "-XAtq", "-f", file], "readers", stdout=subprocess.DEVNULL, env=lab.pg_env("shop_app", "run"))
        time.sleep(0.7)

    def stop(self):
        self.process.kill()
        self.process.wait()


def one_run(lab, operations, rows, readers):
    fresh_database(lab)
    load = Load(lab, f"bench-{time.monotonic_ns()}", REQUESTS, CLIENTS, RATE, rows, db="run")
    try:
        time.sleep(1.5)  # connections, plans, caches
        idle_from = time.time()
        time.sleep(3)
        holder = Readers(lab) if readers else None
        begin = time.time()
        try:
            seconds = cli_apply(lab, migration(f"bench-{time.time_ns()}", operations, safety={"approval": "Never"}), db="run")
        finally:
            if holder:
                holder.stop()
        end = time.time() + 0.3  # who was queued at the end
        time.sleep(0.5)
    finally:
        final = load.stop()
    for message in final["messages"]:
        print(f"      error: {message}", flush=True)
    load_ok = load.latencies(idle_from, idle_from + 3), load.latencies(begin, end)
    if not all(load_ok):
        raise Problem("the load has no requests to show")
    idle, during = load_ok
    load.log.unlink()
    return {"seconds": seconds, "errors": final["errors"], "idle_p99": percentile(idle, 0.99),
            "p99": percentile(during, 0.99), "max": during[-1]}


def verdict(name, readers, m, errors, longest):
    quiet = errors == 0 and longest <= 1.2 * LOCK_TIMEOUT_MS
    if readers:
        return "0 errors, wait <= 600 ms, p99 < 100 ms, within 40 s", quiet and m["p99"] < 100 and m["seconds"] <= 40
    if name in FILLED:
        return "0 errors, wait <= 600 ms, p99 <= 1.5 x idle", quiet and m["p99"] <= 1.5 * m["idle_p99"]
    return "0 errors, wait <= 600 ms", quiet


def bench(lab, rows, runs):
    table = Table(f"Clients while an operation runs on {rows:,} rows (8 clients, 400 requests/s, open loop)",
                  "operation", "beside it", "errors", "p99 idle", "p99 while it runs", "longest wait", "through in")
    # As a Database's condition advises: without it the age of another role's transaction is hidden.
    lab.sql("GRANT pg_monitor TO lockkeeper_op", user="postgres")
    make_template(lab, rows)
    results = {}
    for _ in range(runs):  # interleaved: what the machine does besides falls on all of them
        for name, operations in OPERATIONS.items():
            for readers in (False, True):
                seen = one_run(lab, operations, rows, readers)
                print(f"    . {name}{', readers' if readers else ''}: p99 {seen['idle_p99']:.1f} -> {seen['p99']:.1f} ms, longest {seen['max']:.0f} ms, {seen['seconds']:.1f} s", flush=True)
                results.setdefault((name, readers), []).append(seen)
    for (name, readers), seen in results.items():
        m = {key: median(run[key] for run in seen) for key in seen[0]}
        errors, longest = sum(run["errors"] for run in seen), max(run["max"] for run in seen)
        target, met = verdict(name, readers, m, errors, longest)
        table.row(name, "5 s readers" if readers else "-", errors, f"{m['idle_p99']:.1f} ms", f"{m['p99']:.1f} ms",
                  f"{longest:.0f} ms", f"{m['seconds']:.1f} s", target=target, met=met)
    return table
