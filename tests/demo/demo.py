#!/usr/bin/env python3
"""make demo: a live table changes its shape while two versions of an application use it.

Starts a private PostgreSQL, a local control plane, the operator and a shop; applies migration.yaml with
kubectl; shows its progress and what the clients feel; ends with a summary of what was measured. Exit
code 1 when a promise was broken. --keep leaves all of it up.
"""
import argparse
import pathlib
import shutil
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
from lab import Lab, Load, Problem, Watch, condition, wait_for  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
NAME = "users-v2"
LOCK_TIMEOUT_MS = 500  # the default of spec.safety.lockTimeout
RATE, CLIENTS = 200, 4  # of each version, per second
TERMINAL = sys.stdout.isatty()

OLD = ["SELECT name, account FROM users WHERE id = $1 AND $2::text IS NOT NULL",
       "WITH u AS (UPDATE users SET name = $2, account = account + 1 WHERE id = $1 RETURNING id) INSERT INTO written (id, value) SELECT id, $2 FROM u",
       "INSERT INTO users (name) SELECT $2 WHERE $1::bigint > 0"]
NEW = ["SELECT display_name, plan FROM users WHERE id = $1 AND $2::text IS NOT NULL",
       "WITH u AS (UPDATE users SET display_name = $2, plan = 'pro', account = account + 1 WHERE id = $1 RETURNING id) INSERT INTO written (id, value) SELECT id, $2 FROM u",
       "INSERT INTO users (display_name, plan) SELECT $2, 'pro' WHERE $1::bigint > 0"]
DIVERGENT = "SELECT count(*) FROM users WHERE display_name IS DISTINCT FROM name OR plan IS NULL"
LOST = """SELECT count(*) FROM (SELECT DISTINCT ON (id) id, value FROM written ORDER BY id, seq DESC) w
          JOIN users u USING (id) WHERE u.display_name IS DISTINCT FROM w.value"""
LEFT = r"""SELECT count(*) FROM (
    SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND attname LIKE '\_lk%'
    UNION ALL SELECT tgname FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT tgisinternal
    UNION ALL SELECT conname FROM pg_constraint WHERE conrelid = 'users'::regclass AND contype = 'c') l"""


