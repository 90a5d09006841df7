#!/usr/bin/env python3
"""Runs the test programs of a build folder and says in the last line how it went.

    tests/run.py build/release [--kind test pgtest e2etest] [--only NAME...] [--timeout MINUTES]

The programs are listed in BUILD/test-programs; the kind is the suffix of a program's name. Programs
without a server run two at a time, those with PostgreSQL two at a time (one under a sanitizer), those
with a control plane one after the other. A case with a server that fails is played once more, alone and
at the end: one that passes then is named as unsteady and counts as passed. The last line is `N passed, N failed`, with `, N skipped`
when some were; the exit code is 0 only when tests ran and none failed. A crash, a program that takes
too long and a process that outlives its program count as failures.
"""
import argparse
import concurrent.futures
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as xml

KINDS = ("test", "pgtest", "e2etest")
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None)
printing = threading.Lock()
running = set()  # process groups of the programs at work


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def line(self):
        tail = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{tail}"


def kind_of(program):
    return program.name.rsplit("_", 1)[-1]


def in_own_session():
    os.setsid()
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def parse_report(report, tally, problems):
    """Counts the cases of one gtest report; False when there is none to be had."""
    try:
        root = xml.parse(report).getroot()
    except (OSError, xml.ParseError):
        return False
    for case in root.iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None:
            tally.failed += 1
            problems.append((name, "\n".join(f.text or "" for f in case.findall("failure"))))
        elif case.get("result") == "skipped":
            tally.skipped += 1
        elif case.get("status") == "run":
            tally.passed += 1
    return True


def tail(path, lines=120):
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def execute(program, arguments, log, timeout):
    """Runs one program to its end; its exit code, None when it took too long and was killed."""
    with open(log, "wb") as out:
        process = subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, preexec_fn=in_own_session)
        running.add(process.pid)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
        finally:
            running.discard(process.pid)


def run_program(program, reports, timeout):
    """Runs one program; prints one line, and what failed. Gives its tally and the cases that failed."""
    tally, problems = Tally(), []
    report, log = reports / f"{program.name}.xml", reports / f"{program.name}.log"
    started = time.monotonic()
    code = execute(program, [f"--gtest_output=xml:{report}"], log, timeout)
    reported = parse_report(report, tally, problems)
    cases = [name for name, _ in problems] if code is not None and reported else []
    if code is None:
        tally.failed += 1
        problems.append((program.name, f"took longer than {timeout:.0f} s and was killed; its output ends:\n{tail(log)}"))
    elif not reported or (code != 0 and tally.failed == 0):
        tally.failed += 1
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
        problems.append((program.name, f"{how} without a failed test case; its output ends:\n{tail(log)}"))
    elif tally.passed + tally.failed + tally.skipped == 0:
        tally.failed += 1
        problems.append((program.name, "ran no test"))
    with printing:
        print(f"{program.name:24} {tally.line():32} {time.monotonic() - started:6.1f} s", flush=True)
        for name, text in problems:
            print(f"--- FAILED {name}\n{text.strip()}\n", flush=True)
    return tally, [(program, case) for case in cases]


def again(failed, reports, timeout, total):
    """Plays failed cases once more, alone: one that passes now is unsteady, and named."""
    for program, case in failed:
        report, tally = reports / f"again-{case.replace('/', '-')}.xml", Tally()
        code = execute(program, [f"--gtest_filter={case}", f"--gtest_output=xml:{report}"], report.with_suffix(".log"), timeout)
        if code == 0 and parse_report(report, tally, []) and tally.passed == 1:
            total.failed, total.passed = total.failed - 1, total.passed + 1
            print(f"--- UNSTEADY {case}: failed above, passed when played again", flush=True)


def children():
    mine = pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in mine]


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def reap():
    """Collects orphans that have ended; they come to us because we are their subreaper."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def end_leftovers(grace=10):
    """Waits for guards to finish, kills what is left then; returns what that was."""
    end = time.monotonic() + grace
    while children() and time.monotonic() < end:
        reap()
        time.sleep(0.05)
    left = []
    for _ in range(50):
        alive = [pid for pid in children()]
        if not alive:
            break
        for pid in alive:
            if command_of(pid):
                left.append(command_of(pid)[:150])
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)
        reap()
    return left


def stop_all(*_):
    """We were told to stop: the programs go first, their guards then clean up after them."""
    for group in list(running):
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass
    sys.exit(130)


def sanitizer_settings():
    """Read by programs that were built with a sanitizer, unknown to the others."""
    here = pathlib.Path(__file__).resolve().parent
    # The test main leaves by _exit, which forgets earlier races: the first one ends the program.
    os.environ.setdefault("TSAN_OPTIONS", f"suppressions={here}/tsan.supp:halt_on_error=1:second_deadlock_stack=1")
    os.environ.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=1:check_initialization_order=1")
    os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")


def choose(build, listing, kinds, only):
    listed = (build / listing).read_text().split()
    programs = [pathlib.Path(p) for p in listed if not only or pathlib.Path(p).name in only]
    return {kind: [p for p in programs if kind_of(p) == kind] for kind in KINDS if kind in kinds}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--list", default="test-programs", help="file in BUILD that lists the programs")
    parser.add_argument("--only", nargs="+", help="names of programs")
    parser.add_argument("--timeout", type=float, default=15, help="minutes for one program")
    parser.add_argument("--jobs", type=int, default=2, help="programs that run at once, where that is safe")
    options = parser.parse_args()

    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, stop_all)
    sanitizer_settings()
    build = options.build.resolve()
    reports = build / "test-reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    total, failed = Tally(), []
    try:
        for kind, programs in choose(build, options.list, options.kind, options.only).items():
            jobs = 1 if kind == "e2etest" else options.jobs
            with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
                for tally, cases in pool.map(lambda p: run_program(p, reports, options.timeout * 60), programs):
                    total.add(tally)
                    failed += [] if kind == "test" else cases
        again(failed, reports, options.timeout * 60, total)
    finally:
        left = end_leftovers()
    for command in left:
        print(f"--- FAILED a process outlived its test program: {command}\n")
        total.failed += 1
    if total.passed + total.failed == 0:
        print("no test ran")
    print(total.line(), flush=True)
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main())
