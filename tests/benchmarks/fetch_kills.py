"""Builds that are killed while they fetch, again and again, against a server that counts.

    python tests/benchmarks/fetch_kills.py --kills 100

Each trial is one output: builds of it are killed with SIGKILL at random moments of the fetching,
then one runs to its end. It is held against a build that nobody disturbed. Prints one JSON object:
kills landed, the share of URLs that was fetched twice, packs that are torn, outputs that are equal.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
import urllib.request
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
NOT_COMPARED = ("time", "seconds", "ref")
"""Columns of fetches that differ from run to run: when, how long, and in which pack."""


class Site:
    """The counting server, in a process of its own."""

    def __init__(self, per_page: int) -> None:
        command = [sys.executable, str(HERE / "local_site.py"), "--per-page", str(per_page)]
        command += ["--side", "72"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port: int = json.loads(self._process.stdout.readline())["port"]

    def counts(self) -> dict[str, int]:
        """How often each URL was asked for so far, files of rules left out."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counts") as answer:
            counts = json.load(answer)
        return {url: n for url, n in counts.items() if "/p/" in url or "/i/" in url}

    def stop(self) -> None:
        """Ends the server."""
        self._process.communicate()


def build_once(urls: Path, output: Path, delay_s: float) -> int:
    """Forks a build; its process id. What it imports was imported before, which saves seconds."""
    process = os.fork()
    if process:
        return process
    os.setsid()  # so that what it starts can be killed with it
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    errors = os.open(output.parent / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(errors, 2)
    from pipeline.build import main

    settings = [
        "fetch.allowed_private=['127.0.0.0/8']",
        "fetch.user_agent='kills/0.1 (+http://127.0.0.1/)'",
        f"fetch.per_host_delay_s={delay_s}",
        "language.min_probability=0",
        "gopher.min_stop_words=0",
    ]
    sets = [part for setting in settings for part in ("--set", setting)]
    arguments = ["--recipe", "m3w", "--input", str(urls), "--output", str(output), *sets]
    code = 3
    try:
        code = main(arguments)
    finally:  # whatever it is, it must not go on as a second parent
        if sys.exc_info()[0]:
            traceback.print_exc()
        os._exit(code)


def killed_at(process: int, site: Site, requests: int, delay_s: float) -> bool:
    """Kills a build once so many more URLs were asked for; whether it still ran."""
    end = sum(site.counts().values()) + requests
    while sum(site.counts().values()) < end:
        done, _ = os.waitpid(process, os.WNOHANG)
        if done:
            return False
        time.sleep(0.02)
    time.sleep(random.random() * 2 * delay_s)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return True


def torn_packs(output: Path) -> int:
    """Packs under their final names that are not whole, or hold other bytes than they say."""
    return sum(not _is_whole(path) for path in output.glob("work/**/*.tar"))


def _is_whole(path: Path) -> bool:
    if path.stat().st_size % 512 or path.read_bytes()[-1024:] != bytes(1024):
        return False
    try:
        with tarfile.open(path) as tar:
            if "packs" not in path.parts:
                return all(tar.extractfile(one).read() is not None for one in tar)
            return all(
                sha256(tar.extractfile(one).read()).hexdigest() == one.name.partition(".")[0]
                for one in tar
            )
    except tarfile.TarError:
        return False


def digests(output: Path) -> dict[str, str]:
    """What stands in an output, file by file, the work folder left out."""
    found = {}
    for path in sorted(output.rglob("*")):
        name = str(path.relative_to(output))
        if path.is_dir() or name.startswith("work/"):
            continue
        content = path.read_bytes()
        if name.startswith("fetches/"):
            table = pq.read_table(path)
            content = repr(table.drop_columns(list(NOT_COMPARED)).to_pylist()).encode()
        found[name] = sha256(content).hexdigest()
    return found


def main() -> int:
    """0 where everything held."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--kills-per-trial", type=int, default=12)
    parser.add_argument("--hosts", type=int, default=16)
    parser.add_argument("--images", type=int, default=2400)
    parser.add_argument("--delay", type=float, default=0.4, help="s between requests to a host")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    # Imported here once, for every build that is forked.
    import pipeline.build
    import pipeline.corpora.publish
    import pipeline.recipe

    del pipeline
    per_page = 25
    site = Site(per_page)
    pages = range(options.images // per_page)
    with tempfile.TemporaryDirectory(prefix="fetch-kills-") as folder:
        urls = Path(folder, "urls.txt")
        urls.write_text(
            "".join(
                f"http://127.0.1.{1 + n % options.hosts}:{site.port}/p/{n}.html\n" for n in pages
            )
        )
        result = _trials(site, urls, Path(folder), options)
    site.stop()
    print(json.dumps(result))
    good = not result["torn_packs"] and result["outputs_equal"] == result["trials"]
    return 0 if good and result["share_fetched_twice"] <= 0.05 else 1


def _trials(
    site: Site, urls: Path, folder: Path, options: argparse.Namespace
) -> dict[str, float | int]:
    whole = folder / "whole"
    _to_the_end(urls, whole, options.delay)
    expected, asked = digests(whole), site.counts()
    landed = torn = equal = trials = twice = all_urls = 0
    while landed < options.kills:
        trials += 1
        before = site.counts()
        output = folder / f"trial-{trials}"
        for _ in range(min(options.kills_per_trial, options.kills - landed)):
            process = build_once(urls, output, options.delay)
            most = max(1, len(asked) // options.kills_per_trial)
            landed += killed_at(process, site, random.randint(1, most), options.delay)
            torn += torn_packs(output)
        _to_the_end(urls, output, options.delay)
        torn += torn_packs(output)
        equal += digests(output) == expected
        fetched = {url: n - before.get(url, 0) for url, n in site.counts().items()}
        twice += sum(n > 1 for n in fetched.values())
        all_urls += len(asked)
        print(
            f"trial {trials}: {landed} kills landed, {twice / all_urls:.2%} twice", file=sys.stderr
        )
        _remove(output)
    return {
        "kills_landed": landed,
        "trials": trials,
        "urls": len(asked),
        "share_fetched_twice": round(twice / all_urls, 4),
        "torn_packs": torn,
        "outputs_equal": equal,
    }


def _to_the_end(urls: Path, output: Path, delay_s: float) -> None:
    _, status = os.waitpid(build_once(urls, output, delay_s), 0)
    if status:
        raise SystemExit(f"a build failed:\n{(output.parent / 'stderr').read_text()[-3000:]}")


def _remove(folder: Path) -> None:
    subprocess.run(["rm", "-rf", str(folder)], check=True)


if __name__ == "__main__":
    sys.exit(main())
