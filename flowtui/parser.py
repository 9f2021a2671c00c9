"""The command line: options and positionals of every command, as one argparse parser for each.

A command's own parser holds the global options too, so they work before and after the command. Nothing heavy is
imported here: ``flowtui --version`` and a usage error answer at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from flowtui.argument_types import delimiter, line_count, names, not_negative, port, positive, quotation_mark
from flowtui.errors import UsageError

_Arguments = Callable[[argparse.ArgumentParser], None]

OPEN = "open"
"""The command that is meant where none is named: the screen."""


class _Parser(argparse.ArgumentParser):
    """Raises ``UsageError`` instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", f"`{self.prog} --help` shows what it takes.")


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)


class Command(NamedTuple):
    """A command: its name, what it is for in one line, and what adds its own arguments."""

    name: str
    usage: str
    summary: str
    arguments: _Arguments
    details: str = ""


def _global_options(parser: argparse.ArgumentParser) -> None:
    server = parser.add_argument_group("which server")
    add = server.add_argument
    add("--endpoint", metavar="URL", help="base URL of Flyte Admin, with its path prefix (FLOWTUI_ENDPOINT)")
    add("-p", "--project", metavar="NAME", help="Flyte project (FLOWTUI_PROJECT)")
    add("-d", "--domain", metavar="NAME", help="Flyte domain (FLOWTUI_DOMAIN; development)")
    add("--context", metavar="NAME", help="a context of flowtui's file, `local` or `flyte` (FLOWTUI_CONTEXT)")
    add("--local", action="store_true", default=None, help="the runs on this machine, whatever is configured")
    add("--home", metavar="DIR", help="where flowtui keeps its data (FLOWTUI_HOME)")
    add("--config", metavar="FILE", help="flowtui's configuration file (FLOWTUI_CONFIG)")
    add("--timeout", metavar="SECONDS", help="how long to wait for an answer (FLOWTUI_TIMEOUT; 30)")
    add("--auth-mode", metavar="MODE", help="how to log in (FLOWTUI_AUTH_MODE); found out where not given")
    add("--ca-file", metavar="FILE", help="certificates to trust beside the machine's (FLOWTUI_TLS_CA_FILE)")
    add("--proxy", metavar="URL", help="HTTP proxy (FLOWTUI_PROXY, else HTTPS_PROXY and NO_PROXY)")
    add(
        "--insecure-skip-verify",
        dest="verify",
        action="store_false",
        default=None,
        help="do not check certificates (FLOWTUI_TLS_VERIFY=false)",
    )
    add(
        "--read-only",
        action="store_true",
        default=None,
        help="refuse every write: exports, re-runs and the like (FLOWTUI_READ_ONLY)",
    )
    shape = parser.add_argument_group("output")
    add = shape.add_argument
    add("--json", action="store_true", default=False, help="the answer as JSON; an error as one object on stderr")
    add("--ascii", action="store_true", default=None, help="no characters beyond ASCII in tables and trees")
    add("--no-color", dest="color", action="store_false", default=None, help="no colour (NO_COLOR)")
    add("--images", metavar="HOW", help="pictures: auto, kitty, sixel, half, off (FLOWTUI_IMAGES; auto)")
    add("--no-mouse", dest="mouse", action="store_false", default=None, help="leave the mouse to the terminal")
    add("-h", "--help", action="store_true", default=False, help="show this help")
    add("-V", "--version", action="store_true", default=False, help="show the version")


VALUE_OPTIONS = frozenset(
    {
        "--endpoint", "-p", "--project", "-d", "--domain", "--context", "--home", "--config", "--timeout",
        "--auth-mode", "--ca-file", "--proxy", "--images",
    }
)  # fmt: skip
"""Global options that take a value: needed to find the command behind them."""


