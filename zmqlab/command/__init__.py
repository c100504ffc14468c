"""The command `zmqlab`: the course for who works in an editor and a terminal.

It shows the learner's map, gives labs out as programs, checks them, gives hints, and looks whether
the machine has what the course uses. What it does stands in the modules beside; here is what it
is called with.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class
from rich.console import Console

from zmqlab.learn.course import LABS, Chapter

PASSED, FAILED, UNDECIDED = 0, 1, 2  # exit status
USAGE = 64  # EX_USAGE of sysexits.h: click's own 2 means undecided here
LOOK = 0.3  # seconds between two looks at a file that is watched

EXAMPLES = """\b
Examples:
  zmqlab                      the map, and what to do next
  zmqlab start 05             make 05_broker.py, with the contract and the hole
  zmqlab check 05 05_broker.py --watch
  zmqlab hint 05              the next hint of the ladder
"""


class Lab(click.ParamType[Chapter]):
    """A lab by its number: 5 or 05."""

    name = "lab"

    def convert(self, value: Any, param: Any, ctx: Any) -> Chapter:
        """The lab's row in the course's table."""
        if isinstance(value, Chapter):
            return value
        lab = LABS.get(str(value).zfill(2))
        if lab is None:
            self.fail(f"there is no lab {value}; there are {', '.join(LABS)}", param, ctx)
        return lab

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[CompletionItem]:
        """The numbers, each with its title."""
        return [
            CompletionItem(number, help=lab.title)
            for number, lab in LABS.items()
            if number.startswith(incomplete)
        ]


LAB = Lab()


@click.group(invoke_without_command=True, epilog=EXAMPLES)
@click.version_option(metadata.version("zmqlab"), prog_name="zmqlab")
@click.pass_context
def command(context: click.Context) -> None:
    """Who gets the next task? A course on ZeroMQ load balancing, in the terminal."""
    if context.invoked_subcommand is None:
        _map()


@command.command()
def progress() -> None:
    """Show the map of the course, what you have passed, and what to do next."""
    _map()


def _map() -> None:
    from zmqlab.learn import progress as kept

    from . import shown

    shown.course(kept.map(), _console())


@command.command()
@click.argument("lab", type=LAB)
@click.argument("file", type=click.Path(path_type=Path), required=False)
def start(lab: Chapter, file: Path | None) -> None:
    """Make a program with a lab's contract and hole: 05_broker.py, or FILE."""
    path = file or Path(f"{lab.name}.py")
    text = _text(lab, path)
    try:
        with path.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise click.ClickException(
            f"{path} is there already, and is left as it is.\nGo on with it; or  zmqlab reset "
            f"{lab.number} {path}  sets it aside and gives the lab out anew."
        ) from None
    click.echo(f"{path} is made. Write {' and '.join(lab.functions)}, then:")
    click.echo(f"  zmqlab check {lab.number} {path}")


@command.command()
@click.argument("lab", type=LAB)
@click.argument("file", type=click.Path(path_type=Path), required=False)
def reset(lab: Chapter, file: Path | None) -> None:
    """Give a lab out anew; what you wrote is set aside.

    The program 05_broker.py (or FILE), if there is one here; else lesson and lab in the copy of
    the notebooks that `make lab` has made.
    """
    from zmqlab.learn import mine

    path = file or Path(f"{lab.name}.py")
    if file is not None or path.exists():
        text = _text(lab, path)
        if path.exists():
            aside = mine.free(path.with_suffix(".old.py"))
            path.rename(aside)
            click.echo(f"yours is {aside}")
        path.write_text(text, encoding="utf-8")
        click.echo(f"{path} is as at first")
    elif (mine.COURSE / mine.MINE).is_dir():
        click.echo("\n".join(mine.reset(lab.number)))
    else:
        raise click.ClickException(f"there is no {path} here;  zmqlab start {lab.number}  makes it")