def bar(percent, width=24):
    eighths = round(width * 8 * percent / 100)
    full, rest = divmod(eighths, 8)
    return ("█" * full + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")).ljust(width, "░")


class Screen:
    """`kubectl get lkm -w` with a bar, a rate and what the clients feel."""

    HEAD = f"{'':>6}  {'PHASE':17} {'STEP':6} {'PROGRESS':30} {'ROWS/S':>8}  {'SWITCH':6} {'OLD/S':>6} {'NEW/S':>6} {'ERRORS':>6} {'LONGEST':>9}"

    def __init__(self):
        self.started, self.last, self.phase = time.monotonic(), 0.0, None
        print(f"\n{self.HEAD}")

    def line(self, m, old, new, longest):
        s = m.get("status", {})
        percent = int((s.get("progress") or "0%").rstrip("%") or 0)
        progress = f"{bar(percent)} {percent:3}%" if s.get("phase") else ""
        rate = s.get("backfill", {}).get("rowsPerSecond", "") if s.get("phase") == "Backfilling" else ""
        now = lambda load: load.now.get("requests", 0) if load and load.final is None else "-"
        errors = sum(load.now.get("errors", 0) for load in (old, new) if load)
        return (f"{time.monotonic() - self.started:5.0f}s  {s.get('phase', ''):17} {s.get('steps', {}).get('progress', ''):6} {progress:30} {rate:>8}  "
                f"{s.get('switch', {}).get('active', ''):6} {now(old):>6} {now(new):>6} {errors:>6} {longest:6.0f} ms")

    def show(self, m, old, new, longest):
        phase, fresh = m.get("status", {}).get("phase"), time.monotonic() - self.last >= (0.2 if TERMINAL else 1)
        if phase == self.phase and not fresh:
            return
        changed, self.phase, self.last = phase != self.phase, phase, time.monotonic()
        text = self.line(m, old, new, longest)
        if TERMINAL:
            print(("\n" if changed else "\r\x1b[K") + text[:shutil.get_terminal_size().columns - 1], end="", flush=True)
        else:
            print(text, flush=True)


class Story:
    def __init__(self, lab, rows):
        self.lab, self.rows = lab, rows
        self.old = self.new = self.old_result = self.divergent = None
        self.seen, self.longest, self.sum_before = {}, 0.0, 0

    def prepare(self):
        lab = self.lab
        began = time.monotonic()
        failures = []

        def guarded(work):
            try:
                work()
            except Exception as error:  # told by the thread that waits
                failures.append(error)

        def cluster():
            lab.start_control_plane()
            lab.install()

        thread = threading.Thread(target=guarded, args=(cluster,))
        thread.start()
        print(f"PostgreSQL with a table of {self.rows:,} rows; etcd, kube-apiserver, controllers, CRDs, RBAC ...", flush=True)
        lab.start_postgres()
        lab.make_users(self.rows)
        thread.join()
        if failures:
            raise failures[0]
        print("the operator, as ServiceAccount lockkeeper-system/lockkeeper; the shop: Service, blue, green ...", flush=True)
        lab.start_operator()
        lab.deploy_shop()
        self.sum_before = int(lab.sql("SELECT sum(account) FROM users"))
        self.old = Load(lab, "shop-blue", OLD, CLIENTS, RATE, self.rows)
        wait_for("the old version's clients", lambda: self.old.done > RATE)
        print(f"ready after {time.monotonic() - began:.0f} s: {CLIENTS} clients of the old version, {RATE} requests/s, read and write users.name\n")

    def note(self, m):
        phase = m.get("status", {}).get("phase")
        if phase:
            self.seen.setdefault(phase, time.time())

    def follow(self):
        """Plays the clients' part while the operator does its own, until the Migration ends."""
        lab = self.lab
        print("$ kubectl apply -f tests/demo/migration.yaml")
        print(lab.kubectl("apply", "--server-side", "-f", HERE / "migration.yaml"), end="", flush=True)
        migration = Watch(lab, "lkm", NAME, self.note)
        service, blue = Watch(lab, "service", "shop"), Watch(lab, "deployment", "shop-blue")
        screen, end = Screen(), time.monotonic() + 600
        while time.monotonic() < end:
            m = migration.object
            if self.new is None and service.object.get("spec", {}).get("selector", {}).get("track") == "green":
                self.new = Load(lab, "shop-green", NEW, CLIENTS, RATE, self.rows)
            self.compare(m)
            if self.old_result is None and blue.object.get("spec", {}).get("replicas") == 0:
                self.old_result = self.old.stop()  # its pods are gone, and so are their sessions
            self.longest = max([self.longest] + [load.now.get("max_ms", 0) for load in (self.old, self.new) if load])
            screen.show(m, self.old, self.new, self.longest)
            phase = m.get("status", {}).get("phase")
            if phase in ("Completed", "RolledBack") or condition(m, "Stalled")["status"] == "True":
                break
            time.sleep(0.05)
        time.sleep(2)  # the new version goes on for a while on the new shape alone
        print("\n" if TERMINAL else "")
        return migration.object

    def compare(self, m):
        """Once, when both versions write: the two shapes of every row must agree, in one snapshot."""
        if self.divergent is None and self.new and self.new.done > 2 * RATE and condition(m, "Switched")["status"] == "True":
            self.divergent = int(self.lab.sql(DIVERGENT))

    def finish(self, m):
        new = self.new.stop() if self.new else None
        old = self.old_result or self.old.stop()
        end = time.time()
        print("What was measured")
        broken = []

        def row(what, value, ok=True):
            print(f"  {what:42} {value}{'' if ok else '   <-- BROKEN'}")
            if not ok:
                broken.append(what)

        status = m.get("status", {})
        row("end", f"{status.get('phase', 'nothing was seen')}: {status.get('message', '')}", status.get("phase") == "Completed")
        for name, load in (("old", old), ("new", new)):
            load = load or {"requests": 0, "errors": 1, "p50_ms": 0, "p99_ms": 0, "max_ms": 0, "messages": ["it never ran"]}
            row(f"requests of the {name} version", f"{load['requests']:,} (p50 {load['p50_ms']:.1f} ms, p99 {load['p99_ms']:.1f} ms)", load["requests"] > 0)
            row(f"errors of the {name} version", f"{load['errors']} {'; '.join(load['messages'][:2])}".strip(), load["errors"] == 0)
            self.longest = max(self.longest, load["max_ms"])
        row("longest single wait of a client", f"{self.longest:.0f} ms", self.longest <= 2 * LOCK_TIMEOUT_MS)
        row("rows that differed between the shapes", self.divergent, self.divergent == 0)
        if status.get("phase") == "Completed":
            self.check_end(row)
        print("\n  time in each phase")
        order = sorted(self.seen.items(), key=lambda item: item[1])
        for (phase, start), (_, until) in zip(order, order[1:] + [("", end)]):
            if phase != "Completed":
                print(f"  {phase:42} {until - start:5.1f} s")
        return broken

    def check_end(self, row):
        lab = self.lab
        writes = int(lab.sql("SELECT count(*) FROM written"))
        row("updates that both versions made", f"{writes:,}", writes > 0)
        lost = int(lab.sql(LOST))
        row("rows that lost their last update", lost, lost == 0)
        drift = int(lab.sql("SELECT sum(account) FROM users")) - self.sum_before - writes
        row("updates of the widened column lost or doubled", drift, drift == 0)
        left = int(lab.sql(LEFT))
        row("things of ours left on the table", left, left == 0)
        columns = lab.sql("SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attname) FROM pg_attribute "
                          "WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped")
        row("the table now", columns, columns == "account bigint, created_at timestamp with time zone, display_name text, id bigint, plan text")


def look_around(lab):
    kubectl = f"{lab.kubectl_path} --kubeconfig {lab.folder}/cp/admin.kubeconfig -n shop"
    stop = lab.folder / "stop.sh"
    stop.write_text(f"#!/usr/bin/env bash\nexec {pathlib.Path(__file__).resolve().parents[1]}/support/reaper.sh {lab.folder} </dev/null\n")
    stop.chmod(0o755)
    print(f"""
It is still up. Look around:
  alias k='{kubectl}'
  k get lkm,lkdb,deploy,svc -o wide
  k describe lkm {NAME}
  k get configmap {NAME}-plan -o yaml
  psql -h {lab.folder} -p {lab.pg_port} -U lockkeeper_op shop
  less {lab.folder}/operator.log
and stop it with
  {stop}""")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true", help="leave everything up at the end")
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    began = time.monotonic()
    try:
        with Lab(options.keep) as lab:
            story = Story(lab, options.rows)
            story.prepare()
            broken = story.finish(story.follow())
            print(f"\n{'every promise was kept' if not broken else 'BROKEN: ' + '; '.join(broken)} ({time.monotonic() - began:.0f} s in all)")
            if broken:
                log = (lab.folder / "operator.log").read_text().splitlines()
                print("\nthe operator's log ends:", *log[-15:], sep="\n  ")
            if options.keep:
                look_around(lab)
            return 1 if broken else 0
    except Problem as problem:
        print(f"\nthe demo could not go on: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
