"""argv to a command or the screen.

Nothing heavy is imported at module level. Data goes to stdout, everything else to stderr; where a command fails, stdout
stays empty. This is the outermost door: what a command raises ends here, and the person sees what happened.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from flowtui import complaints
from flowtui.errors import FlowtuiError, NotFoundError, UsageError

if TYPE_CHECKING:
    from argparse import Namespace

    from flowtui.config import Settings
    from flowtui.domain.execution import ExecutionId
    from flowtui.headless.diff import Answer
    from flowtui.headless.style import Style
    from flowtui.parser import Arguments
    from flowtui.session import Session
    from flowtui.storage import Storage
    from flowtui.tui.context import Servers

DIFFERENT = 5
"""Exit code of ``diff --exit-code`` where it is not sure that nothing differs; 1 would look like a failure."""

_DEEDS = {
    "run": "no flow is run",
    "serve": "no Admin that takes runs is served",
    "export-artifacts": "nothing is waited for and exported",
}
"""What commands that only write do not do where that is forbidden."""

INTERRUPTED = 130
"""Exit code after Ctrl+C."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: the words behind ``flowtui``; by default those of the process.

    Returns:
        The exit code: 0, 1 failed, 2 usage, 3 not found, 4 not logged in, 5 different, 130 interrupted.
    """
    _open_missing_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(words)
        sys.stdout.flush()
        return code
    except FlowtuiError as error:
        complaints.show_error(error, _wants_json(words))
        return error.exit_code
    except KeyboardInterrupt:
        complaints.complain("interrupted", "Interrupted.", "", _wants_json(words))
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the pipe has seen enough.
        _drop_output()
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return complaints.show_defect(error, _wants_json(words))
        _drop_output()
        where = f" for {error.filename}" if error.filename else ""
        complaints.complain(
            "storage", f"There is no room left{where}.", "Free some, or write to another place.", _wants_json(words)
        )
        return 1
    except Exception as error:  # noqa: BLE001
        return complaints.show_defect(error, _wants_json(words))


def _open_missing_streams() -> None:
    """Stands in for standard streams that the parent closed: what is opened next must not take their numbers."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            stream = open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, stream)


