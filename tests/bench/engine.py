"""What the engine costs beside plain SQL: backfill, contract, twenty small operations, start-up."""
import re
import subprocess
import time

from lab import OPERATOR, Problem, programs
from measure import Table, cli_apply, median, migration, step_seconds

UNTHROTTLED = {"pause": "0s", "chunkTime": "300ms"}
# From so many rows on a table is cut into two shards.
ROWS_FOR_TWO_SHARDS = 1_000_000
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
        SET client_min_messages = error;
        DROP TABLE IF EXISTS items CASCADE; DROP FUNCTION IF EXISTS copy_amount; DROP PROCEDURE IF EXISTS move_rows;
        CREATE TABLE items (id bigint NOT NULL, label text, amount int NOT NULL DEFAULT 0, spare int);
        INSERT INTO items SELECT i, 'label ' || i, i % 1000, i FROM generate_series(1, {rows}) i;
        ALTER TABLE items ADD PRIMARY KEY (id);
        CREATE INDEX items_label ON items (label);
        CREATE INDEX items_spare ON items (spare)""")
    lab.sql("VACUUM ANALYZE items")
    lab.sql("CHECKPOINT", user="postgres")


def timed(work):
    started = time.monotonic()
    work()
    return time.monotonic() - started


def unapproved(operations, **spec):
    return migration(f"bench-{time.time_ns()}", operations, safety={"approval": "Never"}, **spec)


# -- backfill -------------------------------------------------------------------------------------------------------
def loop_rate(lab, rows):
    make_items(lab, rows)
    lab.sql(TRIGGER_LOOP)
    return rows / timed(lambda: lab.sql(f"CALL move_rows({rows})"))


def update_rate(lab, rows):
    make_items(lab, rows)
    lab.sql("ALTER TABLE items ADD COLUMN amount2 bigint")
    return rows / timed(lambda: lab.sql("UPDATE items SET amount2 = amount"))


def our_rate(lab, rows, shards):
    make_items(lab, rows)
    operations = [{"changeType": {"table": "items", "column": "amount", "type": "bigint"}}]
    cli_apply(lab, unapproved(operations, backfill=UNTHROTTLED), until="Expand")
    used = int(lab.sql("SELECT count(*) FROM lockkeeper.backfill b JOIN lockkeeper.migration m ON m.id = b.migration_id"
                       " WHERE m.created_at = (SELECT max(created_at) FROM lockkeeper.migration)"))
    if used != shards:
        raise Problem(f"{rows} rows were filled in {used} shards, not in {shards}")
    return rows / step_seconds(lab, "backfill%")


def backfill(lab, rows, runs):
    table = Table(f"Backfill int -> bigint, {rows:,} rows, primary key and two more indexes, fsync on", "how", "rows/s", "of the loop")
    loop, one, two = "key ranges of 5,000 and one plpgsql trigger (baseline)", "lockkeeper, one shard", "lockkeeper, two shards"
    ways = {loop: lambda: loop_rate(lab, rows), "one UPDATE of the whole table": lambda: update_rate(lab, rows),
            # How many shards a table is cut into goes by its size; 1% less is the same work.
            one: lambda: our_rate(lab, min(rows, ROWS_FOR_TWO_SHARDS * 99 // 100), 1)}
    if rows >= ROWS_FOR_TWO_SHARDS:
        ways[two] = lambda: our_rate(lab, rows, 2)
    rates = {}
    for _ in range(runs):  # interleaved: what the machine does besides falls on all of them
        for name, way in ways.items():
            rates.setdefault(name, []).append(way())
            print(f"    . {name}: {rates[name][-1]:,.0f} rows/s", flush=True)
    m = {name: median(seen) for name, seen in rates.items()}
    targets = {one: 0.95, two: 2.0}
    for name, rate in m.items():
        wanted = targets.get(name)
        table.row(name, f"{rate:,.0f}", f"{rate / m[loop]:.2f} x", target=f">= {wanted} x" if wanted else "",
                  met=None if wanted is None else rate >= wanted * m[loop])
    return table


# -- contract -------------------------------------------------------------------------------------------------------
LOGGED = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] \S* \S* LOG:  duration: ([\d.]+) ms  (\w+)[^:]*: ?(.*)")


def transaction_ms(lab, log_from, marks):
    """The server's own word: what the statements of the transaction that holds all marks took, its COMMIT included, and
    the time from the first mark to the end."""
    rows = []
    for line in (lab.folder / "postgres.log").read_text(errors="replace")[log_from:].splitlines():
        if found := LOGGED.match(line):
            rows.append((int(found[1]), float(found[2]), found[3], found[4]))  # pid, ms, kind, text
    ran = [i for i, row in enumerate(rows) if marks[-1] in row[3] and row[2] in ("execute", "statement")]
    if not ran:
        raise Problem(f"the server's log does not show {marks[-1]}")
    mine = [row for i, row in enumerate(rows) if row[0] == rows[ran[-1]][0] and i <= ran[-1]]
    after = [row for row in rows[ran[-1] + 1:] if row[0] == mine[-1][0]]
    begin = max((i for i, row in enumerate(mine) if row[3].startswith("BEGIN")), default=None)
    if begin is None:  # it was a transaction of its own
        return mine[-1][1], mine[-1][1]
    end = next(i for i, row in enumerate(after) if row[3].startswith("COMMIT"))
    whole = mine[begin:] + after[:end + 1]
    locked = next(i for i, row in enumerate(whole) if marks[0] in row[3] and row[2] in ("execute", "statement"))
    return sum(row[1] for row in whole), sum(row[1] for row in whole[locked:])


def logged(lab, user, work, marks):
    lab.sql(f"ALTER ROLE {user} SET log_min_duration_statement = 0", user="postgres")
    log_from = len((lab.folder / "postgres.log").read_text(errors="replace"))
    work()
    lab.sql(f"ALTER ROLE {user} RESET log_min_duration_statement", user="postgres")
    return transaction_ms(lab, log_from, marks)


def contract(lab, rows, runs):
    table = Table("Contract of one column", "how", "ms in the server", "of the bare ALTER", "of it with the table locked")
    drop = "ALTER TABLE items DROP COLUMN spare"
    ours, held, bare = [], [], []
    for _ in range(runs):
        make_items(lab, rows)
        bare.append(logged(lab, "lockkeeper_op", lambda: lab.sql(drop), [drop])[0])
        make_items(lab, rows)
        manifest = unapproved([{"dropColumn": {"table": "items", "column": "spare"}}])
        whole, locked = logged(lab, "lockkeeper_op", lambda: cli_apply(lab, manifest),
                               ['LOCK TABLE "public"."items" IN ACCESS EXCLUSIVE', 'DROP COLUMN "spare"'])
        ours.append(whole)
        held.append(locked)
    a, b, c = median(bare), median(ours), median(held)
    table.row("ALTER TABLE DROP COLUMN in psql", f"{a:.2f}", "1", f"{a:.2f}")
    table.row("lockkeeper: fence, checks, locks, ALTER, ledger, in one transaction", f"{b:.2f}", f"{b / a:.2f} x", f"{c:.2f}", target="<= 2 x", met=b <= 2 * a)
    return table


# -- small operations, start-up ---------------------------------------------------------------------------------------
def many(lab, runs):
    """Twenty columns in twenty statements, and as one Migration: to plan, fence, record and check it costs too. Both
    come over TCP with a password."""
    table = Table("20 metadata operations in one Migration", "how", "ms", "of psql")
    columns = [f"c{i}" for i in range(20)]
    script = lab.folder / "many.sql"
    script.write_text("\n".join(f"ALTER TABLE items ADD COLUMN {c} text;" for c in columns))
    psql = [programs() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", script, lab.uri("lockkeeper_op", host="127.0.0.1")]
    operations = [{"addColumn": {"table": "items", "column": {"name": c, "type": "text"}}} for c in columns]
    ours, plain = [], []
    for _ in range(1 + max(runs, 7)):  # they are short; the first pair makes the ledger
        make_items(lab, 1000)
        plain.append(timed(lambda: subprocess.run(psql, check=True, capture_output=True)) * 1000)
        make_items(lab, 1000)
        ours.append(cli_apply(lab, unapproved(operations)) * 1000)
    a, b = median(plain[1:]), median(ours[1:])
    table.row("psql -f, one ALTER each", f"{a:.0f}", "1")
    table.row("lockkeeper apply", f"{b:.0f}", f"{b / a:.2f} x", target="<= 1.5 x", met=b <= 1.5 * a)
    return table


def version():
    table = Table("`lockkeeper version`", "what", "ms")
    took = [timed(lambda: subprocess.run([OPERATOR, "version"], capture_output=True, check=True)) * 1000 for _ in range(60)]
    table.row("median of 60 starts", f"{median(took):.1f}", target="<= 15 ms", met=median(took) <= 15)
    return table
