"""One peer of the benchmarks in a process of its own: requests as JSON lines on stdin, answers on stdout.

    python serve.py upstream-eager
    {"do": "prepare", "case": "network", "mode": "spike", "weights": FILE, "batch": FILE}
    {"do": "results", "file": FILE}
    {"do": "run", "task": "train-step", "repeat": 1}
    {"do": "memory", "task": "train-step"}

An answer is one line: what was asked for, or {"error": TEXT}. Arrays travel as safetensors files.
"""

import importlib
import json
import os
import re
import sys
import time
import traceback
from pathlib import Path

MODULES = {
    "upstream": "upstream",
    "spikingjelly": "with_spikingjelly",
    "snntorch": "with_snntorch",
    "norse": "with_norse",
    "spyx": "with_spyx",
    "tonic": "with_tonic",
}


class Server:
    def __init__(self, peer):
        name, self.how = peer.rsplit("-", 1)
        self.module = importlib.import_module(MODULES[name])
        self.case = None

    def hello(self):
        return {"versions": self.module.versions()}

    def prepare(self, case, **args):
        self.case = None  # frees the last one before the next takes memory
        self.case = self.module.CASES[case](compiled=self.how == "compiled", **args)
        return {}

    def results(self, file):
        self.case.save_results(file)
        return {}

    def run(self, task, repeat=1):
        work = self.case.tasks[task]
        start = time.perf_counter()
        for _ in range(repeat):
            work()
        return {"ms": 1000 * (time.perf_counter() - start) / repeat}

    def memory(self, task, repeat=3):
        """Resident memory before the task, and its peak while the task runs; bytes. Linux."""
        level = status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again at the level
        self.run(task, repeat)
        return {"level": level, "peak": status("VmHWM")}


def status(field):
    """A figure of the operating system's about this process, in bytes."""
    line = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return 1024 * int(line[1])


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    server = Server(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(server, request.pop("do"))(**request)
        except Exception:
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")


main()
