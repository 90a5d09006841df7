"""What the operator costs beside an API server with many objects."""
import concurrent.futures
import http.client
import json
import pathlib
import re
import socket
import ssl
import threading
import time
import urllib.request

from lab import Problem, wait_for
from measure import Table, median, migration, percentile

WRITERS = 4


def resident_mb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def metric(lab, name, **labels):
    """Sum of a metric's series with these labels; 0 when it is not served."""
    try:
        text = urllib.request.urlopen(f"http://127.0.0.1:{lab.metrics_port}/metrics", timeout=5).read().decode()
    except OSError:
        return 0.0
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if re.match(rf"{name}(\{{|\s)", line) and all(w in line for w in wanted))


class Api:
    """The API server without kubectl's 0.1 s a call: one connection that is kept."""

    PATH = "/apis/lockkeeper.dev/v1alpha1/namespaces/shop/migrations"

    def __init__(self, lab):
        folder = lab.folder / "cp"
        self.context = ssl.create_default_context(cafile=folder / "ca.crt")
        self.context.load_cert_chain(folder / "admin.crt", folder / "admin.key")
        self.port = int((folder / "port").read_text())
        self.connection = None

    def connect(self):
        self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=60)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def open(self, method, path, body=None, kind="application/json"):
        if self.connection is None:
            self.connect()
        self.connection.request(method, path, body and json.dumps(body), {"Content-Type": kind})
        return self.connection.getresponse()

    def call(self, method, path, body=None, kind="application/json"):
        answer = self.open(method, path, body, kind)
        text = answer.read()
        if answer.status >= 300:
            raise Problem(f"{method} {path}: {answer.status} {text[:500].decode(errors='replace')}")
        return json.loads(text)


def done_status():
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    condition = lambda kind, status: {"type": kind, "status": status, "reason": "Completed", "message": "done", "lastTransitionTime": now, "observedGeneration": 1}
    return {"observedGeneration": 1, "phase": "Completed", "message": "done", "startedAt": now, "completedAt": now,
            "conditions": [condition("Ready", "True"), condition("Contracted", "True"), condition("Reconciling", "False"), condition("Stalled", "False")]}


def idle_migrations(lab, count):
    """Objects of about 1 kB with nothing left to do."""
    status, own = {"status": done_status()}, threading.local()

    def make(i):
        if not hasattr(own, "api"):
            own.api = Api(lab)
        item = migration(f"idle-{i}", [{"addColumn": {"table": "t", "column": {"name": f"c{i}", "type": "text"}}}])
        item["metadata"]["annotations"] = {"example.com/padding": "x" * 300}
        own.api.call("POST", Api.PATH, item)
        own.api.call("PATCH", f"{Api.PATH}/idle-{i}/status", status, "application/merge-patch+json")

    with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
        for _ in pool.map(make, range(count)):
            pass


def start_up(lab, count, runs, table):
    synced, handled, memory = [], [], []
    for run in range(runs):
        started = time.monotonic()
        operator = lab.start_operator(every=0.005)
        synced.append(time.monotonic() - started)
        wait_for("all objects to be reconciled", lambda: metric(lab, "controller_runtime_reconcile_total", controller="migration") >= count, 120, every=0.02)
        handled.append(time.monotonic() - started)
        wait_for("an idle queue", lambda: metric(lab, "workqueue_depth") == 0, 60)
        time.sleep(1)
        memory.append(resident_mb(operator.pid))
        if run + 1 < runs:
            operator.terminate()
            operator.wait()
    seen, reconciled, resident = median(synced), median(handled), median(memory)
    table.row(f"{count:,} Migrations with nothing to do: start to all seen", f"{seen:.2f} s", target="< 1 s", met=seen < 1)
    table.row(f"{count:,} Migrations: start to all reconciled once", f"{reconciled:.2f} s")
    table.row(f"{count:,} Migrations: resident", f"{resident:.0f} MB", target="< 64 MB", met=resident < 64)
    return operator


def created_to_status(lab, table, tries=50):
    """Both moments as one watch sees them: the new object, and the first change that brings a status."""
    watch, api, took = Api(lab), Api(lab), []
    stream = watch.open("GET", Api.PATH + "?watch=1&labelSelector=probe")
    for i in range(tries):
        probe = migration(f"probe-{i}", [{"addColumn": {"table": "t", "column": {"name": "c", "type": "text"}}}])
        probe["metadata"]["labels"] = {"probe": ""}
        api.call("POST", Api.PATH, probe)
        created = None
        while True:
            event = json.loads(stream.readline())
            if event["object"]["metadata"]["name"] != f"probe-{i}":
                continue
            if created is None:
                created = time.monotonic()
            if event["object"].get("status", {}).get("conditions"):
                break
        took.append((time.monotonic() - created) * 1000)
        time.sleep(0.05)
    took.sort()
    p50 = median(took)
    table.row("created -> status written, p50", f"{p50:.1f} ms", target="<= 10 ms", met=p50 <= 10)
    table.row("created -> status written, p95", f"{percentile(took, 0.95):.1f} ms")


def bench(lab, count, runs):
    table = Table("The operator beside many objects", "what", "measured")
    idle_migrations(lab, count)
    operator = start_up(lab, count, runs, table)
    created_to_status(lab, table)
    operator.terminate()
    operator.wait()
    return table