def _run_argument(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    help_ = "NAME, PROJECT/DOMAIN/NAME or the URL of Flyte's console"
    parser.add_argument("run", metavar="RUN", nargs="?" if optional else None, help=help_)


def _selector(
    parser: argparse.ArgumentParser, *, many: bool = False, required: bool = False, outputs: bool = False
) -> None:
    also = "; or an output that no artifact declares, as n0.o0" if outputs else ""
    parser.add_argument(
        "selectors" if many else "selector",
        metavar="ARTIFACT[/FILE] | NODE.OUTPUT" if outputs else "ARTIFACT[/FILE]",
        nargs="*" if many else (None if required else "?"),
        help=f"an artifact of the run, or one file of it{also}",
    )
    _narrow(parser)


def _narrow(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", metavar="TYPE", help="artifacts of this type only: data, model, report")
    parser.add_argument("--node", metavar="ID", help="files of this node execution only")


def _limit(parser: argparse.ArgumentParser, what: str, default: int) -> None:
    parser.add_argument("--limit", metavar="N", type=positive, default=default, help=f"at most N {what} ({default})")


def _if_exists(parser: argparse.ArgumentParser, default: str) -> None:
    choices = ("stop", "replace", "keep-both")
    what = f"where another file is there: {', '.join(choices)} ({default})"
    parser.add_argument("--if-exists", metavar="WHAT", choices=choices, default=default, help=what)


def _open(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", nargs="?", help="a run, a URL of Flyte's console, or flyte://...")


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-screen", dest="screen", action="store_false", help="run them, and do not open the screen")


def _runs(parser: argparse.ArgumentParser) -> None:
    _limit(parser, "runs", 50)
    parser.add_argument(
        "--query", metavar="TEXT", default="", help="only runs that match, such as `wf:adam !phase:aborted`"
    )


def _nodes(parser: argparse.ArgumentParser) -> None:
    _run_argument(parser)
    parser.add_argument("--attempts", action="store_true", help="ask for the attempts and their logs of every node")


def _artifacts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", nargs="?", help="a run; without it the newest runs that declare files")
    _narrow(parser)
    _limit(parser, "runs, without RUN", 20)
    parser.add_argument("--sizes", action="store_true", help="ask the size of every file (one request each)")
    parser.add_argument("--undeclared", action="store_true", help="find the URIs of outputs that no artifact declares")


def _lineage(parser: argparse.ArgumentParser) -> None:
    _run_argument(parser)
    _selector(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--mermaid", action="store_true", help="as a Mermaid flowchart")
    form.add_argument("--dot", action="store_true", help="as a Graphviz graph")


def _preview(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN | PATH | URI", help="a run, or alone the path or URI of a file")
    _selector(parser, outputs=True)
    parser.add_argument("--rows", metavar="N", type=positive, default=100, help="rows or lines to show (100)")
    parser.add_argument("--columns", metavar="A,B", type=names, default=(), help="columns of a table, in this order")
    parser.add_argument("--page", metavar="N", type=positive, default=1, help="the page or sheet to show (1)")
    parser.add_argument("--member", metavar="NAME", default="", help="a file of a zip or tar archive, as it is listed")
    parser.add_argument("--tail", action="store_true", help="the last lines of a text instead of the first")
    _dialect(parser)


def _dialect(parser: argparse.ArgumentParser) -> None:
    shape = parser.add_argument_group("delimited text, where what is found out is wrong")
    add = shape.add_argument
    add("--delimiter", metavar="TEXT", type=delimiter, help="what parts the fields, such as ; or || or tab")
    add("--quote", metavar="MARK", type=quotation_mark, help="the quotation mark; '' where there is none")
    add("--skip", metavar="N", type=line_count, help="lines before the header or the first row")


def _diff(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("left", metavar="RUN | PATH | URI", help="the older run; or alone with the other, the path or URI of a file")
    add("right", metavar="RUN | PATH | URI", help="the newer one")
    _selector(parser)
    add("--key", metavar="COLUMNS", default="", help="columns that pair rows, such as USUBJID,AESEQ; else found")
    add("--tolerance", metavar="X", type=not_negative, default=0.0, help="numbers that differ by no more are equal (0)")
    add("--rows", metavar="N", type=positive, default=10_000, help="rows or lines of each to compare (10000)")
    add("--examples", metavar="N", type=positive, default=20, help="rows to show of each kind of change (20)")
    add(
        "--page",
        metavar="N",
        type=positive,
        default=0,
        help="page, sheet or member to compare (of a text all)",
    )
    add("--hash", action="store_true", help="read files of any size to their end to tell whether they are the same")
    _dialect(parser)
    add("--exit-code", action="store_true", help="exit 5 unless everything was compared and nothing differs")


def _get(parser: argparse.ArgumentParser) -> None:
    _run_argument(parser)
    _selector(parser, outputs=True)
    parser.add_argument("--undeclared", action="store_true", help="also the outputs that no artifact declares")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="the directory to write to")
    _if_exists(parser, "stop")


def _bookmark(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("add", "rm", "list"))
    parser.add_argument("run", metavar="RUN", nargs="?", help="the run of the artifact")
    _selector(parser)


def _export(parser: argparse.ArgumentParser) -> None:
    _run_argument(parser, optional=True)
    _selector(parser, many=True)
    add = parser.add_argument
    add(
        "--and",
        dest="more",
        metavar="X",
        nargs="+",
        action="append",
        default=[],
        help="another RUN and its ARTIFACT...; may be given again",
    )
    add("--to", metavar="TARGET", required=True, help="a directory, s3://..., gs://..., abfs://... or dataset:NAME")
    _if_exists(parser, "replace")
    add("--layout", choices=("flat", "snapshots"), default="flat", help="snapshots: a folder snapshots/<n> (flat)")
    add("--folder", metavar="PATH", default="", help="folder in the target that the files go below")
    add("--tag", metavar="TAG", default="", help="of a dataset's new snapshot")
    add("--no-snapshot", dest="snapshot", action="store_false", help="of a dataset: make no snapshot")
    add("--create", action="store_true", help="make the dataset where there is none of that name")
    add("--dataset-project", metavar="NAME", default="", help="the Domino project of the dataset")
    add("--via", choices=("here", "domino-job", "flyte"), default="here", help="who moves the bytes (here)")
    add("--job-project", metavar="NAME", default="", help="Domino project of the job: NAME, OWNER/NAME or its id")
    add("--hardware-tier", metavar="ID", default="", help="of the job; the project's default where not given")
    add("--environment-id", metavar="ID", default="", help="of the job; it needs flowtui installed")
    add("--selection", metavar="WORD", default="", help=argparse.SUPPRESS)
    add("--leave-out", action="store_true", help="files that cannot be read are left out, instead of nothing written")
    _allow_elsewhere(parser)
    add("--yes", action="store_true", help="ask nothing: files from elsewhere are refused")
    add("--dry-run", action="store_true", help="show the plan and write nothing")


def _allow_elsewhere(parser: argparse.ArgumentParser) -> None:
    what = "export also files that lie where no runs of the server keep theirs"
    parser.add_argument("--allow-elsewhere", action="store_true", help=what)


def _export_artifacts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request", metavar="REQUEST", help="a file of JSON, - for stdin, or base64: and its base64")
    parser.add_argument("--run", metavar="RUN", help="the run (FLOWTUI_RUN, else the one of this task of Flyte)")
    _allow_elsewhere(parser)


def _exports(parser: argparse.ArgumentParser) -> None:
    actions = ("list", "show", "pause", "resume", "retry", "cancel", "remove")
    parser.add_argument("action", choices=actions, nargs="?", default="list")
    parser.add_argument("id", metavar="ID", nargs="?", help="of the export, or as much of it as tells it apart")
    parser.add_argument("--state", metavar="STATE", default="", help="list those in this state only")
    _limit(parser, "exports", 50)


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", help="the Python file of the flow")
    parser.add_argument("workflow", metavar="WORKFLOW", nargs="?", help="the workflow or task in it")
    parser.add_argument("--name", metavar="NAME", default="", help="name of the run")
    parser.add_argument("--max-parallelism", metavar="N", type=positive, help="nodes that run at the same time (4)")
    parser.add_argument("--overwrite-cache", action="store_true", help="run cached tasks again")
    parser.add_argument("--execution", metavar="PROJECT/DOMAIN/NAME", help=argparse.SUPPRESS)


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", metavar="PORT", type=port, default=8188, help="loopback port, 0 for a free one (8188)"
    )
    parser.add_argument(
        "--grpc-port", metavar="PORT", type=port, help="loopback port for gRPC, 0 for a free one (the one after --port)"
    )


def _login(parser: argparse.ArgumentParser) -> None:
    from flowtui.config.access import AUTH_MODES, TOKEN_STORES

    modes = [mode for mode in AUTH_MODES if mode != "none"]
    add = parser.add_argument
    add("--mode", metavar="MODE", choices=modes, help=f"{', '.join(modes)}; found out where not given")
    add("--store", metavar="WHERE", choices=TOKEN_STORES, help=f"where to keep it: {', '.join(TOKEN_STORES)} (keyring)")
    add("--no-browser", dest="browser", action="store_false", help="open none: the URL is shown in any case")


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contexts", action="store_true", help="the contexts that --context takes")


def _nothing(parser: argparse.ArgumentParser) -> None:
    return


COMMANDS = {
    command.name: command
    for command in (
        Command(OPEN, "[RUN | URL]", "the screen, opened there; the same without `open`", _open),
        Command("demo", "", "the screen over sample flows that really run here", _demo),
        Command("runs", "", "runs, newest first", _runs),
        Command("nodes", "RUN", "the node executions of a run", _nodes),
        Command("artifacts", "[RUN]", "the artifact files of a run, or of the newest runs", _artifacts),
        Command("lineage", "RUN [ARTIFACT[/FILE]]", "what a file was made of, and what was made of it", _lineage),
        Command(
            "preview",
            "RUN ARTIFACT/FILE | PATH | URI",
            "the head of a file, without downloading it",
            _preview,
        ),
        Command("diff", "RUN RUN ARTIFACT[/FILE] | A B", "two versions of a file or artifact compared", _diff),
        Command("get", "RUN [ARTIFACT[/FILE]] -o DIR", "download to DIR/<artifact>/<file>", _get),
        Command("bookmark", "add|rm|list ...", "keep artifact versions at hand", _bookmark),
        Command("export", "RUN ARTIFACT... --to TARGET", "copy artifacts to a directory, store or dataset", _export),
        Command(
            "export-artifacts",
            "REQUEST",
            "what a flow's export task runs: wait, then export",
            _export_artifacts,
            "REQUEST is what run_launch_export_artifacts_task writes into the task. The command waits for the nodes\n"
            "of the run that make the files; it fails where one is missing, the run has failed, or the time is over.",
        ),
        Command("exports", "[ACTION ID]", "the exports so far: show, pause, resume, cancel one", _exports),
        Command(
            "run",
            "FILE WORKFLOW [--INPUT VALUE ...]",
            "run a flow on this machine",
            _run,
            "Options of flowtui go before WORKFLOW: every option behind it is an input of the workflow.\n"
            "`flowtui run FILE WORKFLOW --help` lists its inputs.",
        ),
        Command("serve", "", "the Flyte Admin of this machine on loopback ports", _serve),
        Command("login", "", "log in to the server, as with pyflyte", _login),
        Command("logout", "", "forget the login of the server", _nothing),
        Command("config", "[--contexts]", "the settings that hold, and where each comes from", _config),
        Command("doctor", "", "step by step: what is configured, does the server answer", _nothing),
    )
}


class Arguments(NamedTuple):
    """A command line taken apart: the command's name, its options and, for ``run``, the workflow's inputs."""

    command: str
    options: argparse.Namespace
    inputs: tuple[str, ...] = ()


def _positions(argv: Sequence[str], value_options: frozenset[str]) -> list[int]:
    """Where the positionals are, given the options that take a value."""
    found: list[int] = []
    index = 0
    while index < len(argv):
        word = argv[index]
        if word == "--":
            return [*found, *range(index + 1, len(argv))]
        if word in value_options:
            index += 1
        elif not word.startswith("-") or word == "-":
            found.append(index)
        index += 1
    return found


def command_parser(command: Command) -> argparse.ArgumentParser:
    """The parser of one command, global options included."""
    parser = _Parser(
        prog="flowtui" if command.name == OPEN else f"flowtui {command.name}",
        usage=f"flowtui {command.name} {command.usage}".rstrip() + " [options]",
        description=command.summary[0].upper() + command.summary[1:] + ".",
        epilog=command.details or None,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    command.arguments(parser)
    _global_options(parser)
    return parser


def overview() -> str:
    """What ``flowtui --help`` shows."""
    rows = [(f"{command.name} {command.usage}".rstrip(), command.summary) for command in COMMANDS.values()]
    width = max(len(row[0]) for row in rows)
    lines = [f"  {head:<{width}}  {summary}" for head, summary in rows]
    parser = _Parser(usage="", formatter_class=_HelpFormatter, add_help=False)
    _global_options(parser)
    options = parser.format_help().partition("which server")
    return "\n".join(
        [
            "The terminal browser for Flyte runs and their Domino Flow Artifacts.",
            "",
            "usage: flowtui [RUN | URL] [options]",
            "       flowtui COMMAND ... [options]      `flowtui COMMAND --help` shows more",
            "",
            "commands:",
            *lines,
            "",
            options[1] + options[2].rstrip(),
        ]
    )


def parse(argv: Sequence[str]) -> Arguments:
    """Takes a command line apart.

    Raises:
        UsageError: it is not one of a command.
    """
    words = list(argv)
    places = _positions(words, VALUE_OPTIONS)
    first = places[0] if places else None
    named = first is not None and words[first] in COMMANDS and "--" not in words[:first]
    name = words.pop(first) if named and first is not None else OPEN
    inputs: tuple[str, ...] = ()
    if name == "run":
        behind = [place for place in _positions(words, VALUE_OPTIONS | _RUN_VALUES) if place >= (first or 0)]
        if len(behind) > 1:
            cut = behind[1] + 1
            words, inputs = words[:cut], tuple(words[cut:])
    parser = command_parser(COMMANDS[name])
    if "-h" in words or "--help" in words:
        return Arguments("help", argparse.Namespace(text=_help(name, first, parser), version=False))
    if not named and len(places) > 1:
        raise _unknown(words[places[0]])
    # Intermixed: `lineage RUN --mermaid ARTIFACT` too, which parse_args takes for one positional too many.
    # It drops "--", so words behind that go the plain way.
    parse_words = parser.parse_args if "--" in words else parser.parse_intermixed_args
    return Arguments(name, parse_words(words), inputs)


_RUN_VALUES = frozenset({"--name", "--max-parallelism", "--execution"})


def _help(name: str, first: int | None, parser: argparse.ArgumentParser) -> str:
    return overview() if name == OPEN and first is None else parser.format_help().rstrip()


def _unknown(word: str) -> UsageError:
    import difflib

    near = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f"Did you mean `flowtui {near[0]}`?" if near else "`flowtui --help` lists the commands."
    return UsageError(f"flowtui: {word!r} is not a command.", hint)
