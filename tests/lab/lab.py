"""A laboratory for demo and benchmarks: a private PostgreSQL, a control plane, the operator and a load,
all in one temporary folder, all gone when the program ends. Standard library only."""
import ctypes
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests/support"
BUILD = pathlib.Path(os.environ.get("LK_BUILD", ROOT / "build/release"))
OPERATOR = ROOT / "build/lockkeeper"
PASSWORD = "lock-and-key-4711"
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


class Problem(Exception):
    """Something that makes it pointless to go on; the text is for people."""


def programs():
    for version in (15, 16, 17, 14, 13):
        folder = pathlib.Path(f"/usr/lib/postgresql/{version}/bin")
        if (folder / "initdb").exists():
            return folder
    raise Problem("no PostgreSQL server below /usr/lib/postgresql")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, seconds=60, every=0.1):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(every)
    raise Problem(f"waited {seconds:.0f} s in vain for {what}")


def run(args, input=None, env=None, timeout=600, **more):
    result = subprocess.run([str(a) for a in args], input=input, env=env, timeout=timeout, text=True, capture_output=True, **more)
    if result.returncode:
        raise Problem(f"{' '.join(str(a) for a in args)[:300]}: exit {result.returncode}\n{(result.stdout + result.stderr)[-2000:]}")
    return result.stdout


class Load:
    """lk_load: clients at a fixed rate. stop() gives its summary."""

    def __init__(self, lab, name, requests, clients, rate, rows, user="shop_app", tag=None, db="shop"):
        self.name, self.log = name, lab.folder / f"{name}-{time.monotonic_ns()}.latencies"
        self.now, self.final = {}, None
        args = [BUILD / "tests/lk_load", "--uri", lab.uri(user, application=name, db=db), "--clients", clients, "--rate", rate,
                "--rows", rows, "--tag", tag or name, "--log", self.log]
        for request in requests:
            args += ["--request", request]
        self.process = lab.spawn(args, name, stdout=subprocess.PIPE)
        self.done = 0
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            if said["final"]:
                self.final = said
            else:
                self.now, self.done = said, self.done + said["requests"]

    def stop(self):
        if self.final is None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.reader.join()
        return self.final or {"requests": 0, "errors": 1, "p50_ms": 0, "p95_ms": 0, "p99_ms": 0, "max_ms": 0, "messages": [f"the load {self.name} ended by itself"]}

    def latencies(self, start=0.0, end=float("inf")):
        """Milliseconds of the requests that ended between two times of the wall clock, sorted."""
        out = []
        if self.log.exists():
            for line in self.log.read_text().splitlines():
                when, took = line.split()
                if start <= int(when) / 1e6 <= end:
                    out.append(int(took) / 1000)
        return sorted(out)


class Watch:
    """kubectl get -w of one object: .object is what was seen last; each() is called with every version."""

    def __init__(self, lab, kind, name, each=None):
        self.object, self.each = {}, each
        self.process = lab.spawn([lab.kubectl_path, *lab.kubectl_flags, "-n", "shop", "get", kind, name, "-o", "json", "-w"],
                                 f"watch-{kind}", stdout=subprocess.PIPE)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        decoder, text = json.JSONDecoder(), ""
        for line in self.process.stdout:
            text += line
            if line.rstrip("\n") != "}":  # an object's last line stands at the margin
                continue
            self.object, text = decoder.raw_decode(text)[0], ""
            if self.each:
                self.each(self.object)


