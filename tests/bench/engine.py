"""What the engine costs beside plain SQL: backfill, contract, twenty small operations, start-up."""
import subprocess
import time

from lab import OPERATOR
from measure import Table, cli_apply, median, migration, step_seconds

UNTHROTTLED = {"pause": "0s", "chunkTime": "300ms"}
TRIGGER_LOOP = """
    ALTER TABLE items ADD COLUMN amount2 bigint;
    CREATE FUNCTION copy_amount() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.amount2 := NEW.amount; RETURN NEW; END $$;
    CREATE TRIGGER copy_amount BEFORE INSERT OR UPDATE ON items FOR EACH ROW EXECUTE FUNCTION copy_amount();
    CREATE PROCEDURE move_rows(rows bigint) LANGUAGE plpgsql AS $$
    BEGIN
      FOR low IN 0 .. rows - 1 BY 5000 LOOP
        UPDATE items SET amount2 = NULL WHERE id > low AND id <= low + 5000;
        COMMIT;
      END LOOP;
    END $$;"""


def make_items(lab, rows):
    lab.sql(f"""
        DROP TABLE IF EXISTS items CASCADE; DROP FUNCTION IF EXISTS copy_amount; DROP PROCEDURE IF EXISTS move_rows;
        CREATE TABLE items (id bigint PRIMARY KEY, label text, amount int NOT NULL DEFAULT 0, spare int);
        INSERT INTO items SELECT i, 'label ' || i, i % 1000, i FROM generate_series(1, {rows}) i;
        CREATE INDEX items_label ON items (label);
        CREATE INDEX items_spare ON items (spare);
        ANALYZE items""")
    lab.sql("VACUUM items")
    lab.sql("CHECKPOINT", user="postgres")


def timed(work):
    started = time.monotonic()
    work()
    return time.monotonic() - started


def loop_seconds(lab, rows):
    make_items(lab, rows)
    lab.sql(TRIGGER_LOOP)
    return timed(lambda: lab.sql(f"CALL move_rows({rows})"))


def big_update_seconds(lab, rows):
    make_items(lab, rows)
    lab.sql("ALTER TABLE items ADD COLUMN amount2 bigint")
    return timed(lambda: lab.sql("UPDATE items SET amount2 = amount"))


def ours_seconds(lab, rows, shards):
    make_items(lab, rows)
    operations = [{"changeType": {"table": "items", "column": "amount", "type": "bigint"}}]
    cli_apply(lab, migration(f"bench-{time.time_ns()}", operations, backfill=UNTHROTTLED | {"shards": shards}, safety={"approval": "Never"}), until="Expand")
    return step_seconds(lab, "backfill%")


def backfill(lab, rows, runs):
    table = Table(f"Backfill int -> bigint, {rows:,} rows, primary key and two more indexes, fsync on", "how", "rows/s", "of the loop")
    ways = {"key ranges of 5,000 and one plpgsql trigger (baseline)": lambda: loop_seconds(lab, rows),
            "one UPDATE of the whole table": lambda: big_update_seconds(lab, rows),
            "lockkeeper, one shard": lambda: ours_seconds(lab, rows, 1),
            "lockkeeper, two shards": lambda: ours_seconds(lab, rows, 2)}
    rates = {}
    for _ in range(runs):
        for name, way in ways.items():
            rates.setdefault(name, []).append(rows / way())
    m = {name: median(seen) for name, seen in rates.items()}
    base = next(iter(m.values()))
    targets = {"lockkeeper, one shard": 0.95, "lockkeeper, two shards": 2.0}
    for name, rate in m.items():
        wanted = targets.get(name)
        table.row(name, f"{rate:,.0f}", f"{rate / base:.2f} x", target=f">= {wanted} x" if wanted else "", met=None if wanted is None else rate >= wanted * base)
    return table


def contract(lab, rows, runs):
    table = Table("Contract of one column", "how", "ms", "of the bare ALTER")
    ours, bare = [], []
    for _ in range(runs):
        make_items(lab, rows)
        bare.append(timed(lambda: lab.sql("ALTER TABLE items DROP COLUMN spare")) - timed(lambda: lab.sql("SELECT 1")))
        make_items(lab, rows)
        cli_apply(lab, migration(f"bench-{time.time_ns()}", [{"dropColumn": {"table": "items", "column": "spare"}}], safety={"approval": "Never"}))
        ours.append(step_seconds(lab, "contract%"))
    a, b = median(bare) * 1000, median(ours) * 1000
    table.row("ALTER TABLE DROP COLUMN in psql", f"{a:.1f}", "1")
    table.row("lockkeeper", f"{b:.1f}", f"{b / a:.2f} x", target="<= 2 x", met=b <= 2 * a)
    return table


def many(lab, runs):
    """Twenty nullable columns: what it costs to plan, fence and record each step."""
    table = Table("20 metadata operations in one Migration", "how", "ms", "of psql")
    columns = [f"c{i}" for i in range(20)]
    ours, plain, start = [], [], []
    for _ in range(runs):
        make_items(lab, 1000)
        statements = "\n".join(f"ALTER TABLE items ADD COLUMN {c} text;" for c in columns)
        plain.append(timed(lambda: lab.sql(statements)))
        make_items(lab, 1000)
        operations = [{"addColumn": {"table": "items", "column": {"name": c, "type": "text"}}} for c in columns]
        ours.append(cli_apply(lab, migration(f"bench-{time.time_ns()}", operations)))
        start.append(timed(lambda: subprocess.run([OPERATOR, "version"], capture_output=True, check=True)))
    a, b = median(plain) * 1000, median(ours) * 1000
    table.row("psql -f, one ALTER each", f"{a:.0f}", "1")
    table.row("lockkeeper apply", f"{b:.0f}", f"{b / a:.2f} x", target="<= 1.5 x", met=b <= 1.5 * a)
    return table


def version():
    table = Table("`lockkeeper version`", "what", "ms")
    took = sorted(timed(lambda: subprocess.run([OPERATOR, "version"], capture_output=True, check=True)) * 1000 for _ in range(40))
    table.row("median of 40 starts", f"{median(took):.1f}", target="<= 15 ms", met=median(took) <= 15)
    return table
