"""What the operator costs beside an API server with many objects."""
import http.client
import json
import pathlib
import re
import ssl
import time
import urllib.request

from lab import wait_for
from measure import Table, median, migration, percentile


def resident_mb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def metric(lab, name):
    """Sum of a metric's series; 0 when it is not served."""
    try:
        text = urllib.request.urlopen(f"http://127.0.0.1:{lab.metrics_port}/metrics", timeout=5).read().decode()
    except OSError:
        return 0.0
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(rf"{name}(\{{|\s)", line))


def idle_migrations(lab, count):
    """Objects of about 1 kB that wait for nothing: suspended, of a Database that does not exist."""
    padding = "x" * 500
    for first in range(0, count, 500):
        items = [migration(f"idle-{i}", [{"addColumn": {"table": "t", "column": {"name": f"c{i}", "type": "text"}}}], suspend=True)
                 | {"metadata": {"name": f"idle-{i}", "namespace": "shop", "annotations": {"example.com/padding": padding}}}
                 for i in range(first, min(first + 500, count))]
        lab.kubectl("create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), timeout=600)


def start_up(lab, count, table):
    started = time.monotonic()
    operator = lab.start_operator()
    wait_for("all objects in the store", lambda: metric(lab, "lockkeeper_store_objects") >= count, 120, every=0.02)
    seen = time.monotonic() - started
    wait_for("an idle queue", lambda: metric(lab, "workqueue_depth") == 0, 300)
    memory = resident_mb(operator.pid)
    table.row(f"{count:,} Migrations: start to all seen", f"{seen:.2f} s", target="< 1 s", met=seen < 1)
    table.row(f"{count:,} Migrations: resident", f"{memory:.0f} MB", target="< 64 MB", met=memory < 64)
    return operator


class Api:
    """The API server without kubectl's 0.1 s a call."""

    PATH = "/apis/lockkeeper.dev/v1alpha1/namespaces/shop/migrations"

    def __init__(self, lab):
        folder = lab.folder / "cp"
        self.context = ssl.create_default_context(cafile=folder / "ca.crt")
        self.context.load_cert_chain(folder / "admin.crt", folder / "admin.key")
        self.port = int((folder / "port").read_text())

    def request(self, method, path, body=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=30)
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        return connection.getresponse()


def created_to_status(lab, table, tries=50):
    """Both moments as one watch sees them: the new object, and the first change that brings a status."""
    api, took = Api(lab), []
    stream = api.request("GET", Api.PATH + "?watch=1&labelSelector=probe")
    for i in range(tries):
        probe = migration(f"probe-{i}", [{"addColumn": {"table": "t", "column": {"name": "c", "type": "text"}}}])
        probe["metadata"]["labels"] = {"probe": ""}
        api.request("POST", Api.PATH, probe).read()
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


def bench(lab, count):
    table = Table("The operator beside many objects", "what", "measured")
    idle_migrations(lab, count)
    operator = start_up(lab, count, table)
    created_to_status(lab, table)
    operator.terminate()
    operator.wait()
    return table