def _text(lab: Chapter, path: Path) -> str:
    from . import texts

    try:
        return texts.program(lab, path.name)
    except texts.NoCourse as error:
        raise click.ClickException(str(error)) from None


@command.command()
@click.argument("lab", type=LAB)
@click.option("--number", type=click.IntRange(min=1), help="This one, not the next.")
def hint(lab: Chapter, number: int | None) -> None:
    """Give the next hint of a lab: first questions, then a pointer."""
    from zmqlab.learn import progress as kept

    from . import texts

    try:
        ladder = texts.hints(lab)
    except texts.NoCourse as error:
        raise click.ClickException(str(error)) from None
    which = min(number or kept.next_hint(lab.number, len(ladder)), len(ladder))
    click.echo(f"Hint {which} of {len(ladder)}\n\n{ladder[which - 1]}")


@command.command()
@click.argument("lab", type=LAB)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--watch", is_flag=True, help="Check again whenever the file is saved.")
def check(lab: Chapter, file: Path, watch: bool) -> None:
    """Check what you wrote for a lab in FILE, a program or a notebook.

    The functions are taken from it with what they need; its experiments are not run. Exit status:
    0 passed, 1 failed, 2 undecided (run it again), 64 nothing could be checked.
    """
    if watch:
        _watch(lab, file)
    sys.exit(_check(lab, file))


def _check(lab: Chapter, file: Path) -> int:
    from zmqlab import check as checks
    from zmqlab.learn import progress as kept

    from . import handed_in, shown

    try:
        functions = handed_in.functions(file, lab.functions)
    except handed_in.Unreadable as error:
        click.echo(str(error), err=True)
        return USAGE
    kept.at_terminal = True
    if file.resolve().parent.name == "solutions":
        os.environ[kept.ELSEWHERE] = ""  # nobody's lab
    report = getattr(checks, f"lab{lab.number}")(*functions)
    shown.report(report, _console())
    return {"passed": PASSED, "failed": FAILED, "undecided": UNDECIDED}[report.verdict]


def _watch(lab: Chapter, file: Path) -> None:
    """Check in a process of its own, now and whenever the file is saved, until Control-C."""
    seen = None
    try:
        while True:
            now = file.stat().st_mtime_ns if file.exists() else 0
            if now != seen:
                seen = now
                click.clear()
                subprocess.run(
                    [sys.executable, "-m", "zmqlab", "check", lab.number, str(file)], check=False
                )
                click.echo(f"Waiting until {file} is saved; Control-C ends it.")
            time.sleep(LOOK)
    except KeyboardInterrupt:
        click.echo()
        sys.exit(PASSED)


@command.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--lab", type=LAB, help="All are for this lab; else their names say it.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--limit", type=float, default=180.0, show_default=True, help="Seconds for one.")
@click.option("--again", is_flag=True, help="Judge also what an earlier run has judged.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write the table.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every rule.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit's XML.")
def grade(
    folder: Path,
    lab: Chapter | None,
    jobs: int,
    limit: float,
    again: bool,
    csv_file: Path | None,
    json_file: Path | None,
    junit: Path | None,
) -> None:
    """Judge all submissions in FOLDER, each in a box of its own.

    Programs and notebooks, in any layout. What was judged is kept in the folder: a second run goes
    on where the first ended. The box deters, it does not prove: look at what has odd names in it.
    Exit status: 0 each has a verdict, 2 one has none.
    """
    from . import shown, submissions
    from .box import namespaces

    found = submissions.found(folder, lab.number if lab else "")
    if not found:
        raise click.ClickException(f"no program and no notebook is in {folder}")
    if not namespaces():
        click.echo(
            "Notice: this system gives no network and no processes of their own (unshare). The "
            "submissions can reach others; grade only what you trust.",
            err=True,
        )
    with shown.bar(len(found), _console()) as step:
        given = submissions.graded(
            folder, found, jobs=jobs, limit=limit, again=again, told=lambda *_: step()
        )
    if any(one.findings and not one.walls for one in given.values()):
        click.echo(
            "Notice: this system has no Landlock: the submissions could read what you can read.",
            err=True,
        )
    table = list(submissions.rows(folder, found, given))
    shown.table(table, _console())
    for path, text in (
        (csv_file, submissions.as_csv(table)),
        (json_file, submissions.as_json(folder, found, given)),
        (junit, submissions.as_junit(table)),
    ):
        if path is not None:
            path.write_text(text, encoding="utf-8")
    verdicts = {verdict for _, _, verdict, _, _ in table}
    sys.exit(PASSED if verdicts <= {"passed", "failed"} else UNDECIDED)