def _drop_output() -> None:
    """Leads stdout to nowhere: the interpreter must not complain at exit about what it could not write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _wants_json(words: list[str]) -> bool:
    """Whether errors are wanted as JSON; behind the workflow of ``run``, ``--json`` is an input of it."""
    if "--json" not in words:
        return False
    from flowtui import parser

    try:
        arguments = parser.parse(words)
    except FlowtuiError:
        return True
    return bool(arguments.command == "help" or arguments.options.json)


def _dispatch(words: list[str]) -> int:
    if words in (["--version"], ["-V"]):
        return _version()
    from flowtui import parser

    arguments = parser.parse(words)
    if arguments.command == "help":
        sys.stdout.write(arguments.options.text + "\n")
        return 0
    return _version() if arguments.options.version else _run(arguments)


def _version() -> int:
    from flowtui import __version__

    sys.stdout.write(f"flowtui {__version__}\n")
    return 0


def _run(arguments: Arguments) -> int:
    from flowtui.config import load_settings

    options = arguments.options
    settings = load_settings(vars(options))
    if deed := _DEEDS.get(arguments.command):
        from flowtui.permission import Permission

        Permission(read_only=settings.read_only).require(deed)
    if arguments.command == "run":
        return _run_flow(arguments, settings)
    if arguments.command == "serve":
        return _serve(options, settings)
    if arguments.command in ("open", "demo"):
        return _screen(arguments, settings)
    from flowtui.headless.style import Style

    style = Style.of(sys.stdout, json=options.json, ascii_only=settings.ascii, color=settings.color)
    if arguments.command == "diff":
        import asyncio

        answer = asyncio.run(_diff(settings, options, style))
        sys.stdout.write(answer.text)
        return DIFFERENT if options.exit_code and not answer.same else 0
    sys.stdout.write(_answer(arguments, settings, style))
    return 0


def _run_flow(arguments: Arguments, settings: Settings) -> int:
    from flowtui.config import load_settings

    options = arguments.options
    is_configured = not settings.local
    settings = load_settings({**vars(options), "local": True})
    from flowtui.local import run_command

    if options.execution:
        return run_command.run_existing(settings.home, options.execution, max_parallelism=settings.max_parallelism)
    if not (options.file and options.workflow):
        raise UsageError("flowtui run needs FILE and WORKFLOW.", "`flowtui run --help` shows what it takes.")
    return run_command.run(
        settings.home,
        options.file,
        options.workflow,
        arguments.inputs,
        project=settings.project,
        domain=settings.domain,
        name=options.name,
        max_parallelism=settings.max_parallelism,
        overwrite_cache=options.overwrite_cache,
        local_flag=is_configured,
        as_json=options.json,
    )


def _serve(options: Namespace, settings: Settings) -> int:
    import contextlib
    import shlex

    from flowtui.local.home import Home
    from flowtui.local.runner.runner import launcher
    from flowtui.local.serve import Served, serve

    home = Home(settings.home)
    is_new = not home.serve_token.exists()
    grpc_port = options.grpc_port
    if grpc_port is None:
        grpc_port = options.port + 1 if 0 < options.port < 65535 else 0

    def started(served: Served) -> None:
        if options.json:
            from flowtui.headless.json import dumps

            shape = {
                "url": served.url,
                "token": served.token,
                "token_file": str(served.token_file),
                "grpc_endpoint": served.grpc_endpoint,
                "flyte_config": str(served.flyte_config) if served.flyte_config else None,
            }
            sys.stdout.write(dumps(shape))
            sys.stdout.flush()
            return
        token = f"token {served.token}, kept in {served.token_file}" if is_new else f"token in {served.token_file}"
        sys.stderr.write(
            f"The Flyte Admin of this machine answers at {served.url}   ctrl+c ends it\n"
            f"{token}\n"
            f'FLOWTUI_ENDPOINT={served.url} FLOWTUI_TOKEN="$(cat {shlex.quote(str(served.token_file))})" '
            f"flowtui runs -p {settings.project}\n"
        )
        if served.grpc_endpoint is None:
            sys.stderr.write("gRPC, which flytekit needs, is not served without grpcio: pip install 'flowtui[grpc]'\n")
        else:
            sys.stderr.write(
                f"gRPC at {served.grpc_endpoint}, for flytekit:\n"
                f"FLYTECTL_CONFIG={shlex.quote(str(served.flyte_config))} pyflyte register -p {settings.project} FILE\n"
            )

    # Ctrl+C is how a server ends, not how it fails.
    with contextlib.suppress(KeyboardInterrupt):
        serve(home, port=options.port, grpc_port=grpc_port, launcher=launcher(home), started=started)
    return 0


def _screen(arguments: Arguments, settings: Settings) -> int:
    from flowtui.embedded import screen_session_of

    options = arguments.options
    if options.json:
        raise UsageError("The screen has no --json.", "`flowtui --help` lists the commands that have.")
    if arguments.command == "demo":
        from flowtui.local import demo

        settings = settings.at(None)
        demo.prepare(settings.home)
        if not options.screen:
            return 0
    start = None
    if getattr(options, "run", None) is not None:
        settings, run = _aim(settings, options.run)
        start = run if run.name else None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("The screen needs a terminal.", "In scripts, use a command: `flowtui --help` lists them.")
    from flowtui.tui.app import FlowtuiApp

    app = FlowtuiApp(settings, lambda: screen_session_of(settings), start, servers=_servers(options, settings))
    app.run(mouse=settings.mouse)
    if app.defect is not None:
        raise app.defect
    return app.return_code or 0


def _answer(arguments: Arguments, settings: Settings, style: Style) -> str:
    """What a reading command has to say; nothing is written before it is known as a whole."""
    import asyncio

    from flowtui.embedded import adopt_datasets, session_of

    options = arguments.options
    if arguments.command in ("login", "logout"):
        from importlib import import_module

        module = import_module(f"flowtui.headless.{arguments.command}")
        answer: str = asyncio.run(module.execute(settings, options, style))
        return answer
    if arguments.command == "config":
        from flowtui.headless import config

        return config.describe(options, settings, style)
    if arguments.command == "doctor":
        from flowtui.headless import doctor

        return asyncio.run(doctor.examine(settings, lambda: session_of(settings), style))
    if arguments.command == "preview" and options.selector is None:
        return asyncio.run(_preview_uri(settings, options, style))
    if arguments.command == "bookmark":
        from flowtui.headless import bookmark

        bookmark.check(options)
    if arguments.command == "export-artifacts":
        from flowtui.headless import export_artifacts

        export_artifacts.prepare(options)
    if getattr(options, "run", None) is not None:
        named = options.run
        settings, options.run = _aim(settings, named)
        if not options.run.name:
            raise UsageError(f"{named!r} names a project and no run.", "Give the URL of an execution.")
    if arguments.command == "export-artifacts" and settings.local and not settings.domino.url:
        adopt_datasets(settings.home, export_artifacts.datasets(options))
    return asyncio.run(_ask(arguments, settings, style))


async def _ask(arguments: Arguments, settings: Settings, style: Style) -> str:
    from importlib import import_module

    from flowtui.embedded import has_run, session_of

    options = arguments.options
    module = import_module(f"flowtui.headless.{arguments.command.replace('-', '_')}")
    try:
        async with session_of(settings, launches=getattr(options, "via", "") == "flyte") as session:
            if not settings.project and _needs_project(arguments):
                raise await _no_project(session)
            answer: str = await module.execute(session, options, style)
            return answer
    except NotFoundError as error:
        run = getattr(options, "run", None)
        if run is not None and not settings.local and await has_run(settings, run):
            error.hint = f"{error.hint} A run {run.name} is on this machine: add --local.".strip()
        raise


def _needs_project(arguments: Arguments) -> bool:
    return arguments.command != "exports" and getattr(arguments.options, "action", "") != "list"


def _servers(options: Namespace, start: Settings) -> Servers:
    from flowtui.config import list_contexts, switched_settings
    from flowtui.embedded import screen_session_of
    from flowtui.tui.context import Servers

    flags = vars(options)
    return Servers(
        contexts=lambda: list_contexts(flags, start=start),
        of_context=lambda name: switched_settings(start, flags, context=name),
        of_url=lambda url: switched_settings(start, flags, endpoint=url),
        open_session=screen_session_of,
    )


def _aim(settings: Settings, text: str) -> tuple[Settings, ExecutionId]:
    """The run that a text names, and the settings that its server, project and domain ask for."""
    from dataclasses import replace
    from urllib.parse import urlsplit

    from flowtui.domain.execution import ExecutionId
    from flowtui.urls import parse_target

    try:
        target = parse_target(text)
    except ValueError as error:
        raise UsageError(f"{text!r} names no run: {error}.", "Give NAME, PROJECT/DOMAIN/NAME or a URL.") from error
    if target.endpoint and settings.sources.get("local") != "--local":
        known = urlsplit(settings.endpoint or "").netloc
        if known != urlsplit(target.endpoint).netloc:
            # Another server than the configured one must not see its headers and its login.
            settings = settings.at(target.endpoint)
    if target.project:
        settings = replace(settings, project=target.project, domain=target.domain or settings.domain)
    return settings, ExecutionId(settings.project, settings.domain, target.name)


async def _no_project(session: Session) -> UsageError:
    names = [project.id for project in await session.catalog.projects()]
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20:,} more" if len(names) > 20 else "")
    hint = f"Choose one with --project: {shown}." if names else "The server has no projects that you may see."
    return UsageError("No project is chosen.", hint)


async def _preview_uri(settings: Settings, options: Namespace, style: Style) -> str:
    from flowtui.headless import preview

    async with _storage(settings, options.run) as storage:
        return await preview.execute_uri(storage, options, style)


async def _diff(settings: Settings, options: Namespace, style: Style) -> Answer:
    from flowtui.embedded import session_of
    from flowtui.headless import diff

    if options.selector is None:
        async with _storage(settings, options.left, options.right) as storage:
            return await diff.execute_uris(storage, options, style)
    named = options.left, options.right
    settings, options.left = _aim(settings, named[0])
    other, options.right = _aim(settings, named[1])
    if other.endpoint != settings.endpoint:
        raise UsageError(
            "The two runs are on two servers.", "Get one of them with `flowtui get`, and compare the files."
        )
    for name, run in zip(named, (options.left, options.right), strict=True):
        if not run.name:
            raise UsageError(f"{name!r} names a project and no run.", "Give the URL of an execution.")
    async with session_of(settings) as session:
        if not settings.project:
            raise await _no_project(session)
        return await diff.execute(session, options, style)


@asynccontextmanager
async def _storage(settings: Settings, *uris: str) -> AsyncIterator[Storage]:
    """What reads these paths and URIs; a server is spoken to only where one of them needs its signature."""
    from dataclasses import replace
    from functools import partial

    from flowtui.embedded import session_of
    from flowtui.storage import Storage, Trust
    from flowtui.tls import tls_context

    if all("://" not in uri or uri.startswith(("file://", "http://", "https://")) for uri in uris):
        # Certificates are checked here even where those of the configured server are not.
        transport = replace(settings.transport, verify=True)
        trust = Trust(settings.storage, typed=uris)
        async with Storage(trust, tls=partial(tls_context, transport), proxy=transport.proxy) as storage:
            yield storage
        return
    async with session_of(settings, typed=uris) as session:
        yield session.storage