class Lab:
    def __init__(self, keep=False):
        self.keep, self.processes = keep, []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lk-", dir="/tmp"))
        self.folder.chmod(0o755)
        (self.folder / "pids").mkdir()
        # The guard ends everything should we die without a word.
        self.guard = None
        if not keep:
            self.guard = subprocess.Popen([SUPPORT / "reaper.sh", self.folder], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL, start_new_session=True)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(130))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.keep and kind is None:
            return
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(process.last_signal)
        for process in reversed(self.processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if (self.folder / "cp").exists():
            subprocess.run([SUPPORT / "controlplane/controlplane.sh", "stop", self.folder / "cp"], capture_output=True)
        if self.guard:
            self.guard.stdin.close()
            self.guard.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def spawn(self, args, name, stdout=None, last_signal=signal.SIGKILL, **more):
        """Starts a process that ends with us; what it says goes to folder/name.log."""
        log = open(self.folder / f"{name}.log", "a")
        dies_with_us = None if self.keep else (lambda: libc.prctl(PR_SET_PDEATHSIG, last_signal))
        process = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log, text=True,
                                   start_new_session=True, preexec_fn=dies_with_us, **more)
        log.close()
        process.last_signal = last_signal
        self.processes.append(process)
        (self.folder / "pids" / str(process.pid)).write_text(signal.Signals(last_signal).name.removeprefix("SIG"))
        return process

    # -- PostgreSQL ---------------------------------------------------------------------------------------------
    def start_postgres(self, settings=()):
        self.pg_port, data = free_port(), self.folder / "pg"
        as_server = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            owner = pwd.getpwnam("postgres")
            as_server = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
            data.mkdir()
            os.chown(data, owner.pw_uid, owner.pw_gid)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        run([programs() / "initdb", "-N", "-D", data, "-U", "postgres", "--auth-host=scram-sha-256", "--auth-local=trust",
             "-E", "UTF8", "--locale=C.UTF-8"], **as_server)
        with open(data / "postgresql.conf", "a") as conf:
            conf.write(f"\nport = {self.pg_port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{self.folder}'\n"
                       "max_connections = 100\nshared_buffers = 512MB\nmax_wal_size = 4GB\nlog_lock_waits = on\n"
                       "log_line_prefix = '%m [%p] %a %u '\n" + "".join(line + "\n" for line in settings))
        self.spawn([programs() / "postgres", "-D", data], "postgres", last_signal=signal.SIGINT, **as_server)
        pid_file = data / "postmaster.pid"
        wait_for("PostgreSQL", lambda: pid_file.exists() and "\nready" in pid_file.read_text())
        self.sql(f"CREATE ROLE lockkeeper_op LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE shop_app LOGIN PASSWORD 'app'", user="postgres", db="postgres")
        self.sql("CREATE DATABASE shop OWNER lockkeeper_op", user="postgres", db="postgres")
        self.sql("ALTER SCHEMA public OWNER TO lockkeeper_op", user="postgres")

    def uri(self, user, application="", host=None, db="shop"):
        if host is None:  # over the socket, which trusts
            return f"postgresql://{user}@/{db}?host={self.folder}&port={self.pg_port}&application_name={application}"
        return f"postgresql://{user}:{PASSWORD}@{host}:{self.pg_port}/{db}?sslmode=disable"

    def pg_env(self, user="lockkeeper_op", db="shop"):
        return os.environ | {"PGHOST": str(self.folder), "PGPORT": str(self.pg_port), "PGUSER": user, "PGDATABASE": db}

    def sql(self, text, user="lockkeeper_op", db="shop", timeout=600):
        return run([programs() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1"], input=text, env=self.pg_env(user, db), timeout=timeout).strip()

    # -- Kubernetes ---------------------------------------------------------------------------------------------
    def start_control_plane(self):
        script = SUPPORT / "controlplane/controlplane.sh"
        run([script, "start", self.folder / "cp"], timeout=3600)
        self.kubectl_path = (self.folder / "cp/bin").read_text().strip() + "/kubectl"
        self.kubectl_flags = ["--kubeconfig", str(self.folder / "cp/admin.kubeconfig"), "--cache-dir", str(self.folder / "kubectl-cache")]

    def kubectl(self, *args, input=None, timeout=120):
        return run([self.kubectl_path, *self.kubectl_flags, *args], input=input, timeout=timeout)

    def apply(self, *objects):
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-",
                     input=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def get(self, kind, name):
        return json.loads(self.kubectl("-n", "shop", "get", kind, name, "-o", "json"))

    def install(self):
        """CRDs, RBAC and the ServiceAccount, and a namespace that invites the operator."""
        self.kubectl("apply", "--server-side", "-k", ROOT / "manifests")
        self.kubectl("wait", "--for=condition=Established", "crd/migrations.lockkeeper.dev", "crd/databases.lockkeeper.dev", "--timeout=30s")
        self.kubectl("create", "namespace", "shop")
        self.kubectl("-n", "shop", "create", "rolebinding", "lockkeeper", "--clusterrole=lockkeeper-namespace",
                     "--serviceaccount=lockkeeper-system:lockkeeper")

    def start_operator(self, *flags, every=0.1):
        """The built program, as ServiceAccount lockkeeper; back when it has seen our objects (readyz)."""
        config = self.folder / "operator.kubeconfig"
        config.touch(mode=0o600)
        config.write_text(run([SUPPORT / "controlplane/controlplane.sh", "token", self.folder / "cp", "lockkeeper-system", "lockkeeper"]))
        self.metrics_port, self.health_port = free_port(), free_port()
        process = self.spawn([OPERATOR, "operator", "--kubeconfig", config, "--leader-election-namespace", "lockkeeper-system", "--insecure-metrics",
                              "--metrics-bind-address", f"127.0.0.1:{self.metrics_port}",
                              "--health-probe-bind-address", f"127.0.0.1:{self.health_port}", *flags], "operator", last_signal=signal.SIGTERM)

        def ready():
            if process.poll() is not None:
                raise Problem("the operator ended:\n" + (self.folder / "operator.log").read_text()[-2000:])
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/readyz", timeout=2).status == 200
            except OSError:
                return False

        wait_for("the operator", ready, every=every)
        return process

    # -- the shop -----------------------------------------------------------------------------------------------
    def make_users(self, rows):
        """users with a key and two more indexes, and the truth: every value that a client wrote, in order."""
        self.sql(f"""
            CREATE TABLE users (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text NOT NULL,
                                account int NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now());
            INSERT INTO users (name, account) SELECT 'user ' || i, i % 100000 FROM generate_series(1, {rows}) i;
            CREATE INDEX users_name ON users (name);
            CREATE INDEX users_created_at ON users (created_at);
            COMMENT ON COLUMN users.name IS 'what we call them';
            CREATE TABLE written (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id bigint NOT NULL, value text NOT NULL);
            GRANT SELECT, INSERT, UPDATE, DELETE ON users, written TO shop_app;
            ANALYZE""")
        self.sql("VACUUM users")

    def deploy_shop(self):
        def deployment(track):
            labels = {"app": "shop", "track": track}
            pod = {"nodeName": "node-a", "containers": [{"name": "shop", "image": "example.com/shop:" + track}]}
            return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": f"shop-{track}", "namespace": "shop"},
                    "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}}
        meta = lambda name: {"name": name, "namespace": "shop"}
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta("shop-db"), "stringData": {"uri": self.uri("lockkeeper_op", host="127.0.0.1")}},
                   {"apiVersion": "v1", "kind": "Service", "metadata": meta("shop"), "spec": {"selector": {"app": "shop", "track": "blue"}, "ports": [{"port": 80}]}},
                   deployment("blue"), deployment("green"))
        self.apply({"apiVersion": "lockkeeper.dev/v1alpha1", "kind": "Database", "metadata": meta("shop"),
                    "spec": {"connection": {"secretRef": {"name": "shop-db"}, "tls": {"mode": "disable"}}}})
        self.kubectl("-n", "shop", "wait", "--for=condition=Ready", "lkdb/shop", "--timeout=60s")
        self.kubectl("-n", "shop", "wait", "--for=condition=Available", "deployment/shop-blue", "deployment/shop-green", "--timeout=60s")


def condition(obj, kind):
    for c in obj.get("status", {}).get("conditions", []):
        if c["type"] == kind:
            return c
    return {"status": "Unknown", "reason": "", "message": ""}