@command.command()
def doctor() -> None:
    """Look whether this machine has what the course uses. Exit status 1: something is missing."""
    from . import machine

    found = list(machine.look())
    for seen in found:
        mark = "✓" if seen.good else "✗" if seen.needed else "–"
        first, *rest = seen.said.splitlines() or [""]
        click.echo(f"{mark} {seen.what:17} {first}")
        for line in rest:
            click.echo(f"{'':20}{line}")
    sys.exit(FAILED if any(seen.needed and not seen.good for seen in found) else PASSED)


@command.command()
@click.option("--listen", required=True, metavar="ENDPOINT", help="Where the tap listens.")
@click.option("--to", required=True, metavar="ENDPOINT", help="Where what comes is carried on to.")
@click.option("--delay", type=click.FloatRange(min=0), default=0.0, help="Seconds for each octet.")
@click.option("--stall", type=click.FloatRange(0, 1), default=0.0, help="Chance for each message.")
@click.option("--cut", type=click.FloatRange(0, 1), default=0.0, help="Chance for each message.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same faults each time.")
@click.option("--json", "as_json", is_flag=True, help="An object for each line.")
@click.option("--anywhere", is_flag=True, help="Endpoints beyond this machine are meant.")
def tap(
    listen: str,
    to: str,
    delay: float,
    stall: float,
    cut: float,
    seed: int,
    as_json: bool,
    anywhere: bool,
) -> None:
    r"""Show what travels between two sockets: greeting, READY, frames with their flags.

    
    zmqlab tap --listen tcp://127.0.0.1:5556 --to tcp://127.0.0.1:5555
    Let the one side connect to 5556 in place of 5555. Control-C ends it.
    """
    from zmqlab.wire import Faults

    from . import wire

    faults = Faults(seed, cut=cut, stall=stall)
    try:
        wire.follow(listen, to, faults=faults, delay=delay, as_json=as_json, anywhere=anywhere)
    except ValueError as error:
        hint = "" if anywhere else "\nWith --anywhere it may: others can then read what travels."
        raise click.ClickException(f"{error}{hint}") from None
    except OSError as error:
        raise click.ClickException(f"{listen}: {error.strerror}") from None


@command.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def mdp(words: tuple[str, ...]) -> None:
    """Judge a Majordomo broker, worker or client in any language: as python -m zmqlab.mdp."""
    from zmqlab.mdp.__main__ import main as suite

    sys.exit(suite(words))


@command.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    r"""Print the completion of a shell.

    \b
    bash:  eval "$(zmqlab completion bash)"     in ~/.bashrc
    zsh:   eval "$(zmqlab completion zsh)"      in ~/.zshrc
    fish:  zmqlab completion fish | source      in ~/.config/fish/config.fish
    """
    its = get_completion_class(shell)
    assert its is not None
    click.echo(its(command, {}, "zmqlab", "_ZMQLAB_COMPLETE").source())


def _console() -> Console:
    return Console(highlight=False)


def main() -> None:
    """Run the command; it ends the process with its exit status."""
    try:
        status = command(prog_name="zmqlab", standalone_mode=False)
    except click.Abort:
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(USAGE)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE)
    sys.exit(status or PASSED)
