#!/usr/bin/env python3
"""clang-format and clang-tidy over the project's files; what was seen clean is not looked at again.

    tests/lint.py build/tidy [--long] [FILE...]

clang-tidy looks at the rooms, and with --long at the tests too and with the path-sensitive analyzer,
which doubles its time.

A unit's key is the hash of its text, of every own header that it reaches, of the checks, of its
compile command and of the installed versions; clean keys are kept in the XDG cache. The last line is
`N passed, N failed`, one unit or one format check each.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "lockkeeper" / "lint"
INCLUDE = re.compile(rb'^#include "([^"]+)"', re.M)


def tracked():
    """Files that git knows or would add: a new file is looked at before it is committed."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.cc", "*.h"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(f for f in set(listed.split()) if (ROOT / f).exists())


def versions():
    """What the machine brings: the same text under other headers may not be clean."""
    names = [line.split("#")[0].strip() for line in (ROOT / ".ci/packages").read_text().splitlines()]
    return subprocess.run(["dpkg-query", "-W", *filter(None, names)], capture_output=True).stdout


class Reach:
    """Hash of a file and of all own headers below it."""

    def __init__(self):
        self.direct = {}

    def read(self, path):
        if path not in self.direct:
            try:
                text = (ROOT / path).read_bytes()
            except OSError:
                text = b""
            own = [name.decode() for name in INCLUDE.findall(text)]
            self.direct[path] = (hashlib.sha256(text).digest(), own)
        return self.direct[path]

    def hash(self, path):
        seen, todo = set(), [path]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += self.read(name)[1]
        total = hashlib.sha256()
        for name in sorted(seen):
            total.update(name.encode() + self.read(name)[0])
        return total.digest()


def check_format(files):
    result = subprocess.run(["clang-format-14", "--dry-run", "--Werror", *files], cwd=ROOT, capture_output=True, text=True) if files else None
    bad = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error: code should be clang-formatted", result.stderr, re.M))) if result else []
    for name in bad:
        print(f"--- FAILED format: {name} (make format)")
    return bad


def fewer_checks(name, long):
    # gtest's macros cost the path-sensitive analyzer minutes and teach it nothing about our code.
    return [] if long and not name.startswith("tests/") else ["--checks=-clang-analyzer-*"]


def tidy(build, name, more):
    started = time.monotonic()
    result = subprocess.run(["clang-tidy-14", "--quiet", "-p", str(build), *more, name], cwd=ROOT, capture_output=True, text=True)
    return result.returncode, result.stdout + (result.stderr if result.returncode and not result.stdout else ""), time.monotonic() - started


def main():
    long = "--long" in sys.argv
    build, *chosen = [argument for argument in sys.argv[1:] if argument != "--long"]
    build, files = pathlib.Path(build).resolve(), chosen or tracked()
    bad_format = check_format(files)
    commands = {os.path.relpath(c["file"], ROOT): c["command"].replace(str(ROOT), ".") for c in json.loads((build / "compile_commands.json").read_text())}
    common = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + versions() + pathlib.Path(__file__).read_bytes()).digest()
    reach, keys = Reach(), {}
    for name in files:
        if name in commands and (long or chosen or not name.startswith("tests/")):
            checks = " ".join(fewer_checks(name, long))
            keys[name] = hashlib.sha256(common + (commands[name] + checks).encode() + reach.hash(name)).hexdigest()
    CACHE.mkdir(parents=True, exist_ok=True)
    todo = [name for name in keys if not (CACHE / keys[name]).exists()]
    print(f"format: {len(files)} files; tidy: {len(keys)} units, {len(todo)} of them new", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for name, (code, text, seconds) in zip(todo, pool.map(lambda n: tidy(build, n, fewer_checks(n, long)), todo)):
            if code == 0:
                (CACHE / keys[name]).touch()
            else:
                failed += 1
                print(f"--- FAILED tidy: {name} ({seconds:.0f} s)\n{text.strip()}\n", flush=True)
    failed += len(bad_format)
    print(f"{len(keys) + len(files) - failed} passed, {failed} failed")
    return 0 if failed == 0 and files else 1


if __name__ == "__main__":
    sys.exit(main())
